// SPDX-License-Identifier: Apache-2.0

/// Lays policies out in the one canonical way, comments kept.
///
/// Formatting changes neither the order nor the meaning of anything: what it returns parses to the same policies.
/// Parentheses stay as they are written, trailing commas go.
public struct PolicyFormatter {
    /// How many scalars a line has at most, where that is possible.
    public static let defaultWidth = 80

    private var tokens: TokenStream

    /// The policies of `text`, laid out.
    ///
    /// - Throws: where `text` isn't valid, what is wrong, with its place.
    public static func format(
        _ text: String, width: Int = defaultWidth, limits: SyntaxLimits = SyntaxLimits()
    ) throws(Diagnostic) -> String {
        try format(SourceText(text), width: width, limits: limits)
    }

    /// The policies of `source`, laid out.
    ///
    /// - Throws: where `source` isn't valid, what is wrong, with its place.
    public static func format(
        _ source: SourceText, width: Int = defaultWidth, limits: SyntaxLimits = SyntaxLimits()
    ) throws(Diagnostic) -> String {
        // What parses has a form this can rely on, and a depth it can bear.
        var parser = try PolicyParser(source, limits: limits)
        _ = try parser.policies()
        var tokens = try TokenStream(source)
        var formatted = ""
        // A comment where no line can break goes to the end of its line, where it breaks fewer groups than before.
        for _ in 0..<passes {
            let last = formatted
            var formatter = PolicyFormatter(tokens: tokens)
            formatted = Renderer.render(formatter.policies(), width: width)
            guard tokens.hasComments, formatted != last else { break }
            tokens = try TokenStream(SourceText(formatted))
        }
        return formatted
    }

    /// How often a text is laid out at most until it stays as it is.
    private static let passes = 4

    private mutating func policies() -> Document {
        var parts: [Document] = []
        while tokens.kind != .end {
            if !parts.isEmpty { parts.append(.blankLine) }
            parts.append(policy())
        }
        let last = tokens.leadingComments()
        if !last.isEmpty {
            if !parts.isEmpty { parts.append(.hardLine) }
            parts.append(.sequence(last))
        }
        return .sequence(parts)
    }

    private mutating func policy() -> Document {
        var parts: [Document] = []
        while tokens.kind == .at {
            parts.append(tokens.next())
            parts.append(tokens.next())
            if tokens.kind == .openParenthesis {
                for _ in 0..<3 { parts.append(tokens.next()) }
            }
            parts.append(.hardLine)
        }
        parts.append(tokens.next())
        parts.append(.text(" "))
        parts.append(scope())
        while tokens.kind == .identifier {
            parts.append(.hardLine)
            parts.append(condition())
        }
        parts.append(tokens.next())
        return .sequence(parts)
    }

    private mutating func scope() -> Document {
        let open = tokens.next()
        var isConstrained = false
        let items = list(upTo: .closeParenthesis) { (formatter) -> Document in
            var parts = [formatter.tokens.next()]
            while formatter.tokens.kind != .comma, formatter.tokens.kind != .closeParenthesis {
                isConstrained = true
                parts.append(.text(" "))
                parts.append(formatter.scopeOperand())
            }
            return .sequence(parts)
        }
        let body = enclosed(open, .softLine, items ?? .sequence([]))
        // Only a scope that says nothing stays on one line.
        return isConstrained ? .group(body, isBroken: true) : .group(body)
    }

    /// An operator of a scope, an entity, a list of entities or a slot.
    private mutating func scopeOperand() -> Document {
        switch tokens.kind {
        case .identifier where !tokens.isNext("in") && !tokens.isNext("is"): name()
        case .openBracket, .openParenthesis: bracketed { $0.scopeOperand() }
        default: tokens.next()
        }
    }

    private mutating func condition() -> Document {
        let keyword = tokens.next()
        let open = tokens.next()
        let body = expression()
        return .group(.sequence([keyword, .text(" "), enclosed(open, .line, body)]))
    }

    // MARK: Expressions

    private mutating func expression() -> Document {
        guard tokens.isNext("if") else { return disjunction() }
        var parts: [Document] = []
        for index in 0..<3 {
            if index > 0 { parts.append(.line) }
            let keyword = tokens.next()
            parts.append(.sequence([keyword, .text(" "), .indented(expression())]))
        }
        return .group(.sequence(parts))
    }

    private mutating func disjunction() -> Document {
        chain({ $0.kind == .or }) { $0.conjunction() }
    }

    private mutating func conjunction() -> Document {
        chain({ $0.kind == .and }) { $0.relation() }
    }

    private mutating func relation() -> Document {
        let left = sum()
        switch tokens.kind {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            return relation(left)
        case .identifier where tokens.isNext("in") || tokens.isNext("like") || tokens.isNext("has"):
            return relation(left)
        case .identifier where tokens.isNext("is"):
            let type = relation(left)
            return tokens.isNext("in") ? relation(type) : type
        default: return left
        }
    }

    private mutating func relation(_ left: Document) -> Document {
        let sign = tokens.next()
        return .group(.sequence([left, .text(" "), sign, .indented(.sequence([.line, sum()]))]))
    }

    private mutating func sum() -> Document {
        chain({ $0.kind == .plus || $0.kind == .minus }) { $0.product() }
    }

    private mutating func product() -> Document {
        chain({ $0.kind == .star }) { $0.unary() }
    }

    /// Operands with operators between them, which end lines.
    private mutating func chain(
        _ isOperator: (TokenStream) -> Bool, _ operand: (inout PolicyFormatter) -> Document
    ) -> Document {
        let first = operand(&self)
        guard isOperator(tokens) else { return first }
        var parts = [first]
        while isOperator(tokens) {
            parts.append(.text(" "))
            parts.append(tokens.next())
            parts.append(.line)
            parts.append(operand(&self))
        }
        return .group(.sequence(parts))
    }

    private mutating func unary() -> Document {
        var parts: [Document] = []
        while tokens.kind == .not || tokens.kind == .minus { parts.append(tokens.next()) }
        parts.append(member())
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func member() -> Document {
        var parts = [primary()]
        while true {
            switch tokens.kind {
            case .dot:
                parts.append(tokens.next())
                parts.append(tokens.next())
            case .openParenthesis: parts.append(bracketed { $0.expression() })
            case .openBracket:
                for _ in 0..<3 { parts.append(tokens.next()) }
            default: return parts.count == 1 ? parts[0] : .sequence(parts)
            }
        }
    }

    private mutating func primary() -> Document {
        switch tokens.kind {
        case .identifier: name()
        case .openParenthesis, .openBracket: bracketed { $0.expression() }
        case .openBrace: record()
        default: tokens.next()
        }
    }

    /// A word, a qualified name or an entity.
    private mutating func name() -> Document {
        var parts = [tokens.next()]
        while tokens.kind == .path {
            parts.append(tokens.next())
            parts.append(tokens.next())
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func record() -> Document {
        let open = tokens.next()
        let fields = list(upTo: .closeBrace) { formatter in
            let name = formatter.tokens.next()
            let colon = formatter.tokens.next()
            return .sequence([name, colon, .text(" "), formatter.expression()])
        }
        guard let fields else { return .sequence([open, tokens.next()]) }
        return .group(enclosed(open, .line, fields))
    }

    /// `content` between `open` and the token to be read next, indented with the comments before that.
    private mutating func enclosed(_ open: Document, _ line: Document, _ content: Document) -> Document {
        let comments = tokens.leadingComments().flatMap { [.hardLine, $0] }
        return .sequence([open, .indented(.sequence([line, content] + comments)), line, tokens.next()])
    }

    /// Items with commas between them up to a token of kind `close`, which isn't read; nil where there are none.
    private mutating func list(
        upTo close: Token.Kind, _ item: (inout PolicyFormatter) -> Document
    ) -> Document? {
        var parts: [Document] = []
        while tokens.kind != close {
            parts.append(item(&self))
            guard tokens.kind == .comma else { break }
            if tokens.kindAfterNext == close {
                parts.append(tokens.drop())
            } else {
                parts.append(tokens.next())
                parts.append(.line)
            }
        }
        return parts.isEmpty ? nil : .sequence(parts)
    }

    /// A list in parentheses or brackets.
    private mutating func bracketed(_ item: (inout PolicyFormatter) -> Document) -> Document {
        let close: Token.Kind = tokens.kind == .openBracket ? .closeBracket : .closeParenthesis
        let open = tokens.next()
        guard let items = list(upTo: close, item) else { return .sequence([open, tokens.next()]) }
        return .group(enclosed(open, .softLine, items))
    }
}
