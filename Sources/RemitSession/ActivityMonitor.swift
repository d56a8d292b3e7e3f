// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import RemitKernel

/// Says how long a session has neither written output nor used the processor.
package struct ActivityMonitor {
    /// Less than this share of one processor is no use of it: event loops tick now and then.
    private static let idleShare = 0.01

    private var lastActivity: BootInstant = .now
    private var lastLook: BootInstant = .now
    private var lastMicroseconds: UInt64 = 0

    package init() {}

    package mutating func sawOutput() { lastActivity = .now }

    /// Looks at the processor time used since the last look.
    ///
    /// - Returns: how long the session has been idle by now.
    package mutating func look(at microseconds: UInt64) -> Duration {
        let now = BootInstant.now
        let elapsed = lastLook.duration(to: now).seconds
        let used = Double(microseconds > lastMicroseconds ? microseconds - lastMicroseconds : 0) / 1e6
        if elapsed > 0, used / elapsed >= Self.idleShare { lastActivity = now }
        lastLook = now
        lastMicroseconds = microseconds
        return lastActivity.duration(to: now)
    }

    /// Processor time of a process and all its descendants, in microseconds.
    package static func treeMicroseconds(_ root: Int32) -> UInt64 {
        var total: UInt64 = 0
        var pending = [root]
        var seen: Set<Int32> = []
        while let pid = pending.popLast(), seen.count < 100_000 {
            guard seen.insert(pid).inserted else { continue }
            total += ProcessIdentity.cpuTicks(pid) ?? 0
            pending += ProcessIdentity.children(of: pid)
        }
        return total * 1_000_000 / UInt64(max(1, sysconf(CInt(_SC_CLK_TCK))))
    }
}
