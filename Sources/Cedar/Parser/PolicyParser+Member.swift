// SPDX-License-Identifier: Apache-2.0

extension PolicyParser {
    /// Reads a primary expression and the attributes, indices and calls behind it.
    mutating func member() throws(Diagnostic) -> Expression {
        let start = token.span.start
        return try members(of: try primary(), from: start)
    }

    /// Reads the attributes, indices and calls behind `receiver`, which begins at `start`.
    mutating func members(of receiver: Expression, from start: Int) throws(Diagnostic) -> Expression {
        var receiver = receiver
        while true {
            switch token.kind {
            case .dot:
                try advance()
                receiver = try attributeOrMethod(of: receiver, from: start)
            case .openBracket:
                try advance()
                guard token.kind == .string else { throw unexpected("expected a string literal") }
                let attribute = try StringLiteral.text(of: try advance(), in: source)
                try expect(.closeBracket, "`]`")
                receiver = try make(.attribute(receiver, attribute), from: start)
            case .openParenthesis:
                throw error("function calls must be of the form `<name>(arg1, arg2, ...)`", at: token.span)
            default:
                return receiver
            }
        }
    }

    private mutating func attributeOrMethod(of receiver: Expression, from start: Int) throws(Diagnostic) -> Expression {
        guard token.kind == .identifier else { throw unexpected("expected an attribute or method name") }
        let nameToken = token
        let name = try identifier("an attribute or method name")
        guard token.kind == .openParenthesis else { return try make(.attribute(receiver, name), from: start) }
        let arguments = try arguments()
        if name == "isEmpty" {
            try check(arguments.count, is: 0, of: name, at: nameToken.span)
            return try make(.isEmpty(receiver), from: start)
        }
        if let method = BinaryOperator(rawValue: name.string), method.isMethod {
            try check(arguments.count, is: 1, of: name, at: nameToken.span)
            return try make(.binary(method, receiver, arguments[0]), from: start)
        }
        guard let function = ExtensionFunction(rawValue: name.string) else {
            throw error("`\(shortened(nameToken.span))` is not a valid method", at: nameToken.span)
        }
        if function.isConstructor {
            throw error(
                "`\(name)` is a function, not a method", at: nameToken.span,
                hint: "use a function-style call `\(name)(..)`")
        }
        return try make(.call(function, [receiver] + arguments), from: start)
    }

    private func check(
        _ count: Int, is expected: Int, of method: CedarString, at span: SourceSpan
    ) throws(Diagnostic) {
        guard count != expected else { return }
        let plural = { (count: Int) in "\(count) argument\(count == 1 ? "" : "s")" }
        throw error("call to `\(method)` requires exactly \(plural(expected)), but got \(plural(count))", at: span)
    }

    /// Reads the arguments of a call with their parentheses.
    private mutating func arguments() throws(Diagnostic) -> [Expression] {
        try expect(.openParenthesis, "`(`")
        var arguments: [Expression] = []
        try list(upTo: .closeParenthesis, "`)`") { (parser) throws(Diagnostic) in
            arguments.append(try parser.expression())
        }
        return arguments
    }

    // MARK: Primaries

    private mutating func primary() throws(Diagnostic) -> Expression {
        let start = token.span.start
        switch token.kind {
        case .number:
            let digits = try advance()
            return try number(digits)
        case .string:
            let text = try StringLiteral.text(of: try advance(), in: source)
            return try make(.literal(.string(text)), from: start)
        case .identifier: return try word()
        case .openParenthesis:
            try advance()
            let inner = try expression()
            try expect(.closeParenthesis, "`)`")
            return inner
        case .openBracket:
            try advance()
            var elements: [Expression] = []
            try list(upTo: .closeBracket, "`]`") { (parser) throws(Diagnostic) in
                elements.append(try parser.expression())
            }
            return try make(.set(elements), from: start)
        case .openBrace: return try record()
        case .slot:
            guard Slot(rawValue: source.text(of: token.span)) != nil else {
                throw error("`\(shortened(token.span))` is not a valid template slot", at: token.span)
            }
            throw error(
                "found template slot `\(shortened(token.span))` in a condition", at: token.span,
                hint: "slots are currently unsupported in `when` and `unless` clauses")
        default: throw unexpected("expected an expression")
        }
    }

    private mutating func record() throws(Diagnostic) -> Expression {
        let start = try advance().span.start
        var fields: [Expression.Field] = []
        var names: Set<CedarString> = []
        try list(upTo: .closeBrace, "`}`") { (parser) throws(Diagnostic) in
            let nameSpan = parser.token.span
            let name: CedarString
            if parser.token.kind == .string {
                name = try StringLiteral.text(of: try parser.advance(), in: parser.source)
            } else {
                name = try parser.identifier("an attribute name or a string literal")
            }
            guard names.insert(name).inserted else {
                throw parser.error("duplicate key `\(parser.shortened(nameSpan))` in record literal", at: nameSpan)
            }
            try parser.expect(.colon, "`:`")
            fields.append(Expression.Field(name: name, value: try parser.expression()))
        }
        return try make(.record(fields), from: start)
    }

    /// Reads what begins with an identifier: a Boolean, an entity, a function call or a variable.
    private mutating func word() throws(Diagnostic) -> Expression {
        let start = token.span.start
        if isNext("true") || isNext("false") {
            let value = isNext("true")
            try advance()
            return try make(.literal(.bool(value)), from: start)
        }
        if isNext("if") {
            throw error("unexpected token `if`", at: token.span, hint: "put the conditional in parentheses")
        }
        var path = [try identifier("an expression")]
        while try skip(.path) {
            if token.kind == .string {
                let id = try StringLiteral.text(of: try advance(), in: source)
                return try make(.literal(.entity(EntityUID(type: Name(path: path), id: id))), from: start)
            }
            if token.kind == .openBrace {
                throw error("invalid entity literal", at: span(from: start), hint: "entity ids are string literals")
            }
            path.append(try identifier("an identifier or the id of an entity"))
        }
        let name = Name(path: path)
        let nameSpan = span(from: start)
        if token.kind == .openParenthesis { return try functionCall(name, at: nameSpan) }
        guard let variable = Variable(rawValue: name.text.string) else {
            throw error(
                "invalid variable: `\(shortened(nameSpan))`", at: nameSpan,
                hint: "the valid Cedar variables are `principal`, `action`, `resource`, and `context`; "
                    + "did you mean to enclose it in quotes to make a string?")
        }
        return try make(.variable(variable), from: start)
    }

    private mutating func functionCall(_ name: Name, at span: SourceSpan) throws(Diagnostic) -> Expression {
        let shown = shortened(span)
        let function = ExtensionFunction(rawValue: name.text.string)
        let method = BinaryOperator(rawValue: name.text.string)?.isMethod ?? (name.text == "isEmpty")
        if method || function?.isConstructor == false {
            throw error(
                "`\(shown)` is a method, not a function", at: span, hint: "use a method-style call `e.\(shown)(..)`")
        }
        guard let function else { throw error("`\(shown)` is not a valid function", at: span) }
        let arguments = try arguments()
        return try make(.call(function, arguments), from: span.start)
    }
}
