// SPDX-License-Identifier: Apache-2.0
// What a sandbox is made of: all of it is taken before any path is covered.

internal import RemitKernel
internal import RemitTask

extension PlanBuilder {
    mutating func takeSources() throws(SandboxError) {
        for bind in request.profile.filesystem.binds {
            guard let facts = try look(bind.source, required: bind.required) else { continue }
            let target = String(bind.target.dropFirst())
            let attributes: MountAttributes =
                Self.quiet.union(bind.mode == .read ? .readOnly : []).union(bind.execute ? [] : .noExecute)
            take(
                facts.path, facts.facts, as: target, attributes: attributes,
                access: bind.mode == .write ? .write : .read, programs: bind.execute
            )
        }
        for path in request.profile.etc.copy {
            guard let facts = try look(path, required: false) else { continue }
            take(
                facts.path, facts.facts, as: String(path.dropFirst()),
                attributes: [.readOnly, .noSetUser, .noDevices, .noExecute], access: .read, programs: false
            )
        }
        let devices = ["null", "zero", "full", "random", "urandom"] + (request.terminal ? ["tty"] : [])
        for device in devices {
            guard let facts = try look("/dev/\(device)", required: true) else { continue }
            take(
                facts.path, facts.facts, as: "dev/\(device)", attributes: [.noSetUser, .noExecute],
                access: .devices, programs: false
            )
        }
        if let workspace = request.workspace, workspace.mode == .overlay {
            try takeLayers(over: workspace)
        } else if let workspace = request.workspace {
            take(
                workspace.path, workspace.facts, as: SandboxPlan.Path.workspace,
                attributes: Self.quiet.union(workspace.mode == .read ? .readOnly : []),
                access: workspace.mode == .write ? .write : .read, programs: true, bySupervisor: host.isRoot,
                owner: identity.mappedOwner
            )
        }
        for socket in request.sockets {
            guard let facts = try look(socket.path, required: true) else { continue }
            guard facts.facts.isSocket else { throw SandboxError("`\(socket.path)` is not a socket") }
            take(
                facts.path, facts.facts, as: String(socket.target.dropFirst()),
                attributes: [.noSetUser, .noDevices, .noExecute], access: .read, programs: false,
                bySupervisor: host.isRoot
            )
        }
        setup += [
            .openHost("/proc/sys/user/max_user_namespaces", writable: true, into: "user namespace limit"),
            .filesystem(
                "proc", options: processOptions, attributes: [.noSetUser, .noDevices, .noExecute], into: "proc"),
        ]
    }

    /// The workspace and what goes over it; ``layOver()`` makes one mount of the two.
    private mutating func takeLayers(over workspace: ApprovedWorkspace) throws(SandboxError) {
        guard let layers = request.layers else { throw SandboxError("there are no layers for the workspace") }
        let (below, above): (Slot, Slot) = ("workspace", "layers")
        if host.isRoot {
            trees += [
                SandboxPlan.HostTree(
                    path: workspace.path, facts: workspace.facts, slot: below, owner: identity.mappedOwner),
                SandboxPlan.HostTree(path: layers.directory, facts: nil, slot: above, owner: nil),
            ]
        } else {
            setup += [
                .cloneTree(workspace.path, expecting: workspace.facts, recursive: false, optional: false, into: below),
                .cloneTree(layers.directory, expecting: nil, recursive: false, optional: false, into: above),
            ]
        }
        setup.append(.attributes(below, set: Self.quiet.union(.readOnly), recursive: false))
        mounts.append(
            Mount(
                target: SandboxPlan.Path.workspace, slot: Slot("/\(SandboxPlan.Path.workspace)"), isDirectory: true,
                access: .write, programs: true)
        )
    }

    /// Only the session's processes, and only those one may inspect.
    private var processOptions: [String] {
        let own = "hidepid=ptraceable"
        return request.profile.filesystem.processes.files.isEmpty ? [own, SandboxPlan.processesOnly] : [own]
    }

    private func look(_ path: String, required: Bool) throws(SandboxError) -> (path: String, facts: FileSystem.Facts)? {
        do {
            let resolved = try FileSystem.resolved(path)
            return (resolved, try FileSystem.facts(at: resolved))
        } catch {
            if !required, error.errno == .notFound || error.errno == .notDirectory { return nil }
            throw SandboxError("cannot use `\(path)` of the host: \(error.errno)")
        }
    }

    private mutating func take(
        _ path: String,
        _ facts: FileSystem.Facts,
        as target: String,
        attributes: MountAttributes,
        access: Access,
        programs: Bool,
        bySupervisor: Bool = false,
        owner: AgentIdentity.Owner? = nil
    ) {
        let slot = Slot("/\(target)")
        if bySupervisor {
            trees.append(SandboxPlan.HostTree(path: path, facts: facts, slot: slot, owner: owner))
        } else {
            setup.append(.cloneTree(path, expecting: facts, recursive: facts.isDirectory, optional: false, into: slot))
        }
        setup.append(.attributes(slot, set: attributes, recursive: facts.isDirectory))
        mounts.append(
            Mount(target: target, slot: slot, isDirectory: facts.isDirectory, access: access, programs: programs)
        )
    }
}
