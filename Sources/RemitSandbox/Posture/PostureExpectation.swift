// SPDX-License-Identifier: Apache-2.0
// What a session's own plan says that it must hold, as a value that can be handed to whoever looks at it.

package import RemitKernel
internal import RemitTask

/// One mount that the plan makes.
package struct MountExpectation: Hashable, Sendable {
    package var target: String
    /// The file system; `nil` for a tree of the host's, which may be on any.
    package var type: String?
    /// The least that must be set; more is not a difference.
    package var attributes: MountAttributes
    /// Mounts of the host beneath the tree came along, with the same attributes.
    package var isRecursive: Bool
    /// The file the supervisor approved, where the plan names it.
    package var file: MountedFile?

    package init(
        target: String, type: String?, attributes: MountAttributes, isRecursive: Bool, file: MountedFile?
    ) {
        self.target = target
        self.type = type
        self.attributes = attributes
        self.isRecursive = isRecursive
        self.file = file
    }
}

/// The control groups of a session, and the limits that they have to hold.
package struct CgroupExpectation: Hashable, Sendable {
    /// Every process is in here, in the unified hierarchy.
    package var path: String
    /// And in these of version 1, by controller.
    package var controllerPaths: [String: String]
    /// Only the limits that the enforcement plan says a control group holds.
    package var limits: CgroupLimits

    package init(path: String, controllerPaths: [String: String], limits: CgroupLimits) {
        self.path = path
        self.controllerPaths = controllerPaths
        self.limits = limits
    }
}

/// What every session inherits from its supervisor and its host, so that it is no difference.
package struct PostureSurroundings: Hashable, Sendable {
    /// The supervisor's own namespaces, by inode.
    package var namespaces: [Namespace: UInt64]
    /// Its supplementary groups, which an ordinary user cannot give up.
    package var groups: [UInt32]
    /// Filters that are on the supervisor already, a container's for example.
    package var filters: Int

    package init(namespaces: [Namespace: UInt64], groups: [UInt32], filters: Int) {
        self.namespaces = namespaces
        self.groups = groups
        self.filters = filters
    }

    /// This process's.
    ///
    /// - Throws: ``SandboxError`` when /proc does not say.
    package static func current() throws(SandboxError) -> PostureSurroundings {
        do throws(SystemCallError) {
            let process = try ProcessDirectory(CurrentProcess.pid)
            guard let status = TaskStatus(try process.text("status")) else {
                throw SystemCallError("read `/proc/self/status`", .unsupported)
            }
            var namespaces: [Namespace: UInt64] = [:]
            for kind in Namespace.allCases { namespaces[kind] = try process.namespace("ns/\(kind.rawValue)") }
            return PostureSurroundings(
                namespaces: namespaces, groups: status.supplementary, filters: status.filters ?? 0
            )
        } catch {
            throw SandboxError("cannot say what the session inherits: \(error)")
        }
    }
}

/// What a live session must hold: the fold of its plan's steps, and what no plan may change.
package struct PostureExpectation: Hashable, Sendable {
    package var session: String
    /// pid 1 of the sandbox, as the host numbers it.
    package var first: ProcessIdentity
    package var user: UInt32
    package var group: UInt32
    package var groups: [UInt32]
    /// How many system-call filters every task has.
    package var filters: Int
    /// Namespaces that are the session's own; the others are the host's.
    package var ownNamespaces: Set<Namespace>
    package var hostNamespaces: [Namespace: UInt64]
    package var mounts: [MountExpectation]
    /// The most that the agent's processes may use, by the name in `/proc/PID/limits`.
    package var limits: [String: UInt64]
    package var hasTerminal: Bool
    package var cgroup: CgroupExpectation?

    package init(
        session: String, first: ProcessIdentity, user: UInt32, group: UInt32, groups: [UInt32], filters: Int,
        ownNamespaces: Set<Namespace>, hostNamespaces: [Namespace: UInt64], mounts: [MountExpectation],
        limits: [String: UInt64], hasTerminal: Bool, cgroup: CgroupExpectation?
    ) {
        self.session = session
        self.first = first
        self.user = user
        self.group = group
        self.groups = groups
        self.filters = filters
        self.ownNamespaces = ownNamespaces
        self.hostNamespaces = hostNamespaces
        self.mounts = mounts
        self.limits = limits
        self.hasTerminal = hasTerminal
        self.cgroup = cgroup
    }
}

extension PostureExpectation {
    /// - Parameters:
    ///   - cgroup: the group that was made for the session; `nil` when this host has none for it.
    package init(
        _ plan: SandboxPlan,
        session: String,
        first: ProcessIdentity,
        cgroup: SessionCgroup?,
        surroundings: PostureSurroundings
    ) {
        var limits = plan.cgroupLimits
        if !plan.enforcement.isHeldByCgroup(.memoryLimit) { limits.memory = nil }
        if !plan.enforcement.isHeldByCgroup(.processLimit) { limits.processes = nil }
        if !plan.enforcement.isHeldByCgroup(.cpuLimit) { limits.cpu = nil }
        if !plan.enforcement.isHeldByCgroup(.ioLimit) { limits.io = nil }
        var fold = PlanFold()
        for tree in plan.trees { fold.take(tree) }
        for step in plan.launch.setup { fold.follow(step) }
        fold.isAgent = true
        for step in plan.launch.agent { fold.follow(step) }
        self.init(
            session: session,
            first: first,
            user: plan.identity.user,
            group: plan.identity.group,
            groups: fold.dropsGroups ? [] : surroundings.groups,
            filters: surroundings.filters + max(1, fold.filters),
            ownNamespaces: Self.namespaces(plan.launch.namespaces).union(fold.namespaces),
            hostNamespaces: surroundings.namespaces,
            mounts: fold.mounts,
            limits: fold.limits,
            hasTerminal: fold.hasTerminal,
            cgroup: cgroup.map {
                CgroupExpectation(path: $0.path, controllerPaths: $0.controllerPaths, limits: limits)
            }
        )
    }

    /// The CLONE_NEW… flags of clone3(2) as kinds.
    private static func namespaces(_ flags: UInt64) -> Set<Namespace> {
        let bits: [(UInt64, Namespace)] = [
            (0x0002_0000, .mount), (0x0200_0000, .cgroup), (0x0400_0000, .uts), (0x0800_0000, .ipc),
            (0x1000_0000, .user), (0x2000_0000, .process), (0x4000_0000, .network),
        ]
        return Set(bits.filter { flags & $0.0 != 0 }.map(\.1))
    }
}

/// Follows a plan's steps and keeps what they leave behind.
private struct PlanFold {
    private struct Tree {
        var type: String?
        var attributes: MountAttributes = []
        var isRecursive = false
        var file: MountedFile?
        var target: String?
    }

    private var trees: [Slot: Tree] = [:]
    private(set) var namespaces: Set<Namespace> = []
    private(set) var dropsGroups = false
    private(set) var filters = 0
    private(set) var hasTerminal = false
    private(set) var limits: [String: UInt64] = [:]
    var isAgent = false

    var mounts: [MountExpectation] {
        trees.values.compactMap { tree in
            tree.target.map {
                MountExpectation(
                    target: $0, type: tree.type, attributes: tree.attributes, isRecursive: tree.isRecursive,
                    file: tree.file)
            }
        }.sorted { $0.target < $1.target }
    }

    mutating func take(_ tree: SandboxPlan.HostTree) {
        let file = tree.facts.map { MountedFile(device: $0.device, inode: $0.inode) }
        trees[tree.slot] = Tree(isRecursive: tree.facts?.isDirectory ?? false, file: file)
    }

    mutating func follow(_ step: LaunchStep) {
        switch step.effect {
        case .takes(let slot, let isRecursive, let device, let inode):
            let file = device == 0 && inode == 0 ? nil : MountedFile(device: device, inode: inode)
            trees[slot] = Tree(isRecursive: isRecursive, file: file)
        case .makes(let slot, let type, let attributes): trees[slot] = Tree(type: type, attributes: attributes)
        case .covers(let slot, _, let attributes): trees[slot] = Tree(type: "overlay", attributes: attributes)
        case .copies(let slot, let source):
            trees[slot] = trees[source]
            trees[slot]?.target = nil
        case .sets(let slot, let attributes, _): trees[slot]?.attributes.formUnion(attributes)
        case .mounts(let slot, let target): trees[slot]?.target = target
        case .becomesRoot(let slot): trees[slot]?.target = "/"
        case .ownsCgroupNamespace: namespaces.insert(.cgroup)
        case .dropsGroups: dropsGroups = true
        case .limits(let resource, let value):
            if isAgent, let name = Self.limitNames[resource] { limits[name] = value }
        case .filters: filters += 1
        case .takesTerminal: hasTerminal = true
        case nil: break
        }
    }

    /// Rows of `/proc/PID/limits` by resource number, see getrlimit(2).
    private static let limitNames: [Int32: String] = [
        0: "Max cpu time", 1: "Max file size", 2: "Max data size", 3: "Max stack size", 4: "Max core file size",
        5: "Max resident set", 6: "Max processes", 7: "Max open files", 8: "Max locked memory",
        9: "Max address space", 10: "Max file locks", 11: "Max pending signals", 12: "Max msgqueue size",
        13: "Max nice priority", 14: "Max realtime priority", 15: "Max realtime timeout",
    ]
}
