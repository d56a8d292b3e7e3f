// SPDX-License-Identifier: Apache-2.0
// The tree that files are decoded from: text and places, nothing resolved.

/// A value of a file with its place. Scalars keep their text: what `yes` means is the decoder's decision.
struct YAMLNode: Sendable {
    /// One key of a mapping with its value.
    struct Entry: Sendable {
        let key: String
        let position: Position
        let value: YAMLNode
    }

    enum Content: Sendable {
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        case map([Entry])
    }

    let content: Content
    let position: Position

    /// What the value is, for messages.
    var kind: String {
        switch content {
        case .scalar: "a single value"
        case .list: "a list"
        case .map: "a map"
        }
    }
}
