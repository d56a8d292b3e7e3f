// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import CSeccomp
internal import Glibc

/// The supervisor's end of a filter that reports calls, see seccomp_unotify(2).
///
/// A report is only ever refused. Whether the call is refused does not depend on its arguments, so there is nothing a
/// racing thread could change; and when this end is closed the kernel refuses by itself (ENOSYS).
package struct SystemCallListener {
    private let descriptor: CInt

    package init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// Refuses one reported call with EPERM.
    ///
    /// - Returns: the call's number, or `nil` when its caller died in between.
    package func refuseNext() -> Int32? {
        var notification = linux_notification()
        guard unsafe linux_notification_receive(descriptor, &notification) == 0 else { return nil }
        _ = linux_notification_refuse(descriptor, notification.cookie, EPERM)
        return notification.call
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
