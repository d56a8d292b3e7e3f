// SPDX-License-Identifier: Apache-2.0

/// A whole disk, as control groups name one: `MAJOR:MINOR`.
package struct BlockDevice: Hashable, Sendable, CustomStringConvertible {
    package let major: UInt64
    package let minor: UInt64

    package init(major: UInt64, minor: UInt64) {
        self.major = major
        self.minor = minor
    }

    /// Reads `8:16`; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = UInt64(parts[0]), let minor = UInt64(parts[1]) else { return nil }
        self.init(major: major, minor: minor)
    }

    /// The disk that a file system's device number belongs to: a partition's is its disk, which is what can be
    /// limited. `nil` for file systems that are on no disk of their own, such as tmpfs, overlay and btrfs.
    package init?(of device: UInt64) {
        // As in gnu_dev_major(3).
        let major = (device >> 8) & 0xfff | (device >> 32) & ~0xfff
        let minor = device & 0xff | (device >> 12) & ~0xff
        guard major != 0 else { return nil }
        let entry = "/sys/dev/block/\(major):\(minor)"
        guard FileSystem.exists("\(entry)/partition") else {
            self.init(major: major, minor: minor)
            return
        }
        guard let bytes = try? FileSystem.read("\(entry)/../dev", limit: 64) else { return nil }
        self.init(String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline })
    }

    package var description: String { "\(major):\(minor)" }
}
