// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Who this process is.
package enum CurrentProcess {
    package static var userID: UInt32 { geteuid() }
    package static var groupID: UInt32 { getegid() }
    package static var pid: Int32 { getpid() }
    package static var isRoot: Bool { geteuid() == 0 }

    /// The user's entry in the password database: home directory and login name.
    package static var account: Account? { Account(of: userID) }

    /// Whether every command-line argument is text; one that is not would reach the agent as something else.
    package static var argumentsAreText: Bool {
        (0..<Int(CommandLine.argc)).allSatisfy { index in
            guard let argument = unsafe CommandLine.unsafeArgv[index] else { return true }
            return unsafe String(validatingCString: argument) != nil
        }
    }

    /// Files are made with the modes that are asked for, whatever the caller's umask.
    package static func setFileModeMask() { umask(0o022) }

    /// The environment as it was given.
    package static var environment: [String: String] {
        var result: [String: String] = [:]
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            // What is not text cannot be passed on unchanged, so it is not passed on.
            defer { unsafe entry += 1 }
            guard let line = unsafe String(validatingCString: text) else { continue }
            let pair = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2, result[String(pair[0])] == nil { result[String(pair[0])] = String(pair[1]) }
        }
        return result
    }

    /// No other process of this user may read our memory, and no core file may hold it.
    ///
    /// - Throws: ``SystemCallError`` when the kernel refuses: then nothing may be trusted to this process.
    package static func protectMemory() throws(SystemCallError) {
        try check("become undumpable") { linux_prctl(PR_SET_DUMPABLE, 0) }
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        try check("forbid core files") { unsafe setrlimit(__rlimit_resource_t(4), &limit) }
    }

    /// The hard value of a resource limit: nobody without privilege can go above it.
    package static func hardLimit(_ resource: Int32) -> UInt64 {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        let isKnown = unsafe getrlimit(__rlimit_resource_t(UInt32(resource)), &limit) == 0
        return isKnown ? UInt64(limit.rlim_max) : .max
    }

    /// Descriptors 0, 1 and 2 exist, so that nothing else is opened there by accident.
    package static func occupyStandardStreams() {
        for number: CInt in 0...2 where fcntl(number, F_GETFD) < 0 {
            _ = unsafe linux_openat(AT_FDCWD, "/dev/null", number == 0 ? O_RDONLY : O_WRONLY, 0)
        }
    }
}

/// Another process, told apart from a later one with the same number by when it started.
package struct ProcessIdentity: Hashable, Sendable {
    package let pid: Int32
    /// Field 22 of /proc/PID/stat, in clock ticks since boot.
    package let startTicks: UInt64

    package init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }

    /// Reads it from /proc; `nil` when there is no such process.
    package init?(pid: Int32) {
        guard let fields = Self.fields(pid), fields.count > 19, let ticks = UInt64(fields[19]) else { return nil }
        self.init(pid: pid, startTicks: ticks)
    }

    /// Opens the process if it is still this one.
    ///
    /// - Returns: `nil` when it is gone.
    /// - Throws: ``SystemCallError`` when that cannot be found out, which is not the same.
    package func open() throws(SystemCallError) -> OwnedDescriptor? {
        let number = linux_pidfd_open(pid, 0)
        guard number >= 0 else {
            if Errno.last == .noSuchProcess { return nil }
            throw SystemCallError("open process \(pid)", .last)
        }
        let descriptor = OwnedDescriptor(adopting: number)
        // Checked after opening: the descriptor cannot change its process any more.
        if let found = ProcessIdentity(pid: pid) { return found == self ? consume descriptor : nil }
        // Either it was collected in this moment, or /proc does not tell.
        if linux_pidfd_send_signal(descriptor.number, 0) != 0, Errno.last == .noSuchProcess { return nil }
        throw SystemCallError("look at process \(pid)", .denied)
    }

    /// Whether it may still be there: what cannot be found out counts as alive.
    package var isAlive: Bool {
        do throws(SystemCallError) {
            guard let process = try open() else { return false }
            var poller = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
            // One that has ended and was not collected yet does nothing any more.
            return unsafe poll(&poller, 1, 0) == 0
        } catch {
            return true
        }
    }

    /// Kills the process if it is still this one, and waits for its end.
    ///
    /// - Returns: whether it is known to be gone.
    package func kill(waiting limit: Duration) -> Bool {
        let process: OwnedDescriptor
        do throws(SystemCallError) {
            guard let found = try open() else { return true }
            process = found
        } catch {
            return false
        }
        _ = linux_pidfd_send_signal(process.number, SIGKILL)
        var poller = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&poller, 1, CInt(clamping: limit.nanoseconds / 1_000_000)) > 0
    }

    /// The children of a process's main thread, see proc_pid_children(5).
    package static func children(of pid: Int32) -> [Int32] {
        let text = (try? FileSystem.read("/proc/\(pid)/task/\(pid)/children", limit: 1 << 20)) ?? []
        return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
    }

    /// CPU time of the process in clock ticks, user and system, its reaped children included.
    package static func cpuTicks(_ pid: Int32) -> UInt64? {
        guard let fields = fields(pid), fields.count > 14 else { return nil }
        return fields[11...14].reduce(0) { $0 + (UInt64($1) ?? 0) }
    }

    // The command name is in parentheses and may hold anything, so fields count from the last one.
    private static func fields(_ pid: Int32) -> [Substring]? {
        guard let bytes = try? FileSystem.read("/proc/\(pid)/stat", limit: 4096) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].split(separator: " ")
    }
}

/// The id maps of a user namespace, see user_namespaces(7).
package enum IdentityMaps {
    /// Maps one user and one group of ours into the namespace of `pid`.
    ///
    /// - Throws: ``SystemCallError`` when the kernel refuses the map.
    package static func write(
        process pid: Int32,
        insideUser: UInt32,
        insideGroup: UInt32,
        outsideUser: UInt32,
        outsideGroup: UInt32,
        keepSetGroups: Bool
    ) throws(SystemCallError) {
        if !keepSetGroups { try set("/proc/\(pid)/setgroups", "deny") }
        try set("/proc/\(pid)/uid_map", "\(insideUser) \(outsideUser) 1\n")
        try set("/proc/\(pid)/gid_map", "\(insideGroup) \(outsideGroup) 1\n")
    }

    private static func set(_ path: String, _ text: String) throws(SystemCallError) {
        let file = try FileSystem.open(path, O_WRONLY)
        try FileSystem.writeAll(file.number, Array(text.utf8), name: path)
    }
}

/// An exclusive lock that the kernel drops with its holder, see flock(2).
package struct FileLock: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// - Returns: `nil` when another process holds it.
    /// - Throws: ``SystemCallError`` when the file cannot be opened or made.
    package static func take(_ path: String, creating: Bool = true) throws(SystemCallError) -> FileLock? {
        let file = try FileSystem.open(path, O_RDWR | O_NOFOLLOW | (creating ? O_CREAT : 0), mode: 0o600)
        let number = file.number
        if flock(number, LOCK_EX | LOCK_NB) == 0 { return FileLock(descriptor: file) }
        if Errno.last.code == EWOULDBLOCK { return nil }
        throw SystemCallError("lock `\(path)`", .last)
    }

    /// Lets it go here and not earlier, whatever the optimiser thinks of its last use.
    package consuming func release() {}

    /// Takes it together with others, and waits while one holds it alone.
    package static func share(_ path: String) throws(SystemCallError) -> FileLock {
        let file = try FileSystem.open(path, O_RDWR | O_NOFOLLOW | O_CREAT, mode: 0o600)
        let number = file.number
        try check("lock `\(path)`") { flock(number, LOCK_SH) }
        return FileLock(descriptor: file)
    }
}

extension ProcessIdentity {
    /// Waits for something that has no descriptor to wait on; only for clean-up after a failed start.
    package static func pause(milliseconds: CInt) { _ = poll(nil, 0, milliseconds) }
}

extension CurrentProcess {
    /// Undoes the first half of ``protectMemory()`` for the length of a call that makes a user namespace.
    package static func whileDumpable<Result>(_ body: () throws -> Result) rethrows -> Result {
        _ = linux_prctl(PR_SET_DUMPABLE, 1)
        defer { _ = linux_prctl(PR_SET_DUMPABLE, 0) }
        return try body()
    }
}

extension CurrentProcess {
    /// Makes standard output the same as standard error.
    ///
    /// - Returns: what standard output was.
    package static func redirectOutputToErrors() throws(SystemCallError) -> OwnedDescriptor {
        let output = OwnedDescriptor(adopting: try check("keep standard output") { fcntl(1, F_DUPFD_CLOEXEC, 3) })
        try check("redirect standard output") { dup2(2, 1) }
        return output
    }

    /// Groups besides the first, see getgroups(2).
    package static var supplementaryGroups: [UInt32] {
        let count = getgroups(0, nil)
        guard count > 0 else { return [] }
        var groups = [gid_t](repeating: 0, count: Int(count))
        let got = unsafe getgroups(count, &groups)
        return got > 0 ? Array(groups[..<Int(got)]) : []
    }
}
