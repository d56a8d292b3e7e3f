// SPDX-License-Identifier: Apache-2.0

/// Writes policies as JSON, the form other implementations of Cedar read and write too.
struct PolicyJSONWriter {
    /// How high what is written may be; a long `&&` chain is high in JSON, which only has pairs.
    let limits: SyntaxLimits

    func policy(_ template: Template) throws(Diagnostic) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("effect", .string(template.effect.rawValue)),
            ("principal", constraint(template.scope.principal)),
            ("action", constraint(template.scope.action)),
            ("resource", constraint(template.scope.resource)),
        ]
        var conditions: [JSONValue] = []
        for condition in template.conditions {
            let body = try expression(condition.body, budget: limits.height)
            conditions.append(.object([("kind", .string(condition.kind.rawValue)), ("body", body)]))
        }
        members.append(("conditions", .array(conditions)))
        if !template.annotations.isEmpty {
            let annotations = template.annotations.sorted { $0.key < $1.key }.map { annotation in
                JSONMember(
                    key: annotation.key,
                    value: annotation.writtenValue.map(JSONValue.string) ?? JSONValue(.null))
            }
            members.append(("annotations", JSONValue(.object(annotations))))
        }
        return .object(members)
    }

    // MARK: Scope

    private func constraint(_ constraint: ScopeConstraint) -> JSONValue {
        switch constraint {
        case .any: .object([("op", .string("All"))])
        case .equal(let reference): .object([("op", .string("==")), member(reference)])
        case .in(let reference): .object([("op", .string("in")), member(reference)])
        case .is(let type): .object([("op", .string("is")), ("entity_type", .string(type.text))])
        case .isIn(let type, let reference):
            .object([
                ("op", .string("is")), ("entity_type", .string(type.text)), ("in", .object([member(reference)])),
            ])
        }
    }

    private func member(_ reference: EntityReference) -> (String, JSONValue) {
        switch reference {
        case .entity(let uid): ("entity", .entity(uid))
        case .slot(let slot): ("slot", .string(slot.rawValue))
        }
    }

    private func constraint(_ constraint: ActionConstraint) -> JSONValue {
        switch constraint {
        case .any: .object([("op", .string("All"))])
        case .equal(let action): .object([("op", .string("==")), ("entity", .entity(action))])
        case .in(let action): .object([("op", .string("in")), ("entity", .entity(action))])
        // As the reference engine writes it, which doesn't tell the two apart.
        case .inAny(let actions) where actions.count == 1:
            .object([("op", .string("in")), ("entity", .entity(actions[0]))])
        case .inAny(let actions):
            .object([("op", .string("in")), ("entities", .array(actions.map(JSONValue.entity)))])
        }
    }

    // MARK: Expressions

    /// The JSON of `expression`, at most `budget` expressions high.
    private func expression(_ expression: Expression, budget: Int) throws(Diagnostic) -> JSONValue {
        guard budget > 0 else {
            throw Diagnostic(
                "expression is more than \(limits.height) operations deep in JSON", at: expression.span)
        }
        let budget = budget - 1
        switch expression.node {
        case .literal(let value):
            return .tagged("Value", value.json)
        case .variable(let variable):
            return .tagged("Var", .string(variable.rawValue))
        case .not(let operand):
            return .tagged("!", .object([("arg", try self.expression(operand, budget: budget))]))
        case .negate(let operand):
            return .tagged("neg", .object([("arg", try self.expression(operand, budget: budget))]))
        case .isEmpty(let operand):
            return .tagged("isEmpty", .object([("arg", try self.expression(operand, budget: budget))]))
        case .and(let operands):
            return try chain("&&", operands, budget: budget)
        case .or(let operands):
            return try chain("||", operands, budget: budget)
        case .conditional(let condition, let then, let otherwise):
            return .tagged(
                "if-then-else",
                .object([
                    ("if", try self.expression(condition, budget: budget)),
                    ("then", try self.expression(then, budget: budget)),
                    ("else", try self.expression(otherwise, budget: budget)),
                ]))
        case .binary(let binary, let left, let right):
            return .pair(
                binary.rawValue, try self.expression(left, budget: budget), try self.expression(right, budget: budget))
        case .attribute(let operand, let name):
            return .attribute(".", try self.expression(operand, budget: budget), name)
        case .has(let operand, let path):
            return try has(operand, path, budget: budget)
        case .like(let operand, let pattern):
            return .tagged(
                "like",
                .object([
                    ("left", try self.expression(operand, budget: budget)),
                    ("pattern", .array(pattern.elements.map(JSONValue.element))),
                ]))
        case .is(let operand, let type, let ancestor):
            var members = [
                ("left", try self.expression(operand, budget: budget)), ("entity_type", .string(type.text)),
            ]
            if let ancestor { members.append(("in", try self.expression(ancestor, budget: budget))) }
            return .tagged("is", .object(members))
        case .set(let elements):
            return .tagged("Set", .array(try list(elements, budget: budget)))
        case .record(let fields):
            var members: [JSONMember] = []
            for field in fields {
                members.append(JSONMember(key: field.name, value: try self.expression(field.value, budget: budget)))
            }
            return .tagged("Record", JSONValue(.object(members)))
        case .call(let function, let arguments):
            return .tagged(function.rawValue, .array(try list(arguments, budget: budget)))
        }
    }

    private func list(_ expressions: [Expression], budget: Int) throws(Diagnostic) -> [JSONValue] {
        var values: [JSONValue] = []
        for expression in expressions { values.append(try self.expression(expression, budget: budget)) }
        return values
    }

    /// The operands in pairs, from the left: every one but the last two makes the first one deeper.
    private func chain(
        _ tag: String, _ operands: [Expression], budget: Int
    ) throws(Diagnostic) -> JSONValue {
        var budget = budget - max(0, operands.count - 2)
        var chain: JSONValue?
        for operand in operands {
            let value = try expression(operand, budget: budget)
            if let left = chain {
                chain = .pair(tag, left, value)
                budget += 1
            } else {
                chain = value
            }
        }
        return chain ?? .tagged("Value", .bool(tag == "&&"))
    }

    /// `x has a.b` as `x has a && x.a has b`.
    private func has(
        _ operand: Expression, _ path: [CedarString], budget: Int
    ) throws(Diagnostic) -> JSONValue {
        var owner = operand
        var parts: [JSONValue] = []
        for name in path {
            parts.append(.attribute("has", try expression(owner, budget: budget - path.count), name))
            owner = Expression(.attribute(owner, name), span: operand.span)
        }
        guard let first = parts.first else { return .tagged("Value", .bool(true)) }
        return parts.dropFirst().reduce(first) { .pair("&&", $0, $1) }
    }
}

extension JSONMember {
    /// A member with a key of the language.
    init(key: CedarString, value: JSONValue) {
        self.init(key: Array(key.utf8), value: value)
    }
}

extension JSONValue {
    /// An object of one member.
    fileprivate static func tagged(_ tag: String, _ value: JSONValue) -> JSONValue { .object([(tag, value)]) }

    /// An operation on two operands.
    fileprivate static func pair(_ tag: String, _ left: JSONValue, _ right: JSONValue) -> JSONValue {
        .tagged(tag, .object([("left", left), ("right", right)]))
    }

    /// An operation on an operand and the name of an attribute.
    fileprivate static func attribute(_ tag: String, _ left: JSONValue, _ name: CedarString) -> JSONValue {
        .tagged(tag, .object([("left", left), ("attr", .string(name))]))
    }

    /// A part of a pattern.
    fileprivate static func element(_ element: Pattern.Element) -> JSONValue {
        switch element {
        case .wildcard: .string("Wildcard")
        case .character(let scalar): .tagged("Literal", .string(String(scalar)))
        }
    }
}
