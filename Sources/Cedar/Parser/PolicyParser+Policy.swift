// SPDX-License-Identifier: Apache-2.0

extension PolicyParser {
    /// Reads policies and templates up to the end of the text.
    mutating func policies() throws(Diagnostic) -> [Template] {
        var policies: [Template] = []
        while !isAtEnd { policies.append(try policy()) }
        return policies
    }

    /// Reads one policy or template.
    mutating func policy() throws(Diagnostic) -> Template {
        let start = token.span.start
        let annotations = try annotations()
        let effect = try effect()
        try expect(.openParenthesis, "`(`")
        let scope = try scope()
        var conditions: [Condition] = []
        while try !skip(.semicolon) {
            conditions.append(try condition())
        }
        return Template(
            annotations: annotations, effect: effect, scope: scope, conditions: conditions, span: span(from: start),
            source: source
        )
    }

    private mutating func annotations() throws(Diagnostic) -> [Annotation] {
        var annotations: [Annotation] = []
        var keys: Set<CedarString> = []
        while token.kind == .at {
            let start = try advance().span.start
            let key = text(of: try expect(.identifier, "the name of an annotation"))
            var value: CedarString?
            if try skip(.openParenthesis) {
                value = try StringLiteral.text(of: try expect(.string, "a string literal"), in: source)
                try expect(.closeParenthesis, "`)`")
            }
            let span = span(from: start)
            guard keys.insert(key).inserted else { throw error("duplicate annotation: `@\(key)`", at: span) }
            annotations.append(Annotation(key: key, value: value, span: span))
        }
        return annotations
    }

    private mutating func effect() throws(Diagnostic) -> Effect {
        guard token.kind == .identifier else { throw unexpected("expected `permit` or `forbid`") }
        guard let effect = Effect(rawValue: text(of: token).string) else {
            throw error(
                "invalid policy effect: `\(shortened(token.span))`", at: token.span,
                hint: "effect must be either `permit` or `forbid`")
        }
        try advance()
        return effect
    }

    private mutating func condition() throws(Diagnostic) -> Condition {
        let start = token.span.start
        guard token.kind == .identifier else { throw unexpected("expected `when`, `unless` or `;`") }
        guard let kind = Condition.Kind(rawValue: text(of: token).string) else {
            throw error(
                "invalid policy condition: `\(shortened(token.span))`", at: token.span,
                hint: "condition must be either `when` or `unless`")
        }
        try advance()
        try expect(.openBrace, "`{`")
        if token.kind == .closeBrace {
            throw error("`\(kind.rawValue)` condition clause cannot be empty", at: token.span)
        }
        let body = try expression()
        try expect(.closeBrace, "`}`")
        return Condition(kind, body, span: span(from: start))
    }

    // MARK: Scope

    /// Reads the scope behind its opening parenthesis, and the closing one.
    private mutating func scope() throws(Diagnostic) -> Scope {
        var scope = Scope()
        var start = try variable(.principal)
        scope.principal = try constraint(of: .principal, slot: .principal)
        scope.spans.principal = span(from: start)
        try expect(.comma, "`,`")
        start = try variable(.action)
        scope.action = try actionConstraint()
        scope.spans.action = span(from: start)
        try expect(.comma, "`,`")
        start = try variable(.resource)
        scope.resource = try constraint(of: .resource, slot: .resource)
        scope.spans.resource = span(from: start)
        if try skip(.comma), token.kind == .identifier {
            throw error("this policy has an extra element in the scope: `\(shortened(token.span))`", at: token.span)
        }
        try expect(.closeParenthesis, "`)`")
        return scope
    }

    /// Reads the word that must begin the next part of the scope; where it begins.
    private mutating func variable(_ expected: Variable) throws(Diagnostic) -> Int {
        guard token.kind == .identifier else {
            throw unexpected("the policy scope must contain the `\(expected.rawValue)` variable")
        }
        guard isNext(expected.rawValue) else {
            throw error(
                "found `\(shortened(token.span))` where the variable `\(expected.rawValue)` must be used",
                at: token.span,
                hint: "policy scopes must contain `principal`, `action` and `resource`, in this order")
        }
        let start = try advance().span.start
        if token.kind == .colon {
            throw error(
                "type constraints using `:` are not supported", at: token.span, hint: "try using `is` instead")
        }
        return start
    }

    private mutating func constraint(of variable: Variable, slot: Slot) throws(Diagnostic) -> ScopeConstraint {
        if try skip(.equal) { return .equal(try reference(slot)) }
        if try skip(word: "in") { return .in(try reference(slot)) }
        if try skip(word: "is") {
            let type = try name("an entity type")
            if try skip(word: "in") { return .isIn(type, try reference(slot)) }
            if token.kind == .equal { throw error("`is` cannot be used together with `==`", at: token.span) }
            return .is(type)
        }
        try checkOperator()
        return .any
    }

    private mutating func actionConstraint() throws(Diagnostic) -> ActionConstraint {
        let start = token.span.start
        let constraint: ActionConstraint
        if try skip(.equal) {
            constraint = .equal(try entity())
        } else if try skip(word: "in") {
            constraint = try actions()
        } else if isNext("is") {
            throw error(
                "`is` cannot appear in the action scope", at: token.span, hint: "try moving it into a `when` condition")
        } else {
            try checkOperator()
            constraint = .any
        }
        for action in constraint.entities where action.type.base != "Action" {
            throw error(
                "expected an entity uid with type `Action` but got `\(action)`", at: span(from: start),
                hint: "action entities must have type `Action`, optionally in a namespace")
        }
        return constraint
    }

    /// Reads an action or a list of them, in parentheses or not.
    private mutating func actions() throws(Diagnostic) -> ActionConstraint {
        if try skip(.openParenthesis) {
            let actions = try nested { (parser) throws(Diagnostic) in try parser.actions() }
            try expect(.closeParenthesis, "`)`")
            return actions
        }
        guard try skip(.openBracket) else { return .in(try entity()) }
        var actions: [EntityUID] = []
        try list(upTo: .closeBracket, "`]`") { (parser) throws(Diagnostic) in actions.append(try parser.entity()) }
        return .inAny(actions)
    }

    /// Says what is wrong with an operator that scopes don't know.
    private func checkOperator() throws(Diagnostic) {
        switch token.kind {
        case .comma, .closeParenthesis, .end: return
        case .assign:
            throw error("`=` is not a valid operator", at: token.span, hint: "try using `==` instead")
        case .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            throw error(
                "invalid operator in the policy scope: `\(shortened(token.span))`", at: token.span,
                hint: "policy scope clauses can only use `==`, `in`, `is`, or `_ is _ in _`")
        default: throw unexpected("expected `==`, `in`, `is`, `,` or `)`")
        }
    }

    /// Reads an entity or the one slot that may stand here, in parentheses or not.
    private mutating func reference(_ slot: Slot) throws(Diagnostic) -> EntityReference {
        if try skip(.openParenthesis) {
            let reference = try nested { (parser) throws(Diagnostic) in try parser.reference(slot) }
            try expect(.closeParenthesis, "`)`")
            return reference
        }
        guard token.kind == .slot else { return .entity(try entity()) }
        let written = text(of: token).string
        guard written == slot.rawValue else {
            let problem =
                Slot(rawValue: written) == nil
                ? "`\(shortened(token.span))` is not a valid template slot"
                : "found slot `\(written)` where only `\(slot.rawValue)` can be used"
            throw error(problem, at: token.span, hint: "template slots may only be `?principal` or `?resource`")
        }
        try advance()
        return .slot(slot)
    }

    /// Reads an entity, in parentheses or not.
    mutating func entity() throws(Diagnostic) -> EntityUID {
        switch token.kind {
        case .openParenthesis:
            try advance()
            let entity = try nested { (parser) throws(Diagnostic) in try parser.entity() }
            try expect(.closeParenthesis, "`)`")
            return entity
        case .identifier:
            var path = [try identifier("an entity uid")]
            while try skip(.path) {
                if token.kind == .string {
                    let id = try StringLiteral.text(of: try advance(), in: source)
                    return EntityUID(type: Name(path: path), id: id)
                }
                path.append(try identifier("an identifier or the id of an entity"))
            }
            throw unexpected("expected `::` and the id of an entity")
        case .slot: throw error("template slot `\(shortened(token.span))` cannot be used here", at: token.span)
        default: throw unexpected("expected an entity uid")
        }
    }
}

extension ActionConstraint {
    /// The actions named.
    public var entities: [EntityUID] {
        switch self {
        case .any: []
        case .equal(let action), .in(let action): [action]
        case .inAny(let actions): actions
        }
    }
}
