// SPDX-License-Identifier: Apache-2.0

/// Which identifiers of users or groups there are in a user namespace: user_namespaces(7), `uid_map` and `gid_map`.
package struct IdentifierMap: Hashable, Sendable {
    /// Ranges of identifiers inside.
    package let ranges: [ClosedRange<UInt64>]

    /// - Parameter text: a line for each range: its first identifier inside, the first outside, and how many.
    package init(_ text: String) {
        ranges = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").compactMap { UInt32($0) }.map(UInt64.init)
            guard fields.count == 3, fields[2] > 0 else { return nil }
            return fields[0]...(fields[0] + fields[2] - 1)
        }
    }

    /// The users of this process's own user namespace.
    package static func ownUsers() -> IdentifierMap { IdentifierMap(own: "uid_map") }

    /// The groups of this process's own user namespace.
    package static func ownGroups() -> IdentifierMap { IdentifierMap(own: "gid_map") }

    private init(own file: String) {
        let text = (try? FileSystem.read("/proc/self/\(file)", limit: 65_536)) ?? []
        self.init(String(decoding: text, as: UTF8.self))
    }

    package func contains(_ identifier: UInt32) -> Bool {
        ranges.contains { $0.contains(UInt64(identifier)) }
    }
}
