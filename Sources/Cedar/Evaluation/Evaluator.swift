// SPDX-License-Identifier: Apache-2.0

/// Computes the values of expressions for one request.
///
/// Recursion is bounded by the height of expressions, which a ``PolicySet`` bounds.
struct Evaluator {
    let request: Request
    private let entities: Entities
    /// The entities most is asked about, looked up once.
    let principal: Entities.Record?
    let action: Entities.Record?
    let resource: Entities.Record?

    init(request: Request, entities: Entities) {
        self.request = request
        self.entities = entities
        principal = entities.record(of: request.principal)
        action = entities.record(of: request.action)
        resource = entities.record(of: request.resource)
    }

    /// The entity `uid` with its ancestors, or nil where there is none.
    private func record(of uid: EntityUID) -> Entities.Record? {
        if uid.isIdentical(to: request.resource) { return resource }
        if uid.isIdentical(to: request.principal) { return principal }
        if uid.isIdentical(to: request.action) { return action }
        return entities.record(of: uid)
    }

    /// Whether `entity` is `ancestor` or a member of it, directly or indirectly.
    func isMember(_ entity: EntityUID, of ancestor: EntityUID) -> Bool {
        if entity == ancestor { return true }
        return record(of: entity)?.ancestors.contains(ancestor) ?? false
    }

    /// The value of `expression`.
    ///
    /// - Throws: where it has none, with the innermost expression at fault.
    func evaluate(_ expression: Expression) throws(EvaluationError) -> Value {
        switch expression.node {
        case .literal(let value):
            return value
        case .variable(let variable):
            return switch variable {
            case .principal: .entity(request.principal)
            case .action: .entity(request.action)
            case .resource: .entity(request.resource)
            case .context: .record(request.context)
            }
        case .not(let operand):
            return .bool(!(try bool(operand)))
        case .negate(let operand):
            let value = try long(operand)
            let (negated, overflow) = (0 as Int64).subtractingReportingOverflow(value)
            guard !overflow else { throw EvaluationError(.overflow("negate", [value]), at: expression.span) }
            return .long(negated)
        case .and(let operands):
            for operand in operands where !(try bool(operand)) { return .bool(false) }
            return .bool(true)
        case .or(let operands):
            for operand in operands where try bool(operand) { return .bool(true) }
            return .bool(false)
        case .conditional(let condition, let then, let otherwise):
            return try evaluate(try bool(condition) ? then : otherwise)
        case .binary(let binary, let left, let right):
            return try evaluate(binary, left, right, at: expression.span)
        case .isEmpty(let operand):
            return .bool(try set(operand).isEmpty)
        case .attribute(let operand, let name):
            return try attribute(name, of: operand, at: expression.span)
        case .has(let operand, let path):
            return .bool(try has(path, in: operand))
        case .like(let operand, let pattern):
            return .bool(pattern.matches(try string(operand)))
        case .is(let operand, let type, let ancestor):
            let entity = try entity(operand)
            guard entity.type == type else { return .bool(false) }
            guard let ancestor else { return .bool(true) }
            return .bool(try isMember(entity, of: try evaluate(ancestor), at: ancestor.span))
        case .set(let elements):
            var values: [Value] = []
            values.reserveCapacity(elements.count)
            for element in elements { values.append(try evaluate(element)) }
            return .set(CedarSet(values))
        case .record(let fields):
            var values: [CedarString: Value] = [:]
            for field in fields { values[field.name] = try evaluate(field.value) }
            return .record(CedarRecord(values))
        case .call(let function, let arguments):
            return try call(function, arguments, at: expression.span)
        }
    }

    // MARK: Operators

    private func call(
        _ function: ExtensionFunction, _ arguments: [Expression], at span: SourceSpan
    ) throws(EvaluationError) -> Value {
        guard arguments.count == function.argumentCount else {
            throw EvaluationError(.argumentCount(function, arguments.count), at: span)
        }
        let first = try evaluate(arguments[0])
        return try function.apply(first, arguments.count > 1 ? try evaluate(arguments[1]) : nil, at: span)
    }

    private func evaluate(
        _ binary: BinaryOperator, _ left: Expression, _ right: Expression, at span: SourceSpan
    ) throws(EvaluationError) -> Value {
        switch binary {
        case .equal:
            return .bool(try evaluate(left) == (try evaluate(right)))
        case .notEqual:
            return .bool(try evaluate(left) != (try evaluate(right)))
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            return .bool(try compare(binary, left, right))
        case .add:
            return try arithmetic("add", left, right, at: span) { $0.addingReportingOverflow($1) }
        case .subtract:
            return try arithmetic("subtract", left, right, at: span) { $0.subtractingReportingOverflow($1) }
        case .multiply:
            return try arithmetic("multiply", left, right, at: span) { $0.multipliedReportingOverflow(by: $1) }
        case .in:
            let entity = try entity(left)
            return .bool(try isMember(entity, of: try evaluate(right), at: right.span))
        case .contains:
            let set = try set(left)
            return .bool(set.contains(try evaluate(right)))
        case .containsAll:
            let set = try set(left)
            return .bool(try self.set(right).isSubset(of: set))
        case .containsAny:
            let set = try set(left)
            return .bool(try self.set(right).intersects(set))
        case .getTag:
            let uid = try entity(left)
            let tag = try string(right)
            guard let record = record(of: uid) else { throw EvaluationError(.missingEntity(uid), at: span) }
            guard let value = record.entity.tags[tag] else {
                throw EvaluationError(.missingTag(tag, of: uid), at: span)
            }
            return value
        case .hasTag:
            let uid = try entity(left)
            let tag = try string(right)
            return .bool(record(of: uid)?.entity.tags[tag] != nil)
        }
    }

    private func compare(
        _ binary: BinaryOperator, _ left: Expression, _ right: Expression
    ) throws(EvaluationError) -> Bool {
        let (first, second) = (try evaluate(left), try evaluate(right))
        let isLess: Bool
        let isEqual: Bool
        switch (first, second) {
        case (.long(let first), .long(let second)):
            (isLess, isEqual) = (first < second, first == second)
        case (.datetime(let first), .datetime(let second)):
            (isLess, isEqual) = (first < second, first == second)
        case (.duration(let first), .duration(let second)):
            (isLess, isEqual) = (first < second, first == second)
        case (.long, _), (.datetime, _), (.duration, _):
            throw EvaluationError(.type(expected: [first.kind], actual: second.kind), at: right.span)
        default:
            throw EvaluationError(.type(expected: ["long", "datetime", "duration"], actual: first.kind), at: left.span)
        }
        return switch binary {
        case .less: isLess
        case .lessOrEqual: isLess || isEqual
        case .greater: !isLess && !isEqual
        default: !isLess
        }
    }

    private func arithmetic(
        _ name: String, _ left: Expression, _ right: Expression, at span: SourceSpan,
        _ operation: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
    ) throws(EvaluationError) -> Value {
        let (first, second) = (try long(left), try long(right))
        let (result, overflow) = operation(first, second)
        guard !overflow else { throw EvaluationError(.overflow(name, [first, second]), at: span) }
        return .long(result)
    }

    /// Whether `entity` is in `container`: an entity, or a set of entities and nothing else.
    private func isMember(
        _ entity: EntityUID, of container: Value, at span: SourceSpan
    ) throws(EvaluationError) -> Bool {
        switch container {
        case .entity(let ancestor):
            return isMember(entity, of: ancestor)
        case .set(let set):
            var isFound = false
            for element in set.elements {
                guard case .entity(let ancestor) = element else { throw entityExpected(element, at: span) }
                isFound = isFound || isMember(entity, of: ancestor)
            }
            return isFound
        default:
            throw EvaluationError(
                .type(expected: ["set", "(entity of type `any_entity_type`)"], actual: container.kind), at: span)
        }
    }

    private func attribute(
        _ name: CedarString, of operand: Expression, at span: SourceSpan
    ) throws(EvaluationError) -> Value {
        let value = try evaluate(operand)
        switch value {
        case .record(let record):
            guard let value = record[name] else { throw EvaluationError(.missingAttribute(name), at: span) }
            return value
        case .entity(let uid):
            guard let record = record(of: uid) else { throw EvaluationError(.missingEntity(uid), at: span) }
            guard let value = record.entity.attributes[name] else {
                throw EvaluationError(.missingEntityAttribute(name, of: uid), at: span)
            }
            return value
        default:
            throw containerExpected(value, at: operand.span)
        }
    }

    private func has(_ path: [CedarString], in operand: Expression) throws(EvaluationError) -> Bool {
        var value = try evaluate(operand)
        for name in path {
            let next: Value?
            switch value {
            case .record(let record): next = record[name]
            case .entity(let uid): next = record(of: uid)?.entity.attributes[name]
            default: throw containerExpected(value, at: operand.span)
            }
            guard let next else { return false }
            value = next
        }
        return true
    }

    // MARK: Kinds

    /// The truth value of `expression`.
    func bool(_ expression: Expression) throws(EvaluationError) -> Bool {
        let value = try evaluate(expression)
        guard case .bool(let bool) = value else { throw expected("bool", value, at: expression.span) }
        return bool
    }

    private func long(_ expression: Expression) throws(EvaluationError) -> Int64 {
        let value = try evaluate(expression)
        guard case .long(let long) = value else { throw expected("long", value, at: expression.span) }
        return long
    }

    private func string(_ expression: Expression) throws(EvaluationError) -> CedarString {
        let value = try evaluate(expression)
        guard case .string(let string) = value else { throw expected("string", value, at: expression.span) }
        return string
    }

    private func set(_ expression: Expression) throws(EvaluationError) -> CedarSet {
        let value = try evaluate(expression)
        guard case .set(let set) = value else { throw expected("set", value, at: expression.span) }
        return set
    }

    private func entity(_ expression: Expression) throws(EvaluationError) -> EntityUID {
        let value = try evaluate(expression)
        guard case .entity(let uid) = value else { throw entityExpected(value, at: expression.span) }
        return uid
    }

    private func expected(_ kind: String, _ value: Value, at span: SourceSpan) -> EvaluationError {
        EvaluationError(.type(expected: [kind], actual: value.kind), at: span)
    }

    private func entityExpected(_ value: Value, at span: SourceSpan) -> EvaluationError {
        expected("(entity of type `any_entity_type`)", value, at: span)
    }

    private func containerExpected(_ value: Value, at span: SourceSpan) -> EvaluationError {
        EvaluationError(
            .type(expected: ["record", "(entity of type `any_entity_type`)"], actual: value.kind), at: span)
    }
}
