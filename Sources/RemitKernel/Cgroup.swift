// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Where this host has its control groups, see cgroups(7).
package struct CgroupHierarchies: Hashable, Sendable {
    /// The mount of the unified hierarchy.
    package let unified: String?
    /// Mounts of version 1 controllers, by controller.
    package let controllers: [String: String]
    /// This process's own group, by controller; the unified one is "".
    package let own: [String: String]

    /// A host where version 1 has the controllers and version 2 only kills and freezes.
    package var isHybrid: Bool { unified != nil && !controllers.isEmpty }

    /// Reads /proc/self/mountinfo and /proc/self/cgroup.
    package static func probe() -> CgroupHierarchies {
        let mounts = text("/proc/self/mountinfo").split(separator: "\n").compactMap {
            line -> (String, String, Substring)? in
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { return nil }
            let left = halves[0].split(separator: " ")
            let right = halves[1].split(separator: " ")
            guard left.count > 4, right.count > 2, right[0].hasPrefix("cgroup") else { return nil }
            return (String(right[0]), String(left[4]), right[2])
        }
        var controllers: [String: String] = [:]
        for (type, path, options) in mounts where type == "cgroup" {
            for option in options.split(separator: ",") where ["memory", "pids", "cpu"].contains(option) {
                controllers[String(option)] = path
            }
        }
        var own: [String: String] = [:]
        for line in text("/proc/self/cgroup").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for name in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                own[String(name)] = String(parts[2])
            }
        }
        return CgroupHierarchies(
            unified: mounts.first { $0.0 == "cgroup2" }?.1,
            controllers: controllers,
            own: own
        )
    }

    private static func text(_ path: String) -> String {
        ((try? FileSystem.read(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }) ?? ""
    }
}

/// The limits a control group can hold.
package struct CgroupLimits: Hashable, Sendable {
    /// Bytes.
    package var memory: UInt64?
    package var processes: Int?
    /// Processors' worth of time, for example 1.5.
    package var cpu: Double?

    package init(memory: UInt64? = nil, processes: Int? = nil, cpu: Double? = nil) {
        self.memory = memory
        self.processes = processes
        self.cpu = cpu
    }
}

/// The control group of one session: every process of it is born there, and dies by one write.
package final class SessionCgroup {
    /// The directory in the unified hierarchy.
    package let path: String
    /// Directories made in version 1 hierarchies.
    package let controllerPaths: [String: String]
    /// The limits this group really enforces.
    package let enforced: Set<String>
    private let directory: DescriptorBox

    private init(path: String, controllerPaths: [String: String], enforced: Set<String>, directory: DescriptorBox) {
        self.path = path
        self.controllerPaths = controllerPaths
        self.enforced = enforced
        self.directory = directory
    }

    package var descriptor: CInt { directory.number }

    /// Whether a session's group could be made by this user on this host, and where.
    ///
    /// - Returns: the parent directory, or `nil`.
    package static func parent(in hierarchies: CgroupHierarchies) -> String? {
        guard let unified = hierarchies.unified else { return nil }
        if geteuid() == 0 { return unsafe access(unified, W_OK) == 0 ? "\(unified)/remit" : nil }
        // Delegated: an ordinary user may write to the group it lives in.
        let own = unified + (hierarchies.own[""] ?? "")
        return unsafe access("\(own)/cgroup.procs", W_OK) == 0 && access(own, W_OK) == 0 ? own : nil
    }

    /// Makes the group and writes its limits, before any process exists.
    ///
    /// - Returns: `nil` when this user has no place for one.
    /// - Throws: ``SystemCallError`` when there is a place and making it fails.
    package static func create(
        session: String,
        limits: CgroupLimits,
        in hierarchies: CgroupHierarchies
    ) throws(SystemCallError) -> SessionCgroup? {
        guard let parent = parent(in: hierarchies) else { return nil }
        if geteuid() == 0, unsafe mkdir(parent, 0o755) != 0, Errno.last != .exists {
            throw SystemCallError("make `\(parent)`", .last)
        }
        let path = "\(parent)/\(geteuid() == 0 ? "" : "remit-")\(session)"
        if !hierarchies.isHybrid { delegate(parent) }
        try check("make `\(path)`") { unsafe mkdir(path, 0o755) }
        var controllerPaths: [String: String] = [:]
        var enforced: Set<String> = []
        do {
            let directory = DescriptorBox(try FileSystem.open(path, O_PATH | O_DIRECTORY))
            if hierarchies.isHybrid {
                for name in ["memory", "pids", "cpu"] {
                    guard let made = try makeController(name, session: session, limits: limits, in: hierarchies)
                    else { continue }
                    controllerPaths[name] = made
                    enforced.insert(name)
                }
            } else {
                enforced = writeUnified(limits, path)
            }
            return SessionCgroup(
                path: path, controllerPaths: controllerPaths, enforced: enforced, directory: directory
            )
        } catch {
            for made in controllerPaths.values { _ = unsafe rmdir(made) }
            _ = unsafe rmdir(path)
            throw error
        }
    }

    /// A group that another process made, found again by what the journal says.
    package static func adopt(path: String, controllerPaths: [String: String]) -> SessionCgroup? {
        guard let directory = try? FileSystem.open(path, O_PATH | O_DIRECTORY) else { return nil }
        return SessionCgroup(
            path: path, controllerPaths: controllerPaths, enforced: [], directory: DescriptorBox(directory)
        )
    }

    /// Puts a stopped process into the version 1 groups; its children are then born there.
    package func adopt(process: Int32) throws(SystemCallError) {
        for path in controllerPaths.values { try Self.write("\(process)", to: "\(path)/cgroup.procs") }
    }

    /// An open `cgroup.kill`, or `nil` before Linux 5.14.
    package func openKill() -> DescriptorBox? {
        guard let file = try? FileSystem.open("\(path)/cgroup.kill", O_WRONLY) else { return nil }
        return DescriptorBox(file)
    }

    /// An open `cgroup.events`, which becomes "priority" readable when it changes.
    package func openEvents() throws(SystemCallError) -> OwnedDescriptor {
        try FileSystem.open("\(path)/cgroup.events")
    }

    /// Kills every process in the group, forking ones included; stopped ones too.
    package func kill() throws(SystemCallError) { try Self.write("1", to: "\(path)/cgroup.kill") }

    /// Whether a process, a zombie not counted, still lives here. An unreadable group counts as populated.
    package var isPopulated: Bool {
        guard let bytes = try? FileSystem.read("\(path)/cgroup.events", limit: 4096) else {
            return FileSystem.exists(path)
        }
        return !String(decoding: bytes, as: UTF8.self).contains("populated 0")
    }

    /// The same, by reading an open `cgroup.events` from its start: that is also what re-arms its notification.
    package static func isPopulated(events descriptor: CInt) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = unsafe pread(descriptor, &buffer, buffer.count, 0)
        // ENODEV: the group was removed, which only an empty one can be.
        guard count > 0 else { return Errno.last != .noDevice }
        return !String(decoding: buffer[..<count], as: UTF8.self).contains("populated 0")
    }

    /// CPU time used so far in microseconds, where the host counts it.
    package var cpuMicroseconds: UInt64? {
        guard let bytes = try? FileSystem.read("\(path)/cpu.stat", limit: 4096) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("usage_usec ") }
            .flatMap { UInt64($0.dropFirst("usage_usec ".count)) }
    }

    /// Removes the empty group.
    ///
    /// - Returns: whether nothing of it is left.
    @discardableResult
    package func remove() -> Bool {
        directory.close()
        let removed = ([path] + controllerPaths.values).map { unsafe rmdir($0) == 0 || Errno.last == .notFound }
        return removed.allSatisfy { $0 }
    }

    private static func delegate(_ parent: String) {
        for directory in [FileSystem.parent(of: parent), parent] {
            for controller in ["memory", "pids", "cpu"] {
                try? write("+\(controller)", to: "\(directory)/cgroup.subtree_control")
            }
        }
    }

    private static func writeUnified(_ limits: CgroupLimits, _ path: String) -> Set<String> {
        var enforced: Set<String> = []
        func set(_ name: String, _ file: String, _ value: String?) {
            guard let value, (try? write(value, to: "\(path)/\(file)")) != nil else { return }
            enforced.insert(name)
        }
        set("memory", "memory.max", limits.memory.map(String.init))
        if enforced.contains("memory") {
            try? write("0", to: "\(path)/memory.swap.max")
            try? write("1", to: "\(path)/memory.oom.group")
        }
        set("pids", "pids.max", limits.processes.map(String.init))
        set("cpu", "cpu.max", limits.cpu.map { "\(Int($0 * 100_000)) 100000" })
        return enforced
    }

    private static func makeController(
        _ name: String,
        session: String,
        limits: CgroupLimits,
        in hierarchies: CgroupHierarchies
    ) throws(SystemCallError) -> String? {
        let settings: [(String, String?)] =
            switch name {
            case "memory": [("memory.limit_in_bytes", limits.memory.map(String.init))]
            case "pids": [("pids.max", limits.processes.map(String.init))]
            default: [("cpu.cfs_quota_us", limits.cpu.map { String(Int($0 * 100_000)) })]
            }
        guard settings[0].1 != nil, let mount = hierarchies.controllers[name] else { return nil }
        let own = mount + (hierarchies.own[name] ?? "")
        let path = "\(FileSystem.exists(own) ? own : mount)/remit-\(session)"
        guard unsafe mkdir(path, 0o755) == 0 else { return nil }
        for (file, value) in settings {
            guard let value else { continue }
            do { try write(value, to: "\(path)/\(file)") } catch {
                _ = unsafe rmdir(path)
                return nil
            }
        }
        return path
    }

    private static func write(_ text: String, to path: String) throws(SystemCallError) {
        let file = try FileSystem.open(path, O_WRONLY)
        try FileSystem.writeAll(file.number, Array(text.utf8), name: path)
    }
}

extension SessionCgroup {
    /// Removes groups of sessions that nobody is in; one with a process refuses by itself.
    ///
    /// - Parameter isSession: whether a name is one that a session's group has.
    package static func removeEmpty(in hierarchies: CgroupHierarchies, where isSession: (String) -> Bool) {
        let controllers = hierarchies.controllers.map { $0.value + (hierarchies.own[$0.key] ?? "") }
        for parent in [parent(in: hierarchies)].compactMap({ $0 }) + controllers {
            for name in (try? FileSystem.names(in: parent)) ?? [] {
                let session = name.hasPrefix("remit-") ? String(name.dropFirst(6)) : name
                guard isSession(session), let facts = try? FileSystem.facts(at: "\(parent)/\(name)") else { continue }
                // A young one may be about to be used, by a supervisor with another state directory.
                let age = WallInstant.now.nanoseconds - facts.changed
                if facts.isDirectory, age > 60_000_000_000 { FileSystem.removeDirectory("\(parent)/\(name)") }
            }
        }
    }

    /// Limits the session ran into so far: `memory` when a process was killed for it, `processes` when a fork failed.
    package var limitsReached: [String] {
        func count(_ path: String, _ key: String) -> UInt64 {
            guard let bytes = try? FileSystem.read(path, limit: 4096) else { return 0 }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                .first { $0.hasPrefix(key + " ") }
                .flatMap { UInt64($0.dropFirst(key.count + 1)) } ?? 0
        }
        let memory =
            controllerPaths["memory"].map { count("\($0)/memory.oom_control", "oom_kill") }
            ?? count("\(path)/memory.events", "oom_kill")
        let processes = count("\(controllerPaths["pids"] ?? path)/pids.events", "max")
        return (memory > 0 ? ["memory"] : []) + (processes > 0 ? ["processes"] : [])
    }
}
