// SPDX-License-Identifier: Apache-2.0
// Named groups of system calls: what profiles say instead of long lists, and what the built-in table is made of.

internal import RemitKernel

/// A named group of system calls, as systemd's sets are to its users (systemd.exec(5), `SystemCallFilter=`).
///
/// A group that systemd has as well has the same meaning here. Names of other architectures are left out.
package struct SystemCallGroup: Hashable, Sendable {
    /// Its name with the `@`.
    package let name: String
    /// What its calls are for, in a few words.
    package let purpose: String
    /// Names of calls and of other groups, as written.
    package let members: [String]

    init(_ name: String, _ purpose: String, _ members: String) {
        self.name = name
        self.purpose = purpose
        self.members = Self.words(members)
    }

    /// Whether a word of a profile is meant as the name of a group.
    package static func isGroup(_ word: String) -> Bool { word.hasPrefix("@") }

    /// The group of a name.
    package static func named(_ name: String) -> SystemCallGroup? { byName[name] }

    /// Every group: those that are made of others come last.
    package static let all: [SystemCallGroup] = everyday + processes + privileged + composed

    /// The names of its calls, those of nested groups included, sorted; only calls that this machine has.
    package var calls: [String] { Self.expanded[name] ?? [] }

    static func words(_ text: String) -> [String] { text.split(whereSeparator: \.isWhitespace).map(String.init) }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let expanded: [String: [String]] = Dictionary(
        uniqueKeysWithValues: all.map { group in
            (group.name, group.names(depth: 4).filter { SystemCallNumbers.number(of: $0) != nil }.sorted())
        }
    )

    /// Every name that it has, on whatever architecture.
    func names(depth: Int) -> Set<String> {
        members.reduce(into: []) { result, member in
            guard Self.isGroup(member) else {
                result.insert(member)
                return
            }
            if depth > 0, let group = Self.byName[member] { result.formUnion(group.names(depth: depth - 1)) }
        }
    }
}
