// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import CSeccomp
internal import Glibc

/// A call that a filter reported: who made it, and what was in the registers.
package struct SystemCallReport: Hashable, Sendable {
    /// What it is answered by.
    let cookie: UInt64
    /// The thread that made it, as this process numbers it.
    package let process: Int32
    package let call: Int32
    package let arguments: [UInt64]

    package init(cookie: UInt64, process: Int32, call: Int32, arguments: [UInt64]) {
        self.cookie = cookie
        self.process = process
        self.call = call
        self.arguments = arguments
    }
}

/// The supervisor's end of a filter that reports calls, see seccomp_unotify(2).
///
/// A report of a forbidden call is only ever refused. Whether it is refused does not depend on what its arguments point
/// to, so there is nothing a racing thread could change; and when this end is closed the kernel refuses by itself
/// (ENOSYS). A call that is only observed is allowed whatever is found out about it: see ``proceed(_:)``.
package struct SystemCallListener {
    private let descriptor: CInt

    package init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// Takes one report.
    ///
    /// - Returns: `nil` when there is none, or when its caller died in between.
    package func next() -> SystemCallReport? {
        var notification = linux_notification()
        guard unsafe linux_notification_receive(descriptor, &notification) == 0 else { return nil }
        let arguments = unsafe withUnsafeBytes(of: &notification.arguments) {
            unsafe Array($0.bindMemory(to: UInt64.self))
        }
        return SystemCallReport(
            cookie: notification.cookie, process: Int32(bitPattern: notification.process), call: notification.call,
            arguments: arguments)
    }

    /// Refuses a reported call with EPERM.
    package func refuse(_ report: SystemCallReport) {
        _ = linux_notification_refuse(descriptor, report.cookie, EPERM)
    }

    /// Lets a reported call go on as if it had not been reported.
    ///
    /// Only for calls that the same filter allows whatever their memory holds: by now that memory may hold something
    /// else, and nothing that was read of it decides anything.
    package func proceed(_ report: SystemCallReport) { _ = linux_notification_continue(descriptor, report.cookie) }

    /// Whether the caller still waits: what was read of its memory before was then its own.
    package func isPending(_ report: SystemCallReport) -> Bool {
        linux_notification_pending(descriptor, report.cookie) == 0
    }

    /// Whether this kernel can report calls in a way that signals do not disturb (Linux 5.19).
    package static func isSupported() -> Bool {
        // With flags it knows the kernel goes on to read the filter, and faults.
        _ = linux_seccomp(1, 1 << 3 | 1 << 5, nil)
        return Errno.last.code == EFAULT
    }
}

extension SystemCallFilter {
    /// The name of a system call on this machine; its number where it has none.
    package static func name(of number: Int32) -> String {
        SystemCallNumbers.name(of: number) ?? "call \(number)"
    }
}
