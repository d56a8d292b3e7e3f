// SPDX-License-Identifier: Apache-2.0
// The steps a child takes between clone3(2) and execve(2), as values: printable, comparable, inert.

internal import CLaunch
internal import CLinux
internal import Glibc

/// A named place in the child's table of descriptors.
package struct Slot: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let name: String
    package init(_ name: String) { self.name = name }
    package init(stringLiteral value: String) { name = value }
    package var description: String { name }
}

/// One step of a launch. `description` is what a person reads in a plan and in an error.
package struct LaunchStep: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    let operation: UInt32
    var slot: Slot?
    var from: Slot?
    /// Two more; only of ``overlay(_:above:upper:work:lower:in:attributes:into:)``.
    var others: [Slot] = []
    var flags: UInt32 = 0
    var a: UInt64 = 0
    var b: UInt64 = 0
    var path: String?
    var data: [UInt8] = []
    /// Paths to try in turn; only of ``execute(_:)``.
    var candidates: [String] = []

    init(_ operation: launch_operation, _ description: String) {
        self.operation = operation.rawValue
        self.description = description
    }

    func with(_ change: (inout LaunchStep) -> Void) -> LaunchStep {
        var copy = self
        change(&copy)
        return copy
    }
}

extension LaunchStep {
    package static let deathSignal = LaunchStep(LAUNCH_DEATH_SIGNAL, "die with the supervisor")
    package static let awaitMapping = LaunchStep(LAUNCH_AWAIT_MAPPING, "wait for the id maps")
    package static let cgroupNamespace = LaunchStep(LAUNCH_CGROUP_NAMESPACE, "a cgroup namespace of its own")
    package static let dropGroups = LaunchStep(LAUNCH_DROP_GROUPS, "drop supplementary groups")
    package static let newSession = LaunchStep(LAUNCH_NEW_SESSION, "start a session")
    package static let ownKeyring = LaunchStep(LAUNCH_KEYRING, "join a keyring of its own")
    package static let loopback = LaunchStep(LAUNCH_LOOPBACK, "bring up `lo`")
    package static let privateMounts = LaunchStep(LAUNCH_PRIVATE_MOUNTS, "make every mount private")
    package static let dropCapabilities = LaunchStep(LAUNCH_DROP_CAPABILITIES, "drop every capability")
    package static let noNewPrivileges = LaunchStep(LAUNCH_NO_NEW_PRIVILEGES, "set no_new_privs")
    package static let defaultSignals = LaunchStep(LAUNCH_DEFAULT_SIGNALS, "reset signals")
    package static let ready = LaunchStep(LAUNCH_READY, "wait for the supervisor's word")
    package static let closeOnExec = LaunchStep(LAUNCH_CLOSE_ON_EXEC, "keep only the standard streams")

    package static func identity(user: UInt32, group: UInt32) -> LaunchStep {
        LaunchStep(LAUNCH_SET_IDS, "become uid \(user), gid \(group)").with {
            $0.a = UInt64(user)
            $0.b = UInt64(group)
        }
    }

    package static func hostname(_ name: String) -> LaunchStep {
        LaunchStep(LAUNCH_HOSTNAME, "set the host name to `\(name)`").with { $0.path = name }
    }

    /// A detached copy of the host's tree at `path`; `expecting` is the file the supervisor approved.
    package static func cloneTree(
        _ path: String,
        expecting facts: FileSystem.Facts?,
        recursive: Bool,
        optional: Bool,
        into slot: Slot
    ) -> LaunchStep {
        LaunchStep(LAUNCH_CLONE_TREE, "take `\(path)` from the host").with {
            $0.path = path
            $0.slot = slot
            $0.a = facts?.device ?? 0
            $0.b = facts?.inode ?? 0
            $0.flags = (recursive ? LAUNCH_RECURSIVE.rawValue : 0) | (optional ? LAUNCH_OPTIONAL.rawValue : 0)
        }
    }

    /// A second, detached mount of what is attached in `from`, or of the file `path` in it.
    package static func reopenTree(_ from: Slot, path: String? = nil, into slot: Slot) -> LaunchStep {
        let part = path.map { "`\($0)` of \(from)" } ?? "\(from)"
        return LaunchStep(LAUNCH_REOPEN_TREE, "open \(part) a second time").with {
            $0.from = from
            $0.slot = slot
            $0.path = path
        }
    }

    package static func filesystem(
        _ type: String,
        options: [String],
        attributes: MountAttributes,
        into slot: Slot
    ) -> LaunchStep {
        LaunchStep(LAUNCH_FILESYSTEM, "make a \(type) (\(options.joined(separator: ","))) for \(slot)").with {
            $0.path = type
            $0.data = options.flatMap { Array($0.utf8) + [0] }
            $0.a = attributes.rawValue
            $0.slot = slot
        }
    }

    /// The file system behind an attached mount gets further options.
    package static func reconfigure(_ slot: Slot, options: [String]) -> LaunchStep {
        LaunchStep(LAUNCH_RECONFIGURE, "narrow \(slot) to \(options.joined(separator: ","))").with {
            $0.data = options.flatMap { Array($0.utf8) + [0] }
            $0.slot = slot
        }
    }

    /// A layer above a tree that takes every write to it.
    ///
    /// - Parameters:
    ///   - layers: a detached tree that holds the directories of the layer. Used up.
    ///   - tree: the detached tree that stays as it is. Used up.
    ///   - upper: what is written goes here, beneath `layers`; `work` is the kernel's, empty, beside it.
    ///   - lower: an earlier upper that is seen on top of the tree, and stays as it is as well.
    ///   - root: an attached directory with the empty directories ``overlayPoints``, which are gone afterwards.
    package static func overlay(
        _ layers: Slot, above tree: Slot, upper: String, work: String, lower: String? = nil, in root: Slot,
        attributes: MountAttributes, into slot: Slot
    ) -> LaunchStep {
        LaunchStep(LAUNCH_OVERLAY, "lay \(upper) of \(layers) over \(tree)").with {
            $0.slot = slot
            $0.from = root
            $0.others = [layers, tree]
            $0.a = attributes.rawValue
            $0.data = ([upper, work] + [lower].compactMap { $0 }).flatMap { Array($0.utf8) + [0] }
        }
    }

    /// Where the trees of an overlay are attached while it is made.
    package static let overlayPoints = [".layers", ".below"]

    package static func openHost(_ path: String, writable: Bool, into slot: Slot) -> LaunchStep {
        LaunchStep(LAUNCH_OPEN_HOST, "open `\(path)`").with {
            $0.path = path
            $0.a = UInt64(writable ? O_WRONLY : O_RDONLY)
            $0.slot = slot
        }
    }

    package static func attachRoot(_ slot: Slot, over path: String) -> LaunchStep {
        LaunchStep(LAUNCH_ATTACH_ROOT, "attach \(slot)").with {
            $0.slot = slot
            $0.path = path
        }
    }

    package static func attributes(
        _ slot: Slot,
        set: MountAttributes,
        recursive: Bool,
        optional: Bool = false
    ) -> LaunchStep {
        LaunchStep(LAUNCH_ATTRIBUTES, "make \(slot) \(set)").with {
            $0.slot = slot
            $0.a = set.rawValue
            $0.flags = (recursive ? LAUNCH_RECURSIVE.rawValue : 0) | (optional ? LAUNCH_OPTIONAL.rawValue : 0)
        }
    }

    package static func move(_ slot: Slot, to path: String, in root: Slot, optional: Bool = false) -> LaunchStep {
        LaunchStep(LAUNCH_MOVE, "mount \(slot) on `/\(path)`").with {
            $0.slot = slot
            $0.from = root
            $0.path = path
            $0.flags = optional ? LAUNCH_OPTIONAL.rawValue : 0
        }
    }

    package static func openBeneath(_ path: String, in root: Slot, into slot: Slot) -> LaunchStep {
        LaunchStep(LAUNCH_OPEN_BENEATH, "open `\(path)` beneath \(root)").with {
            $0.slot = slot
            $0.from = root
            $0.path = path
        }
    }

    package static func directory(_ path: String, mode: UInt32, in root: Slot) -> LaunchStep {
        LaunchStep(LAUNCH_DIRECTORY, "make `/\(path)`").with {
            $0.from = root
            $0.path = path
            $0.a = UInt64(mode)
        }
    }

    package static func link(_ path: String, to target: String, in root: Slot) -> LaunchStep {
        LaunchStep(LAUNCH_LINK, "link `/\(path)` to `\(target)`").with {
            $0.from = root
            $0.path = path
            $0.data = Array(target.utf8) + [0]
        }
    }

    package static func file(_ path: String, _ contents: [UInt8], mode: UInt32, in root: Slot) -> LaunchStep {
        LaunchStep(LAUNCH_FILE, "write `/\(path)`").with {
            $0.from = root
            $0.path = path
            $0.data = contents
            $0.a = UInt64(mode)
        }
    }

    package static func pivot(to root: Slot) -> LaunchStep {
        LaunchStep(LAUNCH_PIVOT, "leave the host's root").with { $0.from = root }
    }

    /// `limit` holds the open sysctl `user.max_user_namespaces`.
    package static func closeUserNamespaces(limit: Slot, userMap: String, groupMap: String) -> LaunchStep {
        LaunchStep(LAUNCH_CLOSE_USERNS, "close the user-namespace door").with {
            $0.slot = limit
            $0.data = Array(userMap.utf8) + [0]
            $0.path = groupMap
        }
    }

    package static func landlockRuleset(_ ruleset: LandlockRuleset, into slot: Slot) -> LaunchStep {
        LaunchStep(LAUNCH_LANDLOCK_RULESET, "make a Landlock ruleset").with {
            $0.slot = slot
            $0.data = ruleset.attributeBytes
        }
    }

    package static func landlockPath(
        _ path: String,
        directory: UInt64,
        file: UInt64,
        optional: Bool,
        in slot: Slot
    ) -> LaunchStep {
        LaunchStep(LAUNCH_LANDLOCK_PATH, "allow `\(path)` by Landlock").with {
            $0.slot = slot
            $0.path = path
            $0.a = directory
            $0.b = file
            $0.flags = optional ? LAUNCH_OPTIONAL.rawValue : 0
        }
    }

    /// - Parameter audited: what it refuses to the agent's programs goes into the host's audit log, where that is on:
    ///   by itself the kernel records only what it refuses to the program that enforces it. It takes ABI 7.
    package static func landlockEnforce(_ slot: Slot, audited: Bool = false) -> LaunchStep {
        LaunchStep(LAUNCH_LANDLOCK_ENFORCE, "enforce Landlock").with {
            $0.slot = slot
            // LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
            $0.a = audited ? 1 << 1 : 0
        }
    }

    package static func terminal(slave: Slot, master: Slot) -> LaunchStep {
        LaunchStep(LAUNCH_TERMINAL, "open a terminal").with {
            $0.slot = slave
            $0.from = master
        }
    }

    /// - Parameter optional: the slot may be empty, and nothing is sent then.
    package static func send(_ slot: Slot, tag: DescriptorTag, optional: Bool = false) -> LaunchStep {
        LaunchStep(LAUNCH_SEND, "hand \(slot) to the supervisor").with {
            $0.slot = slot
            $0.a = UInt64(tag.rawValue)
            $0.flags = optional ? LAUNCH_OPTIONAL.rawValue : 0
        }
    }

    package static func controllingTerminal(_ slot: Slot) -> LaunchStep {
        LaunchStep(LAUNCH_CONTROLLING_TERMINAL, "take the terminal").with { $0.slot = slot }
    }

    package static func resourceLimit(_ limit: ResourceLimit) -> LaunchStep {
        LaunchStep(LAUNCH_RESOURCE_LIMIT, "limit \(limit.name) to \(limit.value)").with {
            $0.a = UInt64(limit.resource)
            $0.data = limit.bytes
        }
    }

    package static func umask(_ mask: UInt32) -> LaunchStep {
        LaunchStep(LAUNCH_UMASK, "set the umask to 0\(String(mask, radix: 8))").with { $0.a = UInt64(mask) }
    }

    package static func changeDirectory(_ path: String) -> LaunchStep {
        LaunchStep(LAUNCH_DIRECTORY_CHANGE, "change to `\(path)`").with { $0.path = path }
    }

    package static func duplicate(_ slot: Slot, as number: CInt) -> LaunchStep {
        LaunchStep(LAUNCH_DUPLICATE, "put \(slot) at descriptor \(number)").with {
            $0.slot = slot
            $0.a = UInt64(number)
        }
    }

    /// `filter` is a classic BPF program of 8-byte instructions; `listener` receives what it reports.
    package static func seccomp(_ filter: [UInt8], listener: Slot?) -> LaunchStep {
        LaunchStep(LAUNCH_SECCOMP, "load the system-call filter (\(filter.count / 8) instructions)").with {
            $0.data = filter
            $0.slot = listener
            // NEW_LISTENER, and WAIT_KILLABLE_RECV: a signal does not tear a report that was received.
            $0.a = listener == nil ? 0 : 1 << 3 | 1 << 5
        }
    }

    /// Attempts, as the agent, what the finished sandbox must refuse; one that gets through ends the launch.
    ///
    /// - Parameters:
    ///   - agent: the uid that the agent must have.
    ///   - hidden: absolute paths that must not open.
    ///   - unwritable: directories in which nothing can be made.
    ///   - sealed: a file that is there and that Landlock alone closes.
    ///   - unreachable: internet addresses as text, to which there must be no route.
    ///   - local: addresses to which the only route may be one that ends in the namespace itself.
    package static func prove(
        _ probes: [ConfinementProbe],
        agent: UInt32,
        hidden: [String],
        unwritable: [String],
        sealed: String,
        unreachable: [String] = [],
        local: [String] = []
    ) -> LaunchStep {
        LaunchStep(LAUNCH_PROVE, "prove the sandbox (\(probes.map(\.name).joined(separator: ", ")))").with {
            $0.a = UInt64(probes.reduce(0) { $0 | $1.bit })
            $0.b = UInt64(agent)
            let files = hidden.map { "r" + $0 } + unwritable.map { "w" + $0 } + ["s" + sealed]
            let addresses = unreachable.map { "a" + $0 } + local.map { "l" + $0 }
            $0.data = (files + addresses).flatMap { Array($0.utf8) + [0] }
        }
    }

    package static func execute(_ candidates: [String]) -> LaunchStep {
        LaunchStep(LAUNCH_EXECUTE, "execute `\(candidates.first ?? "")`").with { $0.candidates = candidates }
    }
}

/// What a descriptor sent by the child is.
package enum DescriptorTag: Int32, Sendable {
    case terminal = 1
    case credentials = 2
    case listener = 3
    /// The directory of what the session trusts.
    case trust = 4
    /// A finished overlay, to show that there is one.
    case overlay = 5
    /// The sockets of egress: see ``SandboxListener`` of the sandbox.
    case nameDatagrams = 16
    case nameStreams = 17
    case proxy = 18
    case redirected = 19
    case port = 20
}

/// Flags of one mount, see mount_setattr(2).
package struct MountAttributes: OptionSet, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static let readOnly = MountAttributes(rawValue: 0x1)
    package static let noSetUser = MountAttributes(rawValue: 0x2)
    package static let noDevices = MountAttributes(rawValue: 0x4)
    package static let noExecute = MountAttributes(rawValue: 0x8)

    package var description: String {
        let names: [(MountAttributes, String)] = [
            (.readOnly, "read-only"), (.noSetUser, "nosuid"), (.noDevices, "nodev"), (.noExecute, "noexec"),
        ]
        return names.filter { contains($0.0) }.map(\.1).joined(separator: ",")
    }
}

/// A resource limit, soft and hard alike, see setrlimit(2).
package struct ResourceLimit: Hashable, Sendable {
    package let name: String
    package let resource: Int32
    package let value: UInt64

    package static func core(_ value: UInt64) -> Self { Self(name: "core", resource: 4, value: value) }
    package static func fileSize(_ value: UInt64) -> Self { Self(name: "file size", resource: 1, value: value) }
    package static func processes(_ value: UInt64) -> Self { Self(name: "processes", resource: 6, value: value) }
    package static func openFiles(_ value: UInt64) -> Self { Self(name: "open files", resource: 7, value: value) }
    package static func lockedMemory(_ value: UInt64) -> Self { Self(name: "locked memory", resource: 8, value: value) }
    package static func data(_ value: UInt64) -> Self { Self(name: "data", resource: 2, value: value) }
    package static func realtimePriority(_ value: UInt64) -> Self {
        Self(name: "real-time priority", resource: 14, value: value)
    }

    /// This limit, or the caller's own hard limit where that is lower.
    package var withinOwn: ResourceLimit {
        ResourceLimit(name: name, resource: resource, value: min(value, CurrentProcess.hardLimit(resource)))
    }

    var bytes: [UInt8] {
        let half = (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        return half + half
    }
}

extension LaunchPlan {
    /// The whole plan as bytes, for a digest: two plans that do the same have the same bytes.
    package var canonicalBytes: [UInt8] {
        var bytes: [UInt8] = []
        func add(_ part: [UInt8]) {
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: part.count >> (8 * $0)) }
            bytes += part
        }
        func add(_ text: String) { add(Array(text.utf8)) }
        add("\(namespaces)")
        for step in setup + [LaunchStep.ready] + agent {
            add("\(step.operation) \(step.flags) \(step.a) \(step.b)")
            for text in [step.slot?.name, step.from?.name, step.path] + step.others.map(\.name) { add(text ?? "") }
            add(step.data)
            add("\(step.candidates.count)")
            for candidate in step.candidates { add(candidate) }
        }
        for texts in [arguments, environment] {
            add("\(texts.count)")
            for text in texts { add(text) }
        }
        return bytes
    }
}
