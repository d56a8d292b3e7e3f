// SPDX-License-Identifier: Apache-2.0

/// A glob over the paths of requests: `/v1/*/items`, `/repos/acme/**`.
///
/// `*` stands for any characters within a segment, `**` as a whole segment for any number of segments, also none. The
/// pattern is written decoded: `/a b` matches `/a%20b`. A path that ends in `/` has an empty last segment.
package struct RequestPathPattern: Hashable, Sendable {
    /// The pattern as written.
    package let text: String
    private let segments: [[UInt8]]

    /// Reads a pattern; nothing when it has a problem.
    package init?(_ text: String) {
        guard Self.problem(text) == nil else { return nil }
        self.text = text
        segments = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(
            Array.init)
    }

    /// What is wrong with a pattern, to follow the offending text.
    package static func problem(_ text: String) -> String? {
        guard text.hasPrefix("/") else { return "does not begin with `/`" }
        if text.utf8.count > 1024 { return "is longer than 1024 bytes" }
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) {
            return "has a character that no path has"
        }
        if text.contains("%") { return "has `%`: patterns are written decoded" }
        if text.contains("?") || text.contains("#") { return "has `?` or `#`: patterns are about the path only" }
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.isEmpty, index < parts.count - 1 { return "has an empty segment" }
            if part == "." || part == ".." { return "has a `\(part)` segment" }
            if part.contains("**"), part != "**" { return "has `**` next to other characters in a segment" }
        }
        return nil
    }

    /// Whether a path matches as a whole.
    package func matches(_ path: RequestPath) -> Bool {
        Glob.matches(segments, path.segments, isStar: { $0 == Self.anyDepth }) { pattern, segment in
            Glob.matches(pattern, segment, isStar: { $0 == UInt8(ascii: "*") }, equals: ==)
        }
    }

    /// Whether every path of another pattern is one of this pattern's; false where that cannot be told.
    package func covers(_ other: RequestPathPattern) -> Bool {
        // `reached[j]` says whether the pattern's segments so far can stand for the other's first `j`.
        var reached = [true] + [Bool](repeating: false, count: other.segments.count)
        for segment in segments {
            var next = [Bool](repeating: false, count: reached.count)
            if segment == Self.anyDepth {
                var isReached = false
                for index in reached.indices {
                    isReached = isReached || reached[index]
                    next[index] = isReached
                }
            } else {
                for (index, theirs) in other.segments.enumerated() where reached[index] {
                    next[index + 1] = Self.covers(segment, theirs)
                }
            }
            reached = next
        }
        return reached.last == true
    }

    private static func covers(_ segment: [UInt8], _ theirs: [UInt8]) -> Bool {
        if theirs == anyDepth { return false }
        // Their stars read as themselves are only matched by a star of ours, which takes whatever they stand for.
        return Glob.matches(segment, theirs, isStar: { $0 == UInt8(ascii: "*") }) {
            $0 == $1 && $1 != UInt8(ascii: "*")
        }
    }

    private static let anyDepth = Array("**".utf8)
}

extension RequestPathPattern: CustomStringConvertible {
    /// The pattern as written.
    package var description: String { text }
}
