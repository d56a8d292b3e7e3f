// SPDX-License-Identifier: Apache-2.0

/// A line of a text and the marks under the part of it that is meant, as a terminal can show them.
struct SourceExcerpt {
    /// Scalars shown before the span, and at most after its start.
    private static let before = 60
    private static let after = 100

    let line: String
    let underline: String

    /// The line on which `span` begins; `position` is where that is.
    init(text: SourceText, span: SourceSpan, position: SourcePosition) {
        let (full, start) = text.line(around: span.start)
        let scalars = Array(full.unicodeScalars)
        let column = min(max(position.column - 1, 0), scalars.count)
        let first = max(0, column - SourceExcerpt.before)
        let last = min(scalars.count, column + SourceExcerpt.after)
        let marked = text.text(of: SourceSpan(start: span.start, end: min(span.end, start + full.utf8.count)))
        var line = first > 0 ? "…" : ""
        for scalar in scalars[first..<last] {
            line.unicodeScalars.append(SourceExcerpt.printable(scalar))
        }
        if last < scalars.count { line += "…" }
        let offset = column - first + (first > 0 ? 1 : 0)
        let width = min(max(1, marked.unicodeScalars.count), max(1, last - column))
        self.line = line
        underline = String(repeating: " ", count: offset) + String(repeating: "^", count: width)
    }

    private static func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
            scalar == "\t" ? " " : "\u{FFFD}"
        default: scalar
        }
    }
}
