// SPDX-License-Identifier: Apache-2.0

/// A range of UTF-8 bytes in a source text: `start` up to, not including, `end`.
public struct SourceSpan: Hashable, Sendable {
    /// The offset of the first byte.
    public var start: Int
    /// The offset after the last byte.
    public var end: Int

    /// The bytes from `start` up to `end`; an `end` before `start` counts as empty.
    public init(start: Int, end: Int) {
        self.start = start
        self.end = max(start, end)
    }

    /// The smallest span that holds this and `other`.
    public func joined(with other: SourceSpan) -> SourceSpan {
        SourceSpan(start: min(start, other.start), end: max(end, other.end))
    }

    /// Where nothing was written: of what came from JSON or was made by a program.
    public static let none = SourceSpan(start: 0, end: 0)
}
