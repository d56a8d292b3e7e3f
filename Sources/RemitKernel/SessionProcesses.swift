// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What all processes of a session hold together, added up from /proc: for hosts where no control group counts.
package struct SessionProcesses: Hashable, Sendable {
    /// Resident memory in bytes; what several processes share counts for each of them.
    package let memory: UInt64
    /// Processes and threads.
    package let count: Int

    /// Looks at all descendants of a sandbox's pid 1: whoever loses its parent there becomes a child of pid 1.
    ///
    /// - Parameter limit: how many threads to look at, at most; a session with more is over any limit.
    package init(below initProcess: Int32, atMost limit: Int = 65_536) {
        let page = UInt64(sysconf(CInt(_SC_PAGESIZE)))
        var memory: UInt64 = 0
        var count = 0
        var seen: Set<Int32> = []
        var pending = Self.children(of: initProcess).children
        while let pid = pending.popLast(), count < limit {
            guard seen.insert(pid).inserted else { continue }
            let family = Self.children(of: pid)
            count += family.threads
            pending += family.children
            memory += Self.residentPages(pid) * page
        }
        self.memory = memory
        self.count = count
    }

    /// Any thread can have children of its own.
    private static func children(of pid: Int32) -> (threads: Int, children: [Int32]) {
        let threads = (try? FileSystem.names(in: "/proc/\(pid)/task")) ?? []
        let children = threads.flatMap { thread in
            let text = (try? FileSystem.read("/proc/\(pid)/task/\(thread)/children", limit: 1 << 20)) ?? []
            return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
        }
        return (threads.count, children)
    }

    /// The second number of /proc/PID/statm, see proc_pid_statm(5).
    private static func residentPages(_ pid: Int32) -> UInt64 {
        guard let bytes = try? FileSystem.read("/proc/\(pid)/statm", limit: 4096) else { return 0 }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? UInt64(words[1]) ?? 0 : 0
    }
}
