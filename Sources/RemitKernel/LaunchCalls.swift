// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Whether the system calls a sandbox is made with are there: an older kernel lacks some, and the filter of a container
/// around us may refuse others, often as if they did not exist.
///
/// Each is asked with arguments that it refuses by themselves and before it looks at who asks.
package enum LaunchCalls {
    /// The first call that processes and namespaces need and that is not there, with the kernel's answer.
    package static func missingForNamespaces() -> String? {
        first([
            ("clone3(2)", { linux_clone3(nil, 0) }),
            ("close_range(2)", { Int(linux_close_range(1, 0, 0)) }),
            ("pidfd_send_signal(2)", { Int(linux_pidfd_send_signal(-1, 0)) }),
        ])
    }

    /// The first call that mounts need and that is not there, with the kernel's answer.
    package static func missingForMounts() -> String? {
        first([
            ("openat2(2)", { Int(unsafe linux_openat2(-1, ".", 0, 0, 0)) }),
            ("open_tree(2)", { Int(unsafe linux_open_tree(-1, ".", ~0)) }),
            (
                "mount_setattr(2)",
                {
                    var none = linux_mount_attr()
                    return Int(unsafe linux_mount_setattr(-1, ".", ~0, &none))
                }
            ),
        ])
    }

    /// Why system calls cannot be filtered here; `nil` when they can.
    package static func filterObstacle() -> String? {
        // SECCOMP_GET_ACTION_AVAIL of SECCOMP_RET_KILL_PROCESS, which Linux 4.14 brought both.
        var action: UInt32 = 0x8000_0000
        guard unsafe linux_seccomp(2, 0, &action) != 0 else { return nil }
        return "seccomp(2) is not available: \(Errno.last)"
    }

    private static func first(_ calls: [(name: String, call: () -> Int)]) -> String? {
        for (name, call) in calls where call() < 0 {
            let answer = Errno.last
            if answer.code == ENOSYS || answer.code == EPERM { return "\(name) is not available: \(answer)" }
        }
        return nil
    }
}
