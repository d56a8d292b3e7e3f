// SPDX-License-Identifier: Apache-2.0

/// What an expression comes to whatever is asked, as far as its text alone tells.
enum Outcome {
    /// What kind of value.
    enum Kind: String {
        case bool, long, string, entity, set, record, decimal, ipaddr, datetime, duration
    }

    /// This value, wherever it has one.
    case value(Value)
    /// Some value of this kind, wherever it has one.
    case kind(Kind)
    /// Nothing is known.
    case unknown
    /// It has no value, and this is why.
    case fails(EvaluationError)

    /// The kind of its values, where that is known.
    var kind: Kind? {
        switch self {
        case .value(let value): value.outcomeKind
        case .kind(let kind): kind
        case .unknown, .fails: nil
        }
    }
}

extension Value {
    /// The kind of the value.
    var outcomeKind: Outcome.Kind {
        switch self {
        case .bool: .bool
        case .long: .long
        case .string: .string
        case .entity: .entity
        case .set: .set
        case .record: .record
        case .decimal: .decimal
        case .ip: .ipaddr
        case .datetime: .datetime
        case .duration: .duration
        }
    }
}

extension Expression {
    /// What the expression comes to whatever is asked. What depends on entities or the request counts as unknown, but for
    /// its kind.
    var outcome: Outcome {
        switch node {
        case .literal(let value): return .value(value)
        case .variable(let variable): return .kind(variable == .context ? .record : .entity)
        case .not(let operand): return strict([(operand, [.bool])], .bool) { .not($0[0]) }
        case .negate(let operand): return strict([(operand, [.long])], .long) { .negate($0[0]) }
        case .and(let operands): return chain(operands, stop: false)
        case .or(let operands): return chain(operands, stop: true)
        case .conditional(let test, let then, let otherwise): return conditional(test, then, otherwise)
        case .binary(let op, let left, let right): return binary(op, left, left.outcome, right)
        case .isEmpty(let operand): return strict([(operand, [.set])], .bool) { .isEmpty($0[0]) }
        case .attribute(let operand, let name):
            return strict([(operand, [.entity, .record])], nil) { .attribute($0[0], name) }
        case .has(let operand, let names):
            return strict([(operand, [.entity, .record])], .bool) { .has($0[0], names) }
        case .like(let operand, let pattern): return strict([(operand, [.string])], .bool) { .like($0[0], pattern) }
        case .is(let operand, let type, let container):
            let outcome = operand.outcome
            let isOfType = strict([Operand(operand, outcome, [.entity])], .bool) { .is($0[0], type, in: nil) }
            switch (isOfType, container) {
            case (.value(.bool(true)), let container?): return binary(.in, operand, outcome, container)
            case (.kind, .some): return .kind(.bool)
            default: return isOfType
            }
        case .set(let elements): return strict(elements.map { ($0, []) }, .set) { .set($0) }
        case .record(let fields):
            return strict(fields.map { ($0.value, []) }, .record) { values in
                .record(zip(fields, values).map { Field(name: $0.name, value: $1) })
            }
        case .call(let function, let arguments):
            guard arguments.count == function.argumentCount else {
                return .fails(EvaluationError(.argumentCount(function, arguments.count), at: span))
            }
            let expected = function.parameters.map { $0.outcomeKind.map { [$0] } ?? [] }
            return strict(Array(zip(arguments, expected)), function.result.outcomeKind) { .call(function, $0) }
        }
    }

    /// An operand, what it comes to, and the kinds of which it must be one, if any are given.
    private struct Operand {
        let expression: Expression
        let outcome: Outcome
        let kinds: [Outcome.Kind]

        init(_ expression: Expression, _ outcome: Outcome, _ kinds: [Outcome.Kind]) {
            self.expression = expression
            self.outcome = outcome
            self.kinds = kinds
        }
    }

    private func binary(
        _ op: BinaryOperator, _ left: Expression, _ leftOutcome: Outcome, _ right: Expression
    ) -> Outcome {
        let rightOutcome = right.outcome
        func strict(_ leftKinds: [Outcome.Kind], _ rightKinds: [Outcome.Kind], _ result: Outcome.Kind?) -> Outcome {
            let operands = [Operand(left, leftOutcome, leftKinds), Operand(right, rightOutcome, rightKinds)]
            return self.strict(operands, result) { .binary(op, $0[0], $0[1]) }
        }
        switch op {
        case .equal, .notEqual:
            let outcome = strict([], [], .bool)
            // Values of different kinds are never equal, whatever they are.
            if case .kind = outcome, let left = leftOutcome.kind, let right = rightOutcome.kind, left != right {
                return .value(.bool(op == .notEqual))
            }
            return outcome
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            return strict([.long, .datetime, .duration], [.long, .datetime, .duration], .bool)
        case .add, .subtract, .multiply: return strict([.long], [.long], .long)
        case .in: return strict([.entity], [.entity, .set], .bool)
        case .contains: return strict([.set], [], .bool)
        case .containsAll, .containsAny: return strict([.set], [.set], .bool)
        case .hasTag: return strict([.entity], [.string], .bool)
        case .getTag: return strict([.entity], [.string], nil)
        }
    }

    /// The outcome of an operator that evaluates all its operands.
    private func strict(
        _ operands: [(Expression, [Outcome.Kind])], _ result: Outcome.Kind?, _ node: ([Expression]) -> Node
    ) -> Outcome {
        strict(operands.map { Operand($0, $0.outcome, $1) }, result, node)
    }

    private func strict(
        _ operands: [Operand], _ result: Outcome.Kind?, _ node: ([Expression]) -> Node
    ) -> Outcome {
        var values: [Expression] = []
        for operand in operands {
            let span = operand.expression.span
            if case .fails = operand.outcome { return operand.outcome }
            if let kind = operand.outcome.kind, !operand.kinds.isEmpty, !operand.kinds.contains(kind) {
                let expected = operand.kinds.map(\.rawValue)
                return .fails(EvaluationError(.type(expected: expected, actual: kind.rawValue), at: span))
            }
            if case .value(let value) = operand.outcome { values.append(Expression(.literal(value), span: span)) }
        }
        let unknown = result.map(Outcome.kind) ?? .unknown
        guard values.count == operands.count else { return unknown }
        return evaluated(Expression(node(values), span: span)) ?? unknown
    }

    /// What an expression of literals evaluates to; nil where that depends on entities.
    private func evaluated(_ expression: Expression) -> Outcome? {
        let nobody = EntityUID(type: Name(unchecked: "None"), id: "")
        let request = Request(principal: nobody, action: nobody, resource: nobody)
        let result: Outcome
        do throws(EvaluationError) {
            result = .value(try Evaluator(request: request, entities: Entities()).evaluate(expression))
        } catch {
            result = .fails(error)
        }
        switch (expression.node, result) {
        // Membership that needs no hierarchy stays, and so does a container that is none.
        case (.binary(.in, _, _), .value(.bool(true))), (.binary(.in, _, _), .fails): return result
        case (.binary(.in, _, _), _), (.binary(.hasTag, _, _), _), (.binary(.getTag, _, _), _): return nil
        case (.attribute(let operand, _), _), (.has(let operand, _), _):
            // What an entity has is for the entities to say, also further down a path.
            if case .literal(let value) = operand.node { return value.mentionsEntity ? nil : result }
            return nil
        default: return result
        }
    }

    private func chain(_ operands: [Expression], stop: Bool) -> Outcome {
        var isReached = true
        var isConstant = true
        for operand in operands {
            let outcome = operand.outcome
            if case .value(.bool(let value)) = outcome {
                if value == stop { return .value(.bool(stop)) }
                continue
            }
            isConstant = false
            switch outcome {
            case .fails where isReached: return outcome
            case .fails: return .kind(.bool)
            default:
                if let kind = outcome.kind, kind != .bool {
                    if !isReached { return .kind(.bool) }
                    return .fails(
                        EvaluationError(.type(expected: ["bool"], actual: kind.rawValue), at: operand.span))
                }
                isReached = false
            }
        }
        return isConstant ? .value(.bool(!stop)) : .kind(.bool)
    }

    private func conditional(_ test: Expression, _ then: Expression, _ otherwise: Expression) -> Outcome {
        let outcome = test.outcome
        switch outcome {
        case .fails: return outcome
        case .value(.bool(let value)): return value ? then.outcome : otherwise.outcome
        default: break
        }
        if let kind = outcome.kind, kind != .bool {
            return .fails(EvaluationError(.type(expected: ["bool"], actual: kind.rawValue), at: test.span))
        }
        let branches = (then.outcome, otherwise.outcome)
        switch branches {
        case (.fails, .fails): return branches.0
        case (.value(let left), .value(let right)) where left == right: return branches.0
        default:
            guard let left = branches.0.kind, left == branches.1.kind else { return .unknown }
            return .kind(left)
        }
    }
}

extension Value {
    /// Whether an entity is in the value, or is it.
    fileprivate var mentionsEntity: Bool {
        switch self {
        case .entity: true
        case .set(let set): set.elements.contains(where: \.mentionsEntity)
        case .record(let record): record.fields.contains { $0.value.mentionsEntity }
        default: false
        }
    }
}

extension ExpressionType {
    /// The kind of values of the type.
    fileprivate var outcomeKind: Outcome.Kind? {
        switch self {
        case .boolean: .bool
        case .long: .long
        case .string: .string
        case .entity: .entity
        case .set: .set
        case .record: .record
        case .extension(let type): Outcome.Kind(rawValue: type.rawValue)
        }
    }
}
