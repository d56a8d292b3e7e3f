// SPDX-License-Identifier: Apache-2.0

/// A word, literal or sign of policy or schema text, and where it stands.
public struct Token: Hashable, Sendable {
    /// What kinds of tokens there are.
    public enum Kind: Hashable, Sendable {
        /// An identifier or a keyword; which of the two depends on the place.
        case identifier
        /// A string literal with its quotes, escapes not yet decoded.
        case string
        /// Decimal digits, of any length.
        case number
        /// `?` directly followed by an identifier: a slot of a template.
        case slot
        /// A `?` that no identifier follows, which schemas put after optional attributes.
        case question
        /// `@`
        case at
        /// `.`
        case dot
        /// `,`
        case comma
        /// `;`
        case semicolon
        /// `:`
        case colon
        /// `::`
        case path
        /// `(`
        case openParenthesis
        /// `)`
        case closeParenthesis
        /// `{`
        case openBrace
        /// `}`
        case closeBrace
        /// `[`
        case openBracket
        /// `]`
        case closeBracket
        /// `==`
        case equal
        /// `!=`
        case notEqual
        /// `<`
        case less
        /// `<=`
        case lessOrEqual
        /// `>`
        case greater
        /// `>=`
        case greaterOrEqual
        /// `||`
        case or
        /// `&&`
        case and
        /// `+`
        case plus
        /// `-`
        case minus
        /// `*`
        case star
        /// `/`, which no operator is; lexed so that the parser can say so.
        case slash
        /// `%`, which no operator is either.
        case percent
        /// `!`
        case not
        /// `=`
        case assign
        /// The end of the text.
        case end
    }

    /// What it is.
    public let kind: Kind
    /// Where it is.
    public let span: SourceSpan
}
