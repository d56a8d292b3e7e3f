// SPDX-License-Identifier: Apache-2.0
// Task, profile and host become a launch plan: the ideal launch sequence, one step after the other.
// The order is the design; each group says why it stands where it stands.

package import RemitKernel
internal import RemitNetwork
internal import RemitTask

/// A launch plan, and what the supervisor must do around it.
package struct SandboxPlan: Sendable {
    package let launch: LaunchPlan
    package let identity: AgentIdentity
    package let enforcement: EnforcementPlan
    /// What root takes from the host itself, because the agent's user may not be able to reach it by name.
    package let trees: [HostTree]
    package let cgroupLimits: CgroupLimits
    /// The profile of a session that is observed.
    let observed: Profile?

    /// A tree of the host that the supervisor clones, and the slot it goes to.
    package struct HostTree: Hashable, Sendable {
        package let path: String
        /// The file that was approved; `nil` for a directory of our own.
        package let facts: FileSystem.Facts?
        package let slot: Slot
        package let owner: AgentIdentity.Owner?
    }

    /// Where things are inside.
    package enum Path {
        package static let workspace = "workspace"
        package static let home = "home/agent"
        package static let credentials = "run/remit/credentials"
        package static let sockets = "run/remit/sockets"
        /// What the agent may read about its session.
        package static let description = "run/remit/session.json"
        /// What the session trusts besides the host's authorities.
        package static let trust = "run/remit/trust"
        /// An empty file with mode 0444 in the root, where Landlock allows to list and nothing else: whoever opens it
        /// is not under Landlock.
        package static let sealed = ".sealed"
    }

    /// - Throws: ``SandboxError`` when a source of the profile is missing, two things want the same place, or the
    ///   system-call rules are wrong.
    package init(
        _ request: SandboxRequest,
        host: HostSupport,
        enforcement: EnforcementPlan,
        cache: FilterCache
    ) throws(SandboxError) {
        self.enforcement = enforcement
        observed = request.isObserved ? request.profile : nil
        identity = AgentIdentity(session: request.agent ?? request.session, workspace: request.workspace?.facts)
        cgroupLimits = CgroupLimits(
            memory: request.limits.memory?.bytes,
            processes: request.limits.processes,
            cpu: request.limits.cpu,
            io: request.limits.io.flatMap { io in
                request.workspace?.disk.map {
                    CgroupLimits.TransferLimit(device: $0, read: io.read?.bytes, write: io.write?.bytes)
                }
            },
            endsTogether: request.limits.whenReached == .end
        )
        var builder = PlanBuilder(
            request: request, host: host, enforcement: enforcement, identity: identity, cache: cache)
        try builder.build()
        trees = builder.trees
        launch = LaunchPlan(
            setup: builder.setup,
            agent: builder.agent,
            arguments: request.command,
            environment: request.environment.map { "\($0.key)=\($0.value)" }.sorted(),
            // NEWUSER, NEWNS, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP
            namespaces: 0x1000_0000 | 0x0002_0000 | 0x2000_0000 | 0x4000_0000 | 0x0800_0000 | 0x0400_0000
                | (host.usesScope ? 0 : 0x0200_0000),
            lingers: host.usesScope
        )
    }
}

/// Lays out the steps of one sandbox.
struct PlanBuilder {
    let request: SandboxRequest
    let host: HostSupport
    let enforcement: EnforcementPlan
    let identity: AgentIdentity
    let cache: FilterCache
    var setup: [LaunchStep] = []
    var agent: [LaunchStep] = []
    var trees: [SandboxPlan.HostTree] = []

    private var mounts: [Mount] = []

    init(
        request: SandboxRequest,
        host: HostSupport,
        enforcement: EnforcementPlan,
        identity: AgentIdentity,
        cache: FilterCache
    ) {
        self.request = request
        self.host = host
        self.enforcement = enforcement
        self.identity = identity
        self.cache = cache
    }

    /// Something that will be attached below the new root.
    private struct Mount {
        let target: String
        let slot: Slot
        let isDirectory: Bool
        /// Rights beneath it, for Landlock.
        let access: Access
        let programs: Bool
    }

    /// What every mount gets: no privilege and no device comes from it.
    private static let quiet: MountAttributes = [.noSetUser, .noDevices]

    private enum Access { case read, write, devices }

    mutating func build() throws(SandboxError) {
        enter()
        try takeSources()
        makeRoot()
        try attachSources()
        leaveHost()
        giveUpAuthority()
        try prepareAgent()
    }

    // MARK: identity, and nothing shared with the host

    private mutating func enter() {
        setup += [.deathSignal, .awaitMapping]
        // Into a scope it is moved only now, and it is not to see the way there.
        if host.usesScope { setup.append(.cgroupNamespace) }
        if host.isRoot { setup.append(.dropGroups) }
        setup += [
            .identity(user: AgentIdentity.inside, group: AgentIdentity.inside), .newSession, .ownKeyring,
            .hostname("remit"), .loopback,
        ]
        // While there are capabilities: afterwards nobody inside can change who listens, or where a connection leads.
        if let network = request.network { setup += network.steps }
        setup.append(.privateMounts)
    }

    // MARK: sources: all of them before any path is covered

    private mutating func takeSources() throws(SandboxError) {
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

    private mutating func layOver() {
        guard let layers = request.layers, request.workspace?.mode == .overlay else { return }
        let root: Slot = "root"
        setup += LaunchStep.overlayPoints.map { .directory($0, mode: 0o700, in: root) }
        setup.append(
            .overlay(
                "layers", above: "workspace", upper: layers.upper, work: layers.work, lower: layers.lower, in: root,
                attributes: Self.quiet, into: Slot("/\(SandboxPlan.Path.workspace)"))
        )
    }

    /// Only the session's processes, and only those one may inspect.
    private var processOptions: [String] { ["hidepid=ptraceable", "subset=pid"] }

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

    // MARK: a root of our own; mount points are made only in it, before anything is attached

    private mutating func makeRoot() {
        let root: Slot = "root"
        setup += [
            .filesystem(
                "tmpfs", options: ["size=16m", "mode=0755"], attributes: [.noSetUser, .noDevices], into: root),
            .attachRoot(root, over: "/usr"),
        ]
        layOver()
        var directories: [String: UInt32] = [
            "dev": 0o755, "dev/pts": 0o755, "etc": 0o755, "home/agent": 0o700, "proc": 0o555, "run/remit": 0o755,
            "run/remit/credentials": 0o700, "run/remit/sockets": 0o755, "tmp": 0o777, "var": 0o755,
        ]
        if request.workspace == nil { directories[SandboxPlan.Path.workspace] = 0o755 }
        var files: [String: [UInt8]] = [SandboxPlan.Path.sealed: []]
        if !request.description.isEmpty { files[SandboxPlan.Path.description] = request.description }
        for (name, text) in syntheticFiles { files["etc/\(name)"] = Array(text.utf8) }
        if trusts {
            directories[SandboxPlan.Path.trust] = 0o755
            // Without the host's authorities there is no bundle to cover, but programs look for one all the same.
            if !mounts.contains(where: { $0.target == "etc/ssl/certs" }) { files[TrustFile.bundle.place] = [] }
        }
        for mount in mounts {
            if mount.isDirectory { directories[mount.target] = 0o755 } else { files[mount.target] = [] }
        }
        for path in Array(directories.keys) + Array(files.keys) {
            for parent in parents(of: path) where directories[parent] == nil { directories[parent] = 0o755 }
        }
        for (path, mode) in directories.sorted(by: { $0.key < $1.key }) {
            setup.append(.directory(path, mode: mode, in: root))
        }
        for (path, contents) in files.sorted(by: { $0.key < $1.key }) where directories[path] == nil {
            setup.append(.file(path, contents, mode: 0o444, in: root))
        }
        var links = request.profile.filesystem.links
        links["/dev/fd"] = "/proc/self/fd"
        links["/dev/stdin"] = "/proc/self/fd/0"
        links["/dev/stdout"] = "/proc/self/fd/1"
        links["/dev/stderr"] = "/proc/self/fd/2"
        links["/dev/ptmx"] = "pts/ptmx"
        links["/dev/shm"] = "/tmp"
        links["/var/tmp"] = "/tmp"
        for (path, target) in links.sorted(by: { $0.key < $1.key }) {
            setup.append(.link(String(path.dropFirst()), to: target, in: root))
        }
    }

    private func parents(of path: String) -> [String] {
        var result: [String] = []
        var rest = path
        while let slash = rest.lastIndex(of: "/") {
            rest = String(rest[..<slash])
            result.append(rest)
        }
        return result
    }

    private var syntheticFiles: [String: String] {
        let builtIn = [
            "passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/sh\n"
                + "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
            "group": "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n",
            "hostname": "remit\n",
            "hosts": "127.0.0.1 localhost remit\n::1 localhost remit\n",
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
            "resolv.conf": "# no network\n",
        ].merging(request.network?.files ?? [:]) { _, other in other }
        return builtIn.merging(request.profile.etc.files) { _, own in own }
    }

    // MARK: attach everything beneath the new root

    private mutating func attachSources() throws(SandboxError) {
        let root: Slot = "root"
        let quiet = Self.quiet
        var seen: Set<String> = []
        for mount in mounts.sorted(by: { $0.target < $1.target }) {
            guard seen.insert(mount.target).inserted else {
                throw SandboxError("two things want to be `/\(mount.target)` inside the sandbox")
            }
            setup.append(.move(mount.slot, to: mount.target, in: root))
        }
        let temporary = request.profile.filesystem.temporary?.bytes ?? 1 << 28
        let home = request.profile.filesystem.home?.bytes ?? 1 << 28
        setup += [
            .move("proc", to: "proc", in: root),
            .filesystem("tmpfs", options: volume(temporary, mode: "1777"), attributes: quiet, into: "tmp"),
            .move("tmp", to: "tmp", in: root),
            .filesystem("tmpfs", options: volume(home, mode: "0700"), attributes: quiet, into: "home"),
            .move("home", to: SandboxPlan.Path.home, in: root),
            .filesystem(
                "devpts", options: ["newinstance", "ptmxmode=0666", "mode=0620"],
                attributes: [.noSetUser, .noExecute], into: "terminals"
            ),
            .move("terminals", to: "dev/pts", in: root),
        ]
        if request.credentials {
            // Two mounts of one file system: ours can be written, the agent's cannot.
            let options = ["size=1m", "mode=0700", "nr_inodes=256"]
            setup += [
                .filesystem("tmpfs", options: options, attributes: quiet.union(.noExecute), into: "credentials"),
                .move("credentials", to: SandboxPlan.Path.credentials, in: root),
                .reopenTree("credentials", into: "credentials for the supervisor"),
                .attributes("credentials", set: .readOnly, recursive: false),
                .send("credentials for the supervisor", tag: .credentials),
            ]
        }
        if trusts { attachTrust() }
        if request.terminal { terminalAfterPivot = true }
    }

    /// Options of a temporary file system. An empty file costs the kernel about 1 KiB that its size does not count:
    /// without a number of files it could take all memory of a host that limits none.
    private func volume(_ size: UInt64, mode: String) -> [String] {
        ["size=\(size)", "nr_inodes=\(max(1024, size / 1024))", "mode=\(mode)"]
    }

    private var terminalAfterPivot = false

    private var trusts: Bool { request.network?.hasAuthority ?? false }

    /// Files that the supervisor fills before the agent runs, and over the host's that programs read.
    private mutating func attachTrust() {
        let root: Slot = "root"
        let trust: Slot = "trust"
        setup += [
            .filesystem(
                "tmpfs", options: ["size=4m", "nr_inodes=16", "mode=0755"], attributes: Self.quiet.union(.noExecute),
                into: trust
            ),
            .move(trust, to: SandboxPlan.Path.trust, in: root),
        ]
        for file in TrustFile.allCases {
            setup.append(.file("\(SandboxPlan.Path.trust)/\(file.name)", [], mode: 0o644, in: root))
        }
        setup += [
            .reopenTree(trust, into: "trust for the supervisor"), .attributes(trust, set: .readOnly, recursive: false),
        ]
        for file in TrustFile.allCases where covers(file) {
            let slot = Slot("/\(file.place)")
            setup += [
                .reopenTree(trust, path: file.name, into: slot), .attributes(slot, set: .readOnly, recursive: false),
                .move(slot, to: file.place, in: root),
            ]
        }
        setup.append(.send("trust for the supervisor", tag: .trust))
    }

    /// Whether there is something inside that a file of trust has to take the place of.
    private func covers(_ file: TrustFile) -> Bool {
        guard let mount = mounts.first(where: { file.place.hasPrefix($0.target + "/") }) else {
            return file == .bundle
        }
        // Of the host's tree only what is a plain file is covered.
        guard mount.isDirectory, let facts = try? FileSystem.facts(at: "/" + file.place) else { return false }
        return facts.isRegular
    }

    // MARK: let go of the host

    private mutating func leaveHost() {
        let root: Slot = "root"
        setup += [.attributes(root, set: .readOnly, recursive: false), .pivot(to: root)]
        if terminalAfterPivot {
            setup += [
                .terminal(slave: "terminal", master: "terminal's other end"),
                .send("terminal's other end", tag: .terminal),
            ]
        }
    }

    // MARK: give up authority: after the last mount, because a landlocked task can never mount again

    private mutating func giveUpAuthority() {
        let map = "\(AgentIdentity.inside) \(AgentIdentity.inside) 1\n"
        setup += [
            .closeUserNamespaces(limit: "user namespace limit", userMap: map, groupMap: map),
            .dropCapabilities,
            // Credentials changed above, and with them the kernel forgot the death signal.
            .deathSignal,
            .noNewPrivileges,
        ]
        guard host.landlock.abi > 0 else { return }
        let ruleset = LandlockRuleset(for: host.landlock)
        let slot: Slot = "ruleset"
        setup.append(.landlockRuleset(ruleset, into: slot))
        for rule in landlockRules(ruleset) {
            setup.append(
                .landlockPath(
                    rule.path, directory: rule.rights, file: ruleset.ofFile(rule.rights), optional: false, in: slot)
            )
        }
        setup.append(.landlockEnforce(slot))
    }

    private func landlockRules(_ ruleset: LandlockRuleset) -> [(path: String, rights: UInt64)] {
        var rules: [(path: String, rights: UInt64)] = [
            ("/etc", ruleset.read), ("/proc", ruleset.read), ("/run", ruleset.read), ("/tmp", ruleset.write),
            ("/home/agent", ruleset.write), ("/dev", ruleset.device), ("/", ruleset.list),
        ]
        for mount in mounts where !mount.target.hasPrefix("etc/") && !mount.target.hasPrefix("dev/") {
            let rights =
                switch mount.access {
                case .write: ruleset.write
                case .read: mount.programs ? ruleset.readExecute : ruleset.read
                case .devices: ruleset.device
                }
            rules.append(("/\(mount.target)", rights))
        }
        return rules
    }

    // MARK: the agent's own process

    private mutating func prepareAgent() throws(SandboxError) {
        agent += [.deathSignal, .newSession, .defaultSignals]
        if request.terminal {
            agent.append(.controllingTerminal("terminal"))
            agent += (0...2).map { .duplicate("terminal", as: $0) }
        } else {
            agent += [
                .duplicate("standard input", as: 0), .duplicate("standard output", as: 1),
                .duplicate("standard error", as: 2),
            ]
        }
        agent += [.closeOnExec, .umask(0o022)]
        agent += resourceLimits.map { .resourceLimit($0) }
        agent.append(.changeDirectory("/" + SandboxPlan.Path.workspace))
        agent.append(.ready)
        // The filter is last: after it, only what the agent itself may do is left.
        guard let filter = try compiledFilter(stage: 0) else { throw SandboxError("there is no system-call filter") }
        let listener: Slot? = host.canReportCalls ? "listener" : nil
        agent.append(.seccomp(filter, listener: listener))
        if let listener { agent.append(.send(listener, tag: .listener)) }
        agent.append(
            .prove(
                probes, agent: AgentIdentity.inside, hidden: request.hidden,
                unwritable: ["/"] + mounts.filter { $0.isDirectory && $0.access == .read }.map { "/\($0.target)" },
                sealed: "/" + SandboxPlan.Path.sealed,
                unreachable: outsiders.map(\.description), local: request.network?.samples.map(\.description) ?? []
            )
        )
        if let second = try compiledFilter(stage: 1) { agent.append(.seccomp(second, listener: nil)) }
        agent.append(.execute(try candidates()))
    }

    /// What must be refused as soon as the last layer is in place: everything that this host can refuse.
    private var probes: [ConfinementProbe] {
        ConfinementProbe.allCases.filter { probe in
            switch probe {
            case .landlock: enforcement.state(of: .landlock) != .missing
            // A rule may name every address there is: then none is left that nothing leads to.
            case .reach: outsiders.contains { !$0.isVersion6 }
            default: true
            }
        }
    }

    /// Addresses that no rule names.
    private var outsiders: [IPAddress] {
        // Of documentation (RFC 5737, RFC 3849), for any at all, and the one where clouds keep their secrets.
        ["192.0.2.1", "169.254.169.254", "2001:db8::1"].compactMap { IPAddress($0) }.filter { address in
            !(request.network?.blocks.contains { $0.contains(address) } ?? false)
        }
    }

    private var resourceLimits: [ResourceLimit] {
        let limits = request.limits
        var result: [ResourceLimit] = [.core(0), .lockedMemory(65_536), .realtimePriority(0)]
        if let files = limits.openFiles { result.append(.openFiles(UInt64(files))) }
        if let size = limits.fileSize { result.append(.fileSize(size.bytes)) }
        if let processes = limits.processes {
            // A control group that holds it says so when it does: the limit of the kernel's other book is not the first.
            result.append(.processes(UInt64(processes + (enforcement.isHeldByCgroup(.processLimit) ? 1 : 0))))
        }
        if let memory = limits.memory, enforcement.state(of: .memoryLimit) != .enforced {
            result.append(.data(memory.bytes))
        }
        return result.map(\.withinOwn)
    }

    /// The filter, or one of the two where the profile takes away what the launch needs; nothing for a second stage
    /// that there is not.
    private func compiledFilter(stage: Int) throws(SandboxError) -> [UInt8]? {
        let changes = request.profile.systemCalls
        let origins = request.profile.origins
        let notify = host.canReportCalls
        let observes = request.isObserved && notify
        if stage > 0, !SystemCallTable.deniesLaunch(changes) { return nil }
        return try cache.filter(for: changes, origins: origins, notify: notify, observes: observes, stage: stage) {
            () throws(SandboxError) in
            let policy = try SystemCallPolicy(changes, origins: origins, notify: notify)
            let stages = (observes ? policy.observed : policy).stages
            guard stages.indices.contains(stage) else { throw SandboxError("the filter has no stage \(stage)") }
            do { return try stages[stage].compiled() } catch {
                throw SandboxError("cannot compile the system-call filter: \(error)")
            }
        }
    }

    /// As execvp(3) would look for the program, but decided before the clone.
    private func candidates() throws(SandboxError) -> [String] {
        guard let program = request.command.first, !program.isEmpty else { throw SandboxError("there is no command") }
        if program.contains("/") { return [program] }
        let path = request.environment["PATH"] ?? "/usr/bin:/bin"
        let places = path.split(separator: ":").filter { $0.hasPrefix("/") }
        guard !places.isEmpty else { throw SandboxError("`PATH` has no directory to look for `\(program)` in") }
        return places.map { "\($0)/\(program)" }
    }
}
