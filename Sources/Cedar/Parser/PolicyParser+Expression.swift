// SPDX-License-Identifier: Apache-2.0

extension PolicyParser {
    /// Reads an expression: one with operators, or `if … then … else …`.
    mutating func expression() throws(Diagnostic) -> Expression {
        try nested { (parser) throws(Diagnostic) in
            if parser.isNext("if") { return try parser.conditional() }
            return try parser.disjunction()
        }
    }

    /// Puts `node` at what was read since `start`, unless the tree becomes too high.
    ///
    /// The operands must have been read before the call: an argument that reads would come after `self` was looked at.
    func make(_ node: Expression.Node, from start: Int) throws(Diagnostic) -> Expression {
        let expression = Expression(node, span: span(from: start))
        guard expression.height <= limits.height else {
            throw error("expression is more than \(limits.height) operations deep", at: expression.span)
        }
        return expression
    }

    private mutating func conditional() throws(Diagnostic) -> Expression {
        let start = try advance().span.start
        let condition = try expression()
        guard try skip(word: "then") else { throw unexpected("expected `then`") }
        let then = try expression()
        guard try skip(word: "else") else { throw unexpected("expected `else`") }
        let otherwise = try expression()
        return try make(.conditional(condition, then: then, otherwise: otherwise), from: start)
    }

    private mutating func disjunction() throws(Diagnostic) -> Expression {
        let start = token.span.start
        let first = try conjunction()
        guard token.kind == .or else { return first }
        var operands = [first]
        while try skip(.or) { operands.append(try conjunction()) }
        return try make(.or(operands), from: start)
    }

    private mutating func conjunction() throws(Diagnostic) -> Expression {
        let start = token.span.start
        let first = try relation()
        guard token.kind == .and else { return first }
        var operands = [first]
        while try skip(.and) { operands.append(try relation()) }
        return try make(.and(operands), from: start)
    }

    // MARK: Relations

    private mutating func relation() throws(Diagnostic) -> Expression {
        let start = token.span.start
        let left = try sum()
        if let binary = relationalOperator {
            try advance()
            let right = try sum()
            let relation = try make(.binary(binary, left, right), from: start)
            if relationalOperator != nil {
                throw error(
                    "multiple relational operators (>, ==, in, etc.) must be used with parentheses to make ordering "
                        + "explicit", at: token.span)
            }
            return relation
        }
        if try skip(word: "has") {
            let path = try attributePath()
            return try make(.has(left, path), from: start)
        }
        if try skip(word: "like") {
            guard token.kind == .string else {
                throw unexpected("right hand side of a `like` expression must be a pattern literal")
            }
            let pattern = try StringLiteral.pattern(of: try advance(), in: source)
            return try make(.like(left, pattern), from: start)
        }
        if try skip(word: "is") {
            let type = try name("an entity type")
            let ancestor = try skip(word: "in") ? try sum() : nil
            return try make(.is(left, type, in: ancestor), from: start)
        }
        if token.kind == .assign {
            throw error("`=` is not a valid operator", at: token.span, hint: "try using `==` instead")
        }
        return left
    }

    private var relationalOperator: BinaryOperator? {
        switch token.kind {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        case .identifier: isNext("in") ? .in : nil
        default: nil
        }
    }

    /// Reads the right side of `has`: a string, or identifiers joined by points.
    private mutating func attributePath() throws(Diagnostic) -> [CedarString] {
        if token.kind == .string {
            return [try StringLiteral.text(of: try advance(), in: source)]
        }
        var path = [try identifier("an attribute name or a string literal")]
        while try skip(.dot) {
            path.append(try identifier("an attribute name"))
        }
        return path
    }

    // MARK: Arithmetic

    private mutating func sum() throws(Diagnostic) -> Expression {
        let start = token.span.start
        var left = try product()
        while token.kind == .plus || token.kind == .minus {
            let binary: BinaryOperator = try advance().kind == .plus ? .add : .subtract
            let right = try product()
            left = try make(.binary(binary, left, right), from: start)
        }
        return left
    }

    private mutating func product() throws(Diagnostic) -> Expression {
        let start = token.span.start
        var left = try unary()
        while true {
            switch token.kind {
            case .star:
                try advance()
                let right = try unary()
                left = try make(.binary(.multiply, left, right), from: start)
            case .slash: throw error("division is not supported", at: token.span)
            case .percent: throw error("remainder/modulo is not supported", at: token.span)
            default: return left
            }
        }
    }

    /// Reads up to four `!` or up to four `-`, and what they apply to.
    private mutating func unary() throws(Diagnostic) -> Expression {
        let sign = token.kind
        guard sign == .not || sign == .minus else { return try member() }
        var starts: [Int] = []
        while token.kind == sign {
            guard starts.count < 4 else {
                throw error("too many occurrences of `\(sign == .not ? "!" : "-")`", at: token.span)
            }
            starts.append(try advance().span.start)
        }
        var operand: Expression
        if sign == .minus, token.kind == .number {
            operand = try negativeNumber(&starts)
        } else {
            operand = try member()
        }
        while let start = starts.popLast() {
            operand = try make(sign == .not ? .not(operand) : .negate(operand), from: start)
        }
        return operand
    }

    /// Reads a number behind minus signs, the last of which belongs to it unless a member of the number follows: only so
    /// can the smallest integer be written.
    private mutating func negativeNumber(_ minuses: inout [Int]) throws(Diagnostic) -> Expression {
        let digits = try advance()
        switch token.kind {
        case .dot, .openBracket, .openParenthesis:
            return try members(of: try number(digits), from: digits.span.start)
        default:
            let start = minuses.popLast() ?? digits.span.start
            guard let value = Int64("-" + source.text(of: digits.span)) else { throw tooLarge(digits) }
            return try make(.literal(.long(value)), from: start)
        }
    }

    /// The integer that `digits` are.
    func number(_ digits: Token) throws(Diagnostic) -> Expression {
        guard let value = Int64(source.text(of: digits.span)) else { throw tooLarge(digits) }
        return try make(.literal(.long(value)), from: digits.span.start)
    }

    private func tooLarge(_ digits: Token) -> Diagnostic {
        error(
            "integer literal `\(shortened(digits.span))` is too large", at: digits.span,
            hint: "maximum allowed integer literal is `\(Int64.max)`")
    }
}
