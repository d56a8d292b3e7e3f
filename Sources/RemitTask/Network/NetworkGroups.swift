// SPDX-License-Identifier: Apache-2.0

internal import RemitNetwork

/// Named lists of rules.
package enum NetworkGroups {
    /// The shipped ones: each file is a configuration that holds nothing but groups.
    package static let shipped: [String: [NetworkRule]] = {
        var groups: [String: [NetworkRule]] = [:]
        for (name, text) in BuiltInGroups.texts {
            // A test decodes each; one that cannot be read allows nothing.
            guard let file = try? Configuration.decode(text, file: "built-in group \(name)") else { continue }
            groups.merge(file.groups) { first, _ in first }
        }
        return groups
    }()
}

extension Configuration {
    /// The rules of a group: the operator's, which hides a shipped one of its name.
    package func group(named name: String) -> [NetworkRule]? { groups[name] ?? NetworkGroups.shipped[name] }

    /// Every group's name, sorted.
    package var groupNames: [String] { Set(groups.keys).union(NetworkGroups.shipped.keys).sorted() }
}
