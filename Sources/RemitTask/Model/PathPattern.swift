// SPDX-License-Identifier: Apache-2.0
// Globs over paths of a workspace, matched in bounded time: the paths are chosen by the agent.

internal import RemitNetwork

/// A glob over relative paths: `*` and `?` stay within a segment, `**` as a whole segment spans any number of them.
package struct PathPattern: Hashable, Sendable, CustomStringConvertible {
    /// The pattern as written.
    package let text: String
    private let segments: [[UInt8]]

    /// Reads a pattern; nothing for one that is absolute, empty, or has `.`, `..`, an empty segment or `[`.
    package init?(_ text: String) {
        guard PathPattern.problem(text) == nil else { return nil }
        self.text = text
        self.segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// The pattern as written.
    package var description: String { text }

    /// Whether a path relative to the workspace matches as a whole.
    package func matches(_ path: String) -> Bool {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Array.init)
        return Glob.matches(segments, parts, isStar: { $0 == Self.anyDepth }, equals: Self.matchesSegment)
    }

    private static let anyDepth: [UInt8] = [UInt8(ascii: "*"), UInt8(ascii: "*")]

    private static func matchesSegment(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        // `?` stands for a character, not a byte; names that are not UTF-8 fall back to their repaired form.
        let pattern = Array(String(decoding: pattern, as: UTF8.self).unicodeScalars)
        let name = Array(String(decoding: name, as: UTF8.self).unicodeScalars)
        return Glob.matches(pattern, name, isStar: { $0 == "*" }, equals: { $0 == "?" || $0 == $1 })
    }

    /// What is wrong with a pattern, to follow the offending text.
    static func problem(_ text: String) -> String? {
        if let problem = RelativePath.problem(text) { return problem }
        for segment in text.split(separator: "/") {
            if segment.contains("**"), segment != "**" { return "has `**` next to other characters in a segment" }
            if segment.contains(where: { $0 == "[" || $0 == "]" || $0 == "\\" }) {
                return "uses `[`, `]` or `\\`, which patterns do not know"
            }
        }
        return nil
    }
}

extension PathPattern: Codable {
    /// Reads the pattern's text.
    ///
    /// - Throws: `DecodingError` when it is not a pattern.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let pattern = PathPattern(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "`\(text)` is not a path pattern")
        }
        self = pattern
    }

    /// Writes the pattern's text.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
