// SPDX-License-Identifier: Apache-2.0

internal import CLaunch
internal import CLinux

/// What a step puts into the new root, or lets be used there: what somebody must know who asks about a path before there
/// is a session to try it in.
package enum LaunchContent: Hashable, Sendable {
    /// The slot is a copy of this tree of the host.
    case tree(Slot, of: String)
    /// A directory of the new root, by its absolute path.
    case directory(String, mode: UInt32)
    /// A file of the new root with these contents.
    case file(String, [UInt8], mode: UInt32)
    /// A symbolic link of the new root.
    case link(String, to: String)
    /// Landlock's rights beneath a path, where it is a directory, and on it, where it is a file.
    case rights(String, directory: UInt64, file: UInt64)
}

extension LaunchStep {
    /// `nil` for a step that puts nothing there.
    package var content: LaunchContent? {
        switch (launch_operation(rawValue: operation), slot, path) {
        case (LAUNCH_CLONE_TREE, let slot?, let path?): .tree(slot, of: path)
        case (LAUNCH_DIRECTORY, _, let path?): .directory("/" + path, mode: UInt32(truncatingIfNeeded: a))
        case (LAUNCH_FILE, _, let path?): .file("/" + path, data, mode: UInt32(truncatingIfNeeded: a))
        case (LAUNCH_LINK, _, let path?):
            .link("/" + path, to: String(decoding: data.prefix { $0 != 0 }, as: UTF8.self))
        case (LAUNCH_LANDLOCK_PATH, _, let path?): .rights(path, directory: a, file: b)
        default: nil
        }
    }
}
