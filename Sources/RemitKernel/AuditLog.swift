// SPDX-License-Identifier: Apache-2.0
// Landlock's records in the kernel's audit log, as they are multicast to whoever may read them. Nothing is switched on or
// written here: whether a host audits is its administrator's word.

internal import CLinux
internal import Glibc

/// Hears the kernel's records of what Landlock refused, see landlock(7) and netlink(7) (`NETLINK_AUDIT`).
///
/// It takes Linux 6.15, CAP_AUDIT_READ in the host's own user namespace, and its own network namespace.
package final class AuditLog {
    /// One record as the kernel wrote it.
    package struct Record: Hashable, Sendable {
        package let type: UInt16
        package let text: String

        package init(type: UInt16, text: String) {
            self.type = type
            self.text = text
        }
    }

    /// `AUDIT_LANDLOCK_ACCESS` and `AUDIT_LANDLOCK_DOMAIN`.
    package static let access = UInt16(LINUX_AUDIT_LANDLOCK_ACCESS)
    package static let domain = UInt16(LINUX_AUDIT_LANDLOCK_DOMAIN)

    /// Whether the kernel audits now, and says so to this process.
    package static var isOn: Bool { linux_audit_is_on() == 1 }

    private let socket: DescriptorBox
    /// Records that were thrown away because nobody had read those before.
    package private(set) var overruns = 0

    /// - Throws: ``SystemCallError`` where this process may not read them.
    package init() throws(SystemCallError) {
        socket = DescriptorBox(
            OwnedDescriptor(adopting: try check("read the audit log") { linux_audit_listen() }))
    }

    package var number: CInt { socket.number }

    /// The next record of the two kinds; `nil` when there is none now.
    package func next() -> Record? {
        var buffer = [UInt8](repeating: 0, count: 10_240)
        while true {
            var type: UInt16 = 0
            let count = unsafe linux_audit_next(socket.number, &type, &buffer, buffer.count)
            if count >= 0 { return Record(type: type, text: String(decoding: buffer.prefix(count), as: UTF8.self)) }
            guard Errno.last.code == ENOBUFS else { return nil }
            overruns += 1
        }
    }

    package func close() { socket.close() }
}
