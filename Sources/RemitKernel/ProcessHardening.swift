// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// What a program of ours that reads hostile bytes takes away from itself before it reads the first.
package enum ProcessHardening {
    /// Neither read nor traced by others, without a core file, without a way to gain privileges, and dead when its parent's
    /// thread is.
    ///
    /// - Throws: ``SystemCallError`` when the kernel refuses: then nothing may be trusted to this process.
    package static func harden() throws(SystemCallError) {
        try check("die with the parent") { linux_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL)) }
        try check("give up new privileges") { linux_prctl(PR_SET_NO_NEW_PRIVS, 1) }
        // PR_CAP_AMBIENT_CLEAR_ALL is 4; a kernel without ambient capabilities has none to drop.
        _ = linux_prctl(PR_CAP_AMBIENT, 4)
        try CurrentProcess.protectMemory()
    }

    /// Becomes another user and group, for good, without supplementary groups and capabilities.
    ///
    /// - Throws: ``SystemCallError`` when the kernel refuses.
    package static func become(user: UInt32, group: UInt32) throws(SystemCallError) {
        try check("become user \(user)") { linux_become(user, group) }
        // The kernel forgets both when the user changes.
        try check("die with the parent") { linux_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL)) }
        try CurrentProcess.protectMemory()
    }

    /// Closes every descriptor from `first` on. The corresponding system call is `close_range(2)`.
    package static func closeDescriptors(from first: CInt) throws(SystemCallError) {
        try check("close descriptors") { linux_close_range(UInt32(first), .max, 0) }
    }

    /// Standard input and output lead nowhere; what must be said goes to standard error.
    package static func closeStandardStreams() throws(SystemCallError) {
        let nowhere = try FileSystem.open("/dev/null", O_RDWR)
        let number = nowhere.number
        for stream: CInt in 0...1 { try check("close standard streams") { dup2(number, stream) } }
    }

    /// Keys on the terminal and its end are for others to act on.
    package static func ignoreTerminal() {
        for number in [SIGINT, SIGQUIT, SIGHUP, SIGTSTP] { signal(number, SIG_IGN) }
    }

    /// Asks the kernel to let this thread, and none that it starts, run soon after what it waits for has come, for shorter
    /// times at a go. It takes no one's share. Linux before 6.12 does nothing of it. The corresponding system call is
    /// `sched_setattr(2)`.
    package static func respondPromptly() { _ = linux_shorten_slice(500_000) }

    /// As many descriptors as may be had: raises the soft limit to the hard one.
    package static func raiseDescriptorLimit() -> Int {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
        guard unsafe getrlimit(resource, &limit) == 0 else { return 256 }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(resource, &limit)
        return Int(clamping: limit.rlim_cur)
    }
}
