// SPDX-License-Identifier: Apache-2.0

/// A policy's scope and conditions as one expression, in the few forms that validation and analysis tell apart.
///
/// Expressions are numbered, so that what is found out about each can be kept beside them, and have a shape, which two of
/// them share when they differ in nothing but their place.
struct LoweredPolicy: Sendable {
    /// One form of expression, whose operands are numbers of expressions or, in a shape, of shapes.
    enum Form: Hashable, Sendable {
        case literal(Value)
        case variable(Variable)
        case slot(Slot)
        case not(Int)
        case negate(Int)
        case and([Int])
        case or([Int])
        case conditional(Int, then: Int, otherwise: Int)
        case equal(Int, Int)
        case less(Int, Int, orEqual: Bool)
        case arithmetic(BinaryOperator, Int, Int)
        case `in`(Int, Int)
        case contains(Int, Int)
        case containsMany(BinaryOperator, Int, Int)
        case hasTag(Int, Int)
        case getTag(Int, Int)
        case isEmpty(Int)
        case attribute(Int, CedarString)
        case has(Int, [CedarString])
        case like(Int, Pattern)
        case `is`(Int, Name, in: Int?)
        case set([Int])
        case record([CedarString], [Int])
        case call(ExtensionFunction, [Int])
    }

    /// An expression.
    struct Node: Sendable {
        let form: Form
        let shape: Int
        let span: SourceSpan
        /// For `has`, the shapes of what is looked into: of the operand, of its first attribute, and so on.
        var path: [Int] = []
    }

    /// The expressions, operands before what they are operands of.
    private(set) var nodes: [Node] = []
    /// The number of the whole condition: the scope, and every clause.
    private(set) var root = 0
    /// The numbers of the clauses' expressions, those of `unless` negated.
    private(set) var clauses: [Int] = []
    /// What was written.
    let template: Template

    private var shapes: ShapeTable

    /// Lowers a policy.
    init(_ template: Template) {
        var shapes = ShapeTable()
        self.init(template, shapes: &shapes)
    }

    /// Lowers a policy whose shapes are to be comparable with those of others lowered with the same table.
    init(_ template: Template, shapes table: inout ShapeTable) {
        self.template = template
        shapes = table
        table = ShapeTable()
        let scope = template.scope
        var parts = constraint(scope.principal, on: .principal, at: scope.spans.principal)
        parts += constraint(scope.action, at: scope.spans.action)
        parts += constraint(scope.resource, on: .resource, at: scope.spans.resource)
        for condition in template.conditions {
            let body = add(condition.body)
            clauses.append(condition.kind == .when ? body : add(.not(body), at: condition.span))
        }
        parts += clauses
        root = add(.and(parts), at: template.span)
        table = shapes
        shapes = ShapeTable()
    }

    // MARK: Scopes

    private mutating func constraint(
        _ constraint: ScopeConstraint, on variable: Variable, at span: SourceSpan
    ) -> [Int] {
        if case .any = constraint { return [] }
        let subject = add(.variable(variable), at: span)
        let object = constraint.reference.map { reference in
            switch reference {
            case .entity(let uid): add(.literal(.entity(uid)), at: span)
            case .slot(let slot): add(.slot(slot), at: span)
            }
        }
        switch (constraint, object) {
        case (.equal, let object?): return [add(.equal(subject, object), at: span)]
        case (.in, let object?): return [add(.in(subject, object), at: span)]
        case (.is(let type), _), (.isIn(let type, _), _): return [add(.is(subject, type, in: object), at: span)]
        default: return []
        }
    }

    private mutating func constraint(_ constraint: ActionConstraint, at span: SourceSpan) -> [Int] {
        if case .any = constraint { return [] }
        let subject = add(.variable(.action), at: span)
        switch constraint {
        case .any: return []
        case .equal(let uid):
            let object = add(.literal(.entity(uid)), at: span)
            return [add(.equal(subject, object), at: span)]
        case .in(let uid):
            let object = add(.literal(.entity(uid)), at: span)
            return [add(.in(subject, object), at: span)]
        case .inAny(let uids):
            let objects = uids.map { add(.literal(.entity($0)), at: span) }
            let object = add(.set(objects), at: span)
            return [add(.in(subject, object), at: span)]
        }
    }

    // MARK: Expressions

    private mutating func add(_ expression: Expression) -> Int {
        let span = expression.span
        switch expression.node {
        case .literal(let value): return add(.literal(value), at: span)
        case .variable(let variable): return add(.variable(variable), at: span)
        case .not(let operand): return add(.not(add(operand)), at: span)
        case .negate(let operand): return add(.negate(add(operand)), at: span)
        case .and(let operands): return add(.and(operands.map { add($0) }), at: span)
        case .or(let operands): return add(.or(operands.map { add($0) }), at: span)
        case .conditional(let test, let then, let otherwise):
            return add(.conditional(add(test), then: add(then), otherwise: add(otherwise)), at: span)
        case .binary(let op, let left, let right): return binary(op, add(left), add(right), at: span)
        case .isEmpty(let operand): return add(.isEmpty(add(operand)), at: span)
        case .attribute(let operand, let name): return add(.attribute(add(operand), name), at: span)
        case .has(let operand, let names): return add(.has(add(operand), names), at: span)
        case .like(let operand, let pattern): return add(.like(add(operand), pattern), at: span)
        case .is(let operand, let type, let container):
            return add(.is(add(operand), type, in: container.map { add($0) }), at: span)
        case .set(let elements): return add(.set(elements.map { add($0) }), at: span)
        case .record(let fields):
            let fields = fields.sorted { $0.name < $1.name }
            return add(.record(fields.map(\.name), fields.map { add($0.value) }), at: span)
        case .call(let function, let arguments): return add(.call(function, arguments.map { add($0) }), at: span)
        }
    }

    private mutating func binary(_ op: BinaryOperator, _ left: Int, _ right: Int, at span: SourceSpan) -> Int {
        switch op {
        case .equal: add(.equal(left, right), at: span)
        case .notEqual: add(.not(add(.equal(left, right), at: span)), at: span)
        case .less: add(.less(left, right, orEqual: false), at: span)
        case .lessOrEqual: add(.less(left, right, orEqual: true), at: span)
        case .greater: add(.not(add(.less(left, right, orEqual: true), at: span)), at: span)
        case .greaterOrEqual: add(.not(add(.less(left, right, orEqual: false), at: span)), at: span)
        case .add, .subtract, .multiply: add(.arithmetic(op, left, right), at: span)
        case .in: add(.in(left, right), at: span)
        case .contains: add(.contains(left, right), at: span)
        case .containsAll, .containsAny: add(.containsMany(op, left, right), at: span)
        case .getTag: add(.getTag(left, right), at: span)
        case .hasTag: add(.hasTag(left, right), at: span)
        }
    }

    private mutating func add(_ form: Form, at span: SourceSpan) -> Int {
        var node = Node(form: form, shape: shapes.shape(of: form.mapped { nodes[$0].shape }), span: span)
        if case .has(let operand, let names) = form {
            node.path = [nodes[operand].shape]
            for name in names.dropLast() {
                node.path.append(shapes.shape(of: .attribute(node.path[node.path.count - 1], name)))
            }
        }
        nodes.append(node)
        return nodes.count - 1
    }
}

/// The shapes of expressions: numbers that two expressions share when they differ in nothing but their place.
struct ShapeTable: Sendable {
    private var shapes: [LoweredPolicy.Form: Int] = [:]

    /// The shape of a form whose operands are shapes.
    mutating func shape(of form: LoweredPolicy.Form) -> Int {
        if let shape = shapes[form] { return shape }
        shapes[form] = shapes.count
        return shapes.count - 1
    }
}

extension LoweredPolicy.Form {
    /// The same with each operand replaced.
    func mapped(_ transform: (Int) -> Int) -> Self {
        switch self {
        case .literal, .variable, .slot: self
        case .not(let operand): .not(transform(operand))
        case .negate(let operand): .negate(transform(operand))
        case .and(let operands): .and(operands.map(transform))
        case .or(let operands): .or(operands.map(transform))
        case .conditional(let test, let then, let otherwise):
            .conditional(transform(test), then: transform(then), otherwise: transform(otherwise))
        case .equal(let left, let right): .equal(transform(left), transform(right))
        case .less(let left, let right, let orEqual): .less(transform(left), transform(right), orEqual: orEqual)
        case .arithmetic(let op, let left, let right): .arithmetic(op, transform(left), transform(right))
        case .in(let left, let right): .in(transform(left), transform(right))
        case .contains(let left, let right): .contains(transform(left), transform(right))
        case .containsMany(let op, let left, let right): .containsMany(op, transform(left), transform(right))
        case .hasTag(let left, let right): .hasTag(transform(left), transform(right))
        case .getTag(let left, let right): .getTag(transform(left), transform(right))
        case .isEmpty(let operand): .isEmpty(transform(operand))
        case .attribute(let operand, let name): .attribute(transform(operand), name)
        case .has(let operand, let names): .has(transform(operand), names)
        case .like(let operand, let pattern): .like(transform(operand), pattern)
        case .is(let operand, let type, let container): .is(transform(operand), type, in: container.map(transform))
        case .set(let elements): .set(elements.map(transform))
        case .record(let names, let values): .record(names, values.map(transform))
        case .call(let function, let arguments): .call(function, arguments.map(transform))
        }
    }

    /// The operands in the order they are written.
    var operands: [Int] {
        var operands: [Int] = []
        _ = mapped { operand in
            operands.append(operand)
            return operand
        }
        return operands
    }
}
