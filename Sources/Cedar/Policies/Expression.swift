// SPDX-License-Identifier: Apache-2.0

/// An expression of a policy, with where it stands.
///
/// The height of those in a ``PolicySet`` is bounded by ``SyntaxLimits``, so that code may walk them recursively.
public struct Expression: Sendable {
    /// What the expression is.
    public let node: Node
    /// Where it stands, without surrounding parentheses; ``SourceSpan/none`` for what wasn't parsed from text.
    public let span: SourceSpan
    /// How many expressions the longest way down to a leaf passes, this one included.
    public let height: Int

    /// The expression `node` at `span`.
    public init(_ node: Node, span: SourceSpan = .none) {
        self.node = node
        self.span = span
        height = 1 + node.operandHeight
    }

    /// The forms of expressions.
    public indirect enum Node: Sendable {
        /// A Boolean, integer, string or entity; never a set, a record or an extension value.
        case literal(Value)
        /// One of the four things a request consists of.
        case variable(Variable)
        /// `!x`
        case not(Expression)
        /// `-x`
        case negate(Expression)
        /// `a && b && …`: at least two operands, evaluated until one is false.
        case and([Expression])
        /// `a || b || …`: at least two operands, evaluated until one is true.
        case or([Expression])
        /// `if a then b else c`
        case conditional(Expression, then: Expression, otherwise: Expression)
        /// Two operands that are always both evaluated.
        case binary(BinaryOperator, Expression, Expression)
        /// `x.isEmpty()`
        case isEmpty(Expression)
        /// `x.name` or `x["name"]`
        case attribute(Expression, CedarString)
        /// `x has a.b.c`: at least one name.
        case has(Expression, [CedarString])
        /// `x like "…"`
        case like(Expression, Pattern)
        /// `x is T` or `x is T in y`
        case `is`(Expression, Name, in: Expression?)
        /// `[a, b, …]`
        case set([Expression])
        /// `{a: x, "b c": y, …}`, each name once.
        case record([Field])
        /// A call of an extension function; the receiver of a method is the first argument.
        case call(ExtensionFunction, [Expression])
    }

    /// An attribute of a record expression.
    public struct Field: Sendable {
        /// The attribute's name.
        public let name: CedarString
        /// What it is to hold.
        public let value: Expression

        /// The attribute `name`, holding `value`.
        public init(name: CedarString, value: Expression) {
            self.name = name
            self.value = value
        }
    }
}

extension Expression.Node {
    /// The height of the highest operand, 0 where there is none.
    fileprivate var operandHeight: Int {
        let height = operands.reduce(0) { max($0, $1.height) }
        // `x has a.b` is short for `x has a && x.a has b`.
        if case .has(_, let path) = self { return height + path.count - 1 }
        return height
    }

    /// The expressions this one consists of, in the order they are written.
    fileprivate var operands: [Expression] {
        switch self {
        case .literal, .variable: []
        case .not(let operand), .negate(let operand), .isEmpty(let operand), .attribute(let operand, _),
            .has(let operand, _), .like(let operand, _), .is(let operand, _, in: nil):
            [operand]
        case .is(let operand, _, let ancestor?): [operand, ancestor]
        case .binary(_, let left, let right): [left, right]
        case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
        case .and(let operands), .or(let operands), .set(let operands), .call(_, let operands): operands
        case .record(let fields): fields.map(\.value)
        }
    }
}

extension Expression {
    /// The expressions this one consists of, in the order they are written.
    public var operands: [Expression] { node.operands }
}

/// One of the four things a request consists of.
public enum Variable: String, Hashable, Sendable, CaseIterable {
    /// Who asks.
    case principal
    /// For what.
    case action
    /// On what.
    case resource
    /// Under which circumstances, a record.
    case context
}

/// A place in a template that a link fills with an entity.
public enum Slot: String, Hashable, Sendable, CaseIterable, Comparable {
    /// `?principal`
    case principal = "?principal"
    /// `?resource`
    case resource = "?resource"

    /// Whether `left` comes first in the order of text.
    public static func < (left: Slot, right: Slot) -> Bool { left.rawValue < right.rawValue }
}

/// An operator, or a method of the core language, that evaluates both its operands.
public enum BinaryOperator: String, Hashable, Sendable, CaseIterable {
    /// `==`
    case equal = "=="
    /// `!=`
    case notEqual = "!="
    /// `<`
    case less = "<"
    /// `<=`
    case lessOrEqual = "<="
    /// `>`
    case greater = ">"
    /// `>=`
    case greaterOrEqual = ">="
    /// `+`
    case add = "+"
    /// `-`
    case subtract = "-"
    /// `*`
    case multiply = "*"
    /// `in`
    case `in` = "in"
    /// `x.contains(y)`
    case contains = "contains"
    /// `x.containsAll(y)`
    case containsAll = "containsAll"
    /// `x.containsAny(y)`
    case containsAny = "containsAny"
    /// `x.getTag(y)`
    case getTag = "getTag"
    /// `x.hasTag(y)`
    case hasTag = "hasTag"

    /// Whether it is written as a method, `x.op(y)`.
    public var isMethod: Bool {
        switch self {
        case .contains, .containsAll, .containsAny, .getTag, .hasTag: true
        default: false
        }
    }
}
