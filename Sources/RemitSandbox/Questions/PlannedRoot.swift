// SPDX-License-Identifier: Apache-2.0
// A session's root before there is one: what the steps of its plan would put there.

package import RemitKernel
package import RemitTask

/// The file tree that an agent would find, folded from the very steps that would build it.
package struct PlannedRoot: Sendable {
    /// What is mounted at one path.
    package struct Mount: Hashable, Sendable {
        package enum Content: Hashable, Sendable {
            /// A directory or a file of the host.
            case host(String)
            /// A file system of its own, by its type.
            case fresh(String)
        }

        package let target: String
        package let content: Content
        package fileprivate(set) var attributes: MountAttributes
        /// What is written there goes into a layer of the session's own, and the directory of the host keeps as it is.
        package fileprivate(set) var isCovered = false
        /// The user and group whose files are the agent's here.
        let owner: AgentIdentity.Owner?

        /// The session's root, before anything is mounted on it.
        static let ownRoot = Mount(target: "/", content: .fresh("tmpfs"), attributes: [.readOnly], owner: nil)
    }

    /// An entry that the launch itself makes.
    enum Entry: Hashable, Sendable {
        case directory(mode: UInt32)
        case file([UInt8], mode: UInt32)
        case link(String)
    }

    /// Landlock's rights beneath a path.
    struct Rights: Hashable, Sendable {
        let path: String
        let directory: UInt64
        let file: UInt64
    }

    package let profile: Profile
    package let identity: AgentIdentity
    /// The agent's groups on the host: an ordinary user cannot give up its supplementary ones.
    let groups: Set<UInt32>
    private(set) var mounts: [String: Mount] = [:]
    private(set) var entries: [String: Entry] = ["/": .directory(mode: 0o755)]
    private(set) var rights: [Rights] = []
    /// What Landlock handles at all; nothing on a host without it.
    let landlock: LandlockRuleset?

    /// - Parameter groups: supplementary groups that the agent keeps.
    package init(_ plan: SandboxPlan, profile: Profile, landlock: LandlockSupport, groups: [UInt32] = []) {
        self.profile = profile
        identity = plan.identity
        self.groups = Set(groups + [plan.identity.group])
        self.landlock = landlock.abi > 0 ? LandlockRuleset(for: landlock) : nil
        var contents: [Slot: Mount.Content] = [:]
        var attributes: [Slot: MountAttributes] = [:]
        var owners: [Slot: AgentIdentity.Owner] = [:]
        var covered: Set<Slot> = []
        var places: [Slot: String] = [:]
        for tree in plan.trees {
            contents[tree.slot] = .host(tree.path)
            owners[tree.slot] = tree.owner
        }
        for step in plan.launch.setup {
            switch step.effect {
            case .makes(let slot, let type, let own):
                contents[slot] = .fresh(type)
                attributes[slot] = own
            case .covers(let slot, let below, let own):
                contents[slot] = contents[below]
                owners[slot] = owners[below]
                covered.insert(slot)
                attributes[slot] = own
                // Made only to lay it there, and gone afterwards.
                for point in LaunchStep.overlayPoints { entries["/" + point] = nil }
            case .copies(let slot, let from):
                contents[slot] = contents[from]
                attributes[slot] = attributes[from]
                if covered.contains(from) { covered.insert(slot) }
            case .sets(let slot, let more, _):
                attributes[slot] = (attributes[slot] ?? []).union(more)
                // Some are changed where they are mounted already.
                if let target = places[slot] { mounts[target]?.attributes.formUnion(more) }
            case .mounts(let slot, let target):
                places[slot] = target
                mounts[target] = Mount(
                    target: target, content: contents[slot] ?? .fresh("unknown"), attributes: attributes[slot] ?? [],
                    isCovered: covered.contains(slot), owner: owners[slot])
            case .becomesRoot(let slot):
                places[slot] = "/"
                mounts["/"] = Mount(
                    target: "/", content: .fresh("tmpfs"), attributes: attributes[slot] ?? [], owner: nil)
            default: break
            }
            switch step.content {
            case .tree(let slot, let path): contents[slot] = .host(path)
            case .directory(let path, let mode): entries[path] = .directory(mode: mode)
            case .file(let path, let bytes, let mode): entries[path] = .file(bytes, mode: mode)
            case .link(let path, let target): entries[path] = .link(target)
            case .rights(let path, let directory, let file):
                rights.append(Rights(path: path, directory: directory, file: file))
            case nil: break
            }
        }
    }

    /// The mount that a path without links lies in.
    package func mount(of path: String) -> Mount? {
        var place = path
        while true {
            if let mount = mounts[place] { return mount }
            if place == "/" { return nil }
            place = FileSystem.parent(of: place)
        }
    }

    /// Whether a path is one of the few files of `/proc` that the profile shows besides processes.
    func isStatistic(_ path: String) -> Bool {
        profile.filesystem.processes.files.contains { path == "/proc/" + $0 }
    }

    /// The line of a file that brings a mount or an entry in.
    package func line(of path: String) -> DecidingLine? {
        var place = path
        while place != "/" {
            if let line = ownLine(of: place) { return line }
            if mounts[place] != nil { return nil }
            place = FileSystem.parent(of: place)
        }
        return nil
    }

    private func ownLine(of path: String) -> DecidingLine? {
        switch path {
        case "/" + SandboxPlan.Path.workspace: return .task("workspace")
        case "/tmp": return .profile("filesystem.temporary.size")
        case "/" + SandboxPlan.Path.home: return .profile("filesystem.home.size")
        case "/proc": return .profile("filesystem.processes")
        case "/" + SandboxPlan.Path.credentials: return .task("credentials")
        case "/" + SandboxPlan.Path.trust: return .task("network")
        default: break
        }
        if isStatistic(path) { return .profile("filesystem.processes") }
        if path.hasPrefix("/" + SandboxPlan.Path.sockets + "/") { return .task("sockets") }
        if path.hasPrefix("/dev/") { return .builtIn("devices") }
        if profile.filesystem.binds.contains(where: { $0.target == path }) {
            return .profile("filesystem.binds.\(path)")
        }
        if profile.filesystem.links[path] != nil { return .profile("filesystem.links.\(path)") }
        if profile.etc.copy.contains(path) { return .profile("etc.copy.\(path)") }
        if path.hasPrefix("/etc/"), case .file = entries[path] {
            let name = String(path.dropFirst(5))
            return profile.etc.files[name] == nil ? .builtIn("/etc/\(name)") : .profile("etc.files.\(name)")
        }
        return nil
    }
}
