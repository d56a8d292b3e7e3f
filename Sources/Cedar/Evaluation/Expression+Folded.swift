// SPDX-License-Identifier: Apache-2.0

extension Expression {
    /// The expression with its constant parts computed: sets, records and extension values whose parts are literals
    /// become literals, which the language has no text for.
    ///
    /// What would be an error stays as it is, since it is one only when it is reached.
    var folded: Expression {
        let node: Node =
            switch self.node {
            case .literal, .variable: self.node
            case .not(let operand): .not(operand.folded)
            case .negate(let operand): .negate(operand.folded)
            case .and(let operands): .and(operands.map(\.folded))
            case .or(let operands): .or(operands.map(\.folded))
            case .conditional(let condition, let then, let otherwise):
                .conditional(condition.folded, then: then.folded, otherwise: otherwise.folded)
            case .binary(let binary, let left, let right): .binary(binary, left.folded, right.folded)
            case .isEmpty(let operand): .isEmpty(operand.folded)
            case .attribute(let operand, let name): .attribute(operand.folded, name)
            case .has(let operand, let path): .has(operand.folded, path)
            case .like(let operand, let pattern): .like(operand.folded, pattern)
            case .is(let operand, let type, let ancestor): .is(operand.folded, type, in: ancestor?.folded)
            case .set(let elements): Expression.fold(set: elements.map(\.folded))
            case .record(let fields):
                Expression.fold(record: fields.map { Field(name: $0.name, value: $0.value.folded) })
            case .call(let function, let arguments): Expression.fold(function, arguments.map(\.folded))
            }
        return Expression(node, span: span)
    }

    private var constant: Value? {
        guard case .literal(let value) = node else { return nil }
        return value
    }

    private static func fold(set elements: [Expression]) -> Node {
        let values = elements.compactMap(\.constant)
        return values.count == elements.count ? .literal(.set(CedarSet(values))) : .set(elements)
    }

    private static func fold(record fields: [Field]) -> Node {
        let values = fields.compactMap { field in field.value.constant.map { (name: field.name, value: $0) } }
        guard values.count == fields.count, let record = CedarRecord(values) else { return .record(fields) }
        return .literal(.record(record))
    }

    private static func fold(_ function: ExtensionFunction, _ arguments: [Expression]) -> Node {
        guard arguments.count == 1, case .string(let text) = arguments[0].constant,
            let value = function.construct(text)
        else { return .call(function, arguments) }
        return .literal(value)
    }
}
