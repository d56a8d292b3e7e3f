// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Whether the namespaces of a sandbox can be made here, found out by making them: filters, security modules and covered
/// file systems refuse without saying so anywhere.
package enum NamespaceProbe {
    /// What was refused.
    package enum Step: Hashable, Sendable {
        case namespaces
        case mounts
        case processes
    }

    /// The first step that is refused, and what is known of why; `nil` when none is.
    ///
    /// Starts a process that ends at once, and takes about a millisecond.
    package static func refusal() -> (step: Step, reason: String)? {
        var code: CInt = 0
        let stage = unsafe linux_probe_namespaces(&code)
        let errno = Errno(code: code)
        switch stage {
        case 0: return nil
        case 1: return (.namespaces, "user namespaces are refused (\(errno))" + cause(of: errno))
        case 2: return (.mounts, "mounts are refused in a user namespace (\(errno))" + cause(of: errno))
        default:
            let covered = "parts of /proc are covered; in a container: `--security-opt systempaths=unconfined`"
            return (.processes, "a new /proc is refused (\(errno)): \(covered)")
        }
    }

    private static func cause(of errno: Errno) -> String {
        if errno.code == ENOSPC { return ": user.max_user_namespaces of a namespace around this one is used up" }
        if let profile, !profile.hasPrefix("unconfined") {
            return ": by the AppArmor profile `\(profile)`; in a container: `--security-opt apparmor=unconfined`"
        }
        return filterHint
    }

    /// What to say of a call that is refused, when a filter around this process may be what refuses it; otherwise nothing.
    package static var filterHint: String {
        guard hasFilter else { return "" }
        return
            ": by a seccomp filter around this process; in a container: `--security-opt seccomp=unconfined`, or a profile "
            + "that allows clone, clone3, unshare, setns, mount and pivot_root"
    }

    /// The AppArmor profile of this process; `nil` where there is none.
    package static var profile: String? {
        guard let bytes = try? FileSystem.read("/proc/self/attr/current", limit: 4096), !bytes.isEmpty else {
            return nil
        }
        return String(decoding: bytes.prefix { $0 != 0 && $0 != 10 }, as: UTF8.self)
    }

    private static var hasFilter: Bool {
        let status = (try? FileSystem.read("/proc/self/status", limit: 16_384)) ?? []
        return String(decoding: status, as: UTF8.self).split(separator: "\n").contains("Seccomp:\t2")
    }
}
