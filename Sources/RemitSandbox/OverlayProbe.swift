// SPDX-License-Identifier: Apache-2.0

package import RemitKernel
internal import RemitTask

/// Whether a workspace can stay as it is while a session writes to it.
package enum OverlaySupport: Hashable, Sendable {
    case possible
    /// What is in the way.
    case impossible(String)
}

/// Lays a layer over a directory as a session would, in namespaces that are gone afterwards: which file systems can be
/// above and below, and what a user namespace may do with them, no setting tells.
package enum OverlayProbe {
    /// Takes a few milliseconds.
    ///
    /// - Parameters:
    ///   - state: an existing directory on the file system that the layers would be on.
    ///   - workspace: what they would be over; an empty directory beside them when there is none yet.
    package static func support(state: String, workspace: ApprovedWorkspace? = nil) -> OverlaySupport {
        do {
            let place = "\(try FileSystem.resolved(state))/overlay-\(Random.identifier(8))"
            try FileSystem.makeDirectory(place, mode: 0o700)
            defer { try? FileSystem.removeTree(place) }
            let identity = AgentIdentity(session: "probe", workspace: workspace?.facts)
            try LayerDirectories.make(in: place, for: identity, below: "below")
            let below = "\(place)/below"
            return try attempt(
                place, over: workspace?.path ?? below,
                facts: try workspace?.facts ?? FileSystem.facts(at: below), identity
            )
        } catch let failure as LaunchFailure {
            return .impossible("overlayfs cannot be used here: \(failure)")
        } catch let error as SystemCallError where error.action == LayerDirectories.attributeAction {
            return .impossible("`\(state)` is on a file system without extended attributes: \(error.errno)")
        } catch {
            return .impossible("overlayfs cannot be tried here: \(error)")
        }
    }

    private static func attempt(
        _ place: String, over path: String, facts: FileSystem.Facts, _ identity: AgentIdentity
    ) throws -> OverlaySupport {
        let (below, above, root): (Slot, Slot, Slot) = ("workspace", "layers", "root")
        var descriptors: [Slot: CInt] = [:]
        var held: [DescriptorBox] = []
        var setup: [LaunchStep] = [.deathSignal, .awaitMapping]
        if CurrentProcess.isRoot {
            let owner = identity.mappedOwner.map { ($0.user, $0.group, identity.user, identity.group) }
            held = [
                DescriptorBox(try HostTree.clone(path, expecting: facts, mapping: owner)),
                DescriptorBox(try HostTree.clone(place, expecting: nil, mapping: nil)),
            ]
            descriptors = [below: held[0].number, above: held[1].number]
            setup.append(.dropGroups)
        }
        setup += [.identity(user: AgentIdentity.inside, group: AgentIdentity.inside), .privateMounts]
        if !CurrentProcess.isRoot {
            setup += [
                .cloneTree(path, expecting: facts, recursive: false, optional: false, into: below),
                .cloneTree(place, expecting: nil, recursive: false, optional: false, into: above),
            ]
        }
        setup += [
            .filesystem("tmpfs", options: ["size=1m", "mode=0755"], attributes: [.noSetUser, .noDevices], into: root),
            .attachRoot(root, over: "/usr"),
        ]
        setup += LaunchStep.overlayPoints.map { .directory($0, mode: 0o700, in: root) }
        setup += [
            .overlay(
                above, above: below, upper: WorkspaceLayers.upper, work: WorkspaceLayers.work, in: root,
                attributes: [.noSetUser, .noDevices], into: "overlay"),
            .send("overlay", tag: .overlay),
        ]
        // NEWUSER and NEWNS.
        let plan = LaunchPlan(setup: setup, arguments: [], environment: [], namespaces: 0x1000_0000 | 0x0002_0000)
        let child = try Child.launch(plan, descriptors: descriptors)
        defer {
            child.life.close()
            try? child.signal(9)
            child.collect()
        }
        for tree in held { tree.close() }
        try IdentityMaps.write(
            process: child.pid, insideUser: AgentIdentity.inside, insideGroup: AgentIdentity.inside,
            outsideUser: identity.user, outsideGroup: identity.group, keepSetGroups: CurrentProcess.isRoot
        )
        try child.mapped()
        while true {
            switch try child.receive() {
            case .descriptor(.overlay, _): return .possible
            case .descriptor, .ready, .proved: break
            case .failed(let failure): throw failure
            case .ended: return .impossible("overlayfs cannot be tried here: the attempt ended by itself")
            }
        }
    }
}

/// The directories that layers are made of.
package enum LayerDirectories {
    static let attributeAction = "note an extended attribute"

    /// Makes them in `place`, which exists, and gives all of it to the user that the agent is.
    ///
    /// - Parameters:
    ///   - extra: one more directory.
    ///   - mode: of the workspace, which the layer shows as its own.
    /// - Throws: ``SystemCallError``, also where the file system keeps no extended attributes: without them no layer could
    ///   say that a directory was made anew.
    package static func make(
        in place: String, for identity: AgentIdentity, below extra: String? = nil, mode: UInt32 = 0o700
    ) throws(SystemCallError) {
        for name in WorkspaceLayers.all + [extra].compactMap({ $0 }) {
            let path = "\(place)/\(name)"
            try FileSystem.makeDirectory(path, mode: 0o700)
            if CurrentProcess.isRoot {
                try FileSystem.setOwner(of: path, user: identity.user, group: identity.group)
            }
        }
        let upper = try FileSystem.open("\(place)/\(WorkspaceLayers.upper)", FileSystem.noFollow)
        try FileSystem.testAttributes(of: upper.number, action: attributeAction)
        try FileSystem.setMode(of: upper.number, mode & 0o1777 | 0o700)
        if CurrentProcess.isRoot {
            try FileSystem.setOwner(of: place, user: identity.user, group: identity.group)
        }
    }
}
