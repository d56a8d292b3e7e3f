// SPDX-License-Identifier: Apache-2.0

/// A text with places where lines may break, in the manner of Wadler's prettier printer.
indirect enum Document {
    /// A text without line breaks.
    case text(String)
    /// A comment. It stands on a line of its own where nothing is before it, else at the end of the line; the groups around
    /// it are broken.
    case comment(String)
    /// A space, or a break where the group is broken.
    case line
    /// Nothing, or a break where the group is broken.
    case softLine
    /// A break.
    case hardLine
    /// An empty line.
    case blankLine
    /// Parts in a row.
    case sequence([Document])
    /// A part whose lines are indented one level further.
    case indented(Document)
    /// A part that is laid out on one line where it fits, and with all its lines broken where it doesn't.
    case group(Document, isBroken: Bool)

    /// A group, broken where something in it must break.
    static func group(_ content: Document) -> Document {
        .group(content, isBroken: content.mustBreak)
    }

    /// Whether it holds a comment or a hard break.
    private var mustBreak: Bool {
        switch self {
        case .text, .line, .softLine: false
        case .comment, .hardLine, .blankLine: true
        case .sequence(let parts): parts.contains(where: \.mustBreak)
        case .indented(let content): content.mustBreak
        // Known since the group was made, so that nesting doesn't make this quadratic.
        case .group(_, let isBroken): isBroken
        }
    }
}
