// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// What a path is, as far as a change to it can be told.
package struct Node: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case file, directory, link, fifo, socket, device
    }

    package var kind: Kind
    /// Permissions, with set-id and sticky bits.
    package var mode: UInt32
    package var size: Int64
    /// How many names the file has.
    package var links: UInt64
    /// Where a link points.
    package var target: [UInt8]?
    /// What tells whether it is still the same, see ``BaseSnapshot``.
    package var stamp: Stamp

    /// What the kernel changes whenever somebody changes a file; no ordinary program can set it back.
    package struct Stamp: Hashable, Sendable {
        package var inode: UInt64
        package var changed: Int64
        package var modified: Int64
    }

    package init(_ facts: FileSystem.Facts, target: [UInt8]? = nil) {
        kind =
            switch facts.mode & 0o170000 {
            case 0o100000: .file
            case 0o040000: .directory
            case 0o120000: .link
            case 0o010000: .fifo
            case 0o140000: .socket
            default: .device
            }
        mode = facts.permissions
        size = facts.size
        links = facts.links
        self.target = target
        stamp = Stamp(inode: facts.inode, changed: facts.changed, modified: facts.modified)
    }

    /// The mode as git(1) shows it, with all permissions.
    package var modeText: String {
        let type: UInt32 =
            switch kind {
            case .file: 0o100000
            case .directory: 0o040000
            case .link: 0o120000
            case .fifo: 0o010000
            case .socket: 0o140000
            case .device: 0o020000
            }
        let digits = String(type | mode, radix: 8)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }

    package var isExecutable: Bool { kind == .file && mode & 0o111 != 0 }
}

extension FileSystem.Facts {
    /// How overlayfs says in an upper layer that something is gone.
    package var isWhiteout: Bool { mode & 0o170000 == 0o020000 && specialDevice == 0 }
}
