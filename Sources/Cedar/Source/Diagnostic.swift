// SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong with a policy, a schema, an entity or a request: what, and where.
///
/// Messages follow Cedar's typography: lower case, no full stop, what the user wrote in backticks.
public struct Diagnostic: Error, Hashable, Sendable {
    /// What is wrong, in one line.
    public var message: String
    /// Where, in bytes of the text; nil where no text is at fault.
    public var span: SourceSpan?
    /// Where the span begins, as people count; nil until a text is known.
    public var position: SourcePosition?
    /// What the text is called; nil for a text without a name.
    public var source: String?
    /// What to do about it, in one line, where that is known.
    public var hint: String?

    /// Something wrong that has no place in a text.
    public init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }

    /// Something wrong at `span` of `text`.
    public init(_ message: String, at span: SourceSpan, in text: SourceText, hint: String? = nil) {
        self.message = message
        self.span = span
        position = text.position(of: span.start)
        source = text.name
        self.hint = hint
    }

    /// Something wrong at `span` of a text that isn't at hand; ``located(in:)`` adds it later.
    public init(_ message: String, at span: SourceSpan, hint: String? = nil) {
        self.message = message
        self.span = span
        self.hint = hint
    }

    /// The same, with the position of its span in `text`.
    public func located(in text: SourceText) -> Diagnostic {
        guard let span else { return self }
        var located = self
        located.position = text.position(of: span.start)
        located.source = text.name
        return located
    }
}

extension Diagnostic: CustomStringConvertible {
    /// The message on one line, led by what is known of its place: `policies.cedar:3:14: …`.
    public var description: String {
        var place = source.map { "\($0):" } ?? ""
        if let position { place += "\(position):" }
        return place.isEmpty ? message : "\(place) \(message)"
    }

    /// The message with the line it is about, the offending span underlined, and the hint.
    ///
    ///     policies.cedar:1:9: expected `,`, found `;`
    ///       1 | permit (principal; action, resource);
    ///         |                  ^
    ///
    /// Long lines are cut around the span; characters that don't print are replaced, so that a hostile text can't act on
    /// a terminal.
    public func rendered(in text: SourceText) -> String {
        var lines = [description]
        if let span {
            let position = self.position ?? text.position(of: span.start)
            let excerpt = SourceExcerpt(text: text, span: span, position: position)
            let number = String(position.line)
            let margin = String(repeating: " ", count: number.utf8.count)
            lines.append("  \(number) | \(excerpt.line)")
            lines.append("  \(margin) | \(excerpt.underline)")
        }
        if let hint { lines.append("hint: \(hint)") }
        return lines.joined(separator: "\n")
    }
}
