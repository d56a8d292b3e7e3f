// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// The control group of one session: every process of it is born there, and dies by one write.
package final class SessionCgroup {
    /// The directory in the unified hierarchy.
    package let path: String
    /// Directories made in version 1 hierarchies.
    package let controllerPaths: [String: String]
    /// The limits this group really enforces.
    package let enforced: Set<String>
    private let directory: DescriptorBox

    init(path: String, controllerPaths: [String: String], enforced: Set<String>, directory: DescriptorBox) {
        self.path = path
        self.controllerPaths = controllerPaths
        self.enforced = enforced
        self.directory = directory
    }

    var descriptor: CInt { directory.number }

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
        if !hierarchies.isHybrid { for directory in [FileSystem.parent(of: parent), parent] { delegate(directory) } }
        try check("make `\(path)`") { unsafe mkdir(path, 0o755) }
        var controllerPaths: [String: String] = [:]
        var enforced: Set<String> = []
        do {
            let directory = DescriptorBox(try FileSystem.open(path, O_PATH | O_DIRECTORY))
            if hierarchies.isHybrid {
                for name in CgroupLimits.controllers {
                    guard let made = makeController(name, session: session, limits: limits, in: hierarchies)
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

    /// The open `tasks` of the version 1 groups: the thread that writes `0` into one enters the group.
    func openTasks() throws(SystemCallError) -> [DescriptorBox] {
        var files: [DescriptorBox] = []
        for path in controllerPaths.values {
            files.append(DescriptorBox(try FileSystem.open("\(path)/tasks", O_WRONLY)))
        }
        return files
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
        return Self.isPopulated(bytes)
    }

    /// The same, by reading an open `cgroup.events` from its start: that is also what re-arms its notification.
    package static func isPopulated(events descriptor: CInt) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = unsafe pread(descriptor, &buffer, buffer.count, 0)
        // ENODEV: the group was removed, which only an empty one can be.
        guard count > 0 else { return Errno.last != .noDevice }
        return isPopulated(buffer[..<count])
    }

    private static func isPopulated(_ events: some Collection<UInt8>) -> Bool {
        CgroupText.value("populated", in: String(decoding: events, as: UTF8.self)) != 0
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

    static func write(_ text: String, to path: String) throws(SystemCallError) {
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
}
