// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

extension FileSystem {
    /// What somebody tries with a path, for ``trial(_:of:)``.
    package enum Trial: Hashable, Sendable {
        case read
        case write
        /// By mode and mount alone: nothing is run.
        case execute
    }

    /// Opens a path and lets go of it again; nothing is read, made, shortened or waited for.
    ///
    /// - Returns: the error, or `nil` where it could be opened.
    package static func trial(_ trial: Trial, of path: String) -> Errno? {
        let flags: CInt
        switch trial {
        case .read: flags = O_RDONLY
        case .write: flags = O_WRONLY
        case .execute: return unsafe access(path, X_OK) == 0 ? nil : .last
        }
        do {
            _ = try open(path, flags | O_NONBLOCK | O_NOCTTY)
            return nil
        } catch { return error.errno }
    }

    /// Whether a mode lets this process do that, whatever other layers say, see access(2).
    package static func permits(_ trial: Trial, of path: String) -> Bool {
        let mode =
            switch trial {
            case .read: R_OK
            case .write: W_OK
            case .execute: X_OK
            }
        return unsafe access(path, mode) == 0
    }

    /// Whether the mount that a path lies on is read-only, and whether programs on it may be run, see statvfs(3).
    package static func mountFlags(of path: String) -> (isReadOnly: Bool, isNoExecute: Bool)? {
        var facts = statvfs()
        guard unsafe statvfs(path, &facts) == 0 else { return nil }
        return (facts.f_flag & 1 != 0, facts.f_flag & 8 != 0)
    }
}
