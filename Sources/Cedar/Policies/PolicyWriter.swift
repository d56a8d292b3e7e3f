// SPDX-License-Identifier: Apache-2.0

/// Writes policies as text on one line, with no more parentheses than needed; ``PolicyFormatter`` lays it out.
///
/// Recursion is bounded by the height of expressions.
struct PolicyWriter {
    private(set) var text = ""

    /// How tightly the operators of an expression bind, loosest first.
    private enum Precedence: Int, Comparable {
        case conditional, or, and, relation, sum, product, unary, member

        static func < (left: Precedence, right: Precedence) -> Bool { left.rawValue < right.rawValue }
    }

    // MARK: Policies

    mutating func write(_ template: Template) {
        for annotation in template.annotations {
            text += "@\(annotation.key)"
            if let value = annotation.writtenValue { text += "(\(value.literal))" }
            text += " "
        }
        text += "\(template.effect.rawValue) (principal"
        write(template.scope.principal)
        text += ", action"
        write(template.scope.action)
        text += ", resource"
        write(template.scope.resource)
        text += ")"
        for condition in template.conditions {
            text += " \(condition.kind.rawValue) { "
            write(condition.body, above: .conditional)
            text += " }"
        }
        text += ";"
    }

    private mutating func write(_ constraint: ScopeConstraint) {
        switch constraint {
        case .any: break
        case .equal(let reference): text += " == \(name(of: reference))"
        case .in(let reference): text += " in \(name(of: reference))"
        case .is(let type): text += " is \(type)"
        case .isIn(let type, let reference): text += " is \(type) in \(name(of: reference))"
        }
    }

    private func name(of reference: EntityReference) -> String {
        switch reference {
        case .entity(let uid): uid.description
        case .slot(let slot): slot.rawValue
        }
    }

    private mutating func write(_ constraint: ActionConstraint) {
        switch constraint {
        case .any: break
        case .equal(let action): text += " == \(action)"
        case .in(let action): text += " in \(action)"
        case .inAny(let actions): text += " in [\(actions.map(\.description).joined(separator: ", "))]"
        }
    }

    // MARK: Expressions

    /// Writes `expression` where the grammar wants one that binds at least as tightly as `least`.
    private mutating func write(_ expression: Expression, above least: Precedence) {
        guard precedence(of: expression.node) >= least else {
            text += "("
            write(expression.node)
            text += ")"
            return
        }
        write(expression.node)
    }

    /// Writes `expression` as it stands.
    mutating func write(_ expression: Expression) {
        write(expression, above: .conditional)
    }

    private func precedence(of node: Expression.Node) -> Precedence {
        switch node {
        case .conditional: .conditional
        case .or: .or
        case .and: .and
        case .has, .like, .is: .relation
        case .binary(let binary, _, _): precedence(of: binary)
        case .not, .negate: .unary
        // The minus of a literal is a sign like any other.
        case .literal(.long(let value)): value < 0 ? .unary : .member
        case .literal, .variable, .isEmpty, .attribute, .set, .record, .call: .member
        }
    }

    private func precedence(of binary: BinaryOperator) -> Precedence {
        switch binary {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .in: .relation
        case .add, .subtract: .sum
        case .multiply: .product
        case .contains, .containsAll, .containsAny, .getTag, .hasTag: .member
        }
    }

    private mutating func write(_ node: Expression.Node) {
        switch node {
        case .literal(let value): text += value.description
        case .variable(let variable): text += variable.rawValue
        case .not(let operand): write(sign: "!", operand)
        case .negate(let operand): write(sign: "-", operand)
        case .and(let operands): write(operands, separator: " && ", above: .relation)
        case .or(let operands): write(operands, separator: " || ", above: .and)
        case .conditional(let condition, let then, let otherwise):
            text += "if "
            write(condition)
            text += " then "
            write(then)
            text += " else "
            write(otherwise)
        case .binary(let binary, let left, let right): write(binary, left, right)
        case .isEmpty(let operand): write(method: "isEmpty", of: operand, [])
        case .attribute(let operand, let name):
            write(operand, above: .member)
            text += Identifier.isPlain(name) ? ".\(name)" : "[\(name.literal)]"
        case .has(let operand, let path):
            write(has: path, in: operand)
        case .like(let operand, let pattern):
            write(operand, above: .sum)
            text += " like \(pattern)"
        case .is(let operand, let type, let ancestor):
            write(operand, above: .sum)
            text += " is \(type)"
            guard let ancestor else { break }
            text += " in "
            write(ancestor, above: .sum)
        case .set(let elements):
            text += "["
            write(elements, separator: ", ", above: .conditional)
            text += "]"
        case .record(let fields): write(fields)
        case .call(let function, let arguments): write(function, arguments)
        }
    }

    /// Writes a sign and what it applies to. Signs don't mix, and only four may follow each other.
    private mutating func write(sign: String, _ operand: Expression) {
        var operand = operand
        var count = 1
        text += sign
        while count < 4 {
            switch operand.node {
            case .not(let next) where sign == "!": operand = next
            case .negate(let next) where sign == "-": operand = next
            default:
                return write(signed: operand, room: count < 4 && sign == "-")
            }
            text += sign
            count += 1
        }
        write(signed: operand, room: false)
    }

    /// Writes what is behind a sign. A negative literal brings a sign of its own, for which there may be room; a positive
    /// one would take the sign before it for its own.
    private mutating func write(signed operand: Expression, room: Bool) {
        if case .literal(.long(let value)) = operand.node, text.utf8.last == UInt8(ascii: "-") {
            guard value < 0, room else {
                text += "(\(value))"
                return
            }
            text += String(value)
            return
        }
        write(operand, above: .member)
    }

    private mutating func write(_ operands: [Expression], separator: String, above least: Precedence) {
        for (index, operand) in operands.enumerated() {
            if index > 0 { text += separator }
            write(operand, above: least)
        }
    }

    private mutating func write(_ binary: BinaryOperator, _ left: Expression, _ right: Expression) {
        switch precedence(of: binary) {
        case .member:
            write(method: binary.rawValue, of: left, [right])
        case .relation:
            write(left, above: .sum)
            text += " \(binary.rawValue) "
            write(right, above: .sum)
        case let own:
            // What is on the right of `-` needs parentheses where it is a sum itself.
            write(left, above: own)
            text += " \(binary.rawValue) "
            write(right, above: own == .sum ? .product : .unary)
        }
    }

    /// Writes `x has a.b`, or where a name is no identifier, what it is short for.
    private mutating func write(has path: [CedarString], in operand: Expression) {
        let isPlain = path.allSatisfy(Identifier.isPlain)
        if isPlain || path.count == 1 {
            write(operand, above: .sum)
            text += isPlain ? " has \(path.map(\.string).joined(separator: "."))" : " has \(path[0].literal)"
            return
        }
        var owner = operand
        var parts: [Expression] = []
        for name in path {
            parts.append(Expression(.has(owner, [name])))
            owner = Expression(.attribute(owner, name))
        }
        text += "("
        write(parts, separator: " && ", above: .relation)
        text += ")"
    }

    private mutating func write(method: String, of receiver: Expression, _ arguments: [Expression]) {
        write(receiver, above: .member)
        text += ".\(method)("
        write(arguments, separator: ", ", above: .conditional)
        text += ")"
    }

    private mutating func write(_ function: ExtensionFunction, _ arguments: [Expression]) {
        if !function.isConstructor, let receiver = arguments.first {
            return write(method: function.rawValue, of: receiver, Array(arguments.dropFirst()))
        }
        text += "\(function.rawValue)("
        write(arguments, separator: ", ", above: .conditional)
        text += ")"
    }

    private mutating func write(_ fields: [Expression.Field]) {
        text += "{"
        for (index, field) in fields.enumerated() {
            if index > 0 { text += ", " }
            text += Identifier.isPlain(field.name) ? "\(field.name): " : "\(field.name.literal): "
            write(field.value)
        }
        text += "}"
    }
}

extension Expression: CustomStringConvertible {
    /// The expression as text on one line.
    public var description: String {
        var writer = PolicyWriter()
        writer.write(self)
        return writer.text
    }
}

extension Template: CustomStringConvertible {
    /// The policy as text on one line, without comments.
    public var description: String {
        var writer = PolicyWriter()
        writer.write(self)
        return writer.text
    }
}
