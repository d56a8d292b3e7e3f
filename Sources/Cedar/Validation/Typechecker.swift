// SPDX-License-Identifier: Apache-2.0

/// Checks the types of one policy's expressions for one kind of request, as strictly as the reference engine does.
struct Typechecker {
    /// What is found out about an expression: its type, nil where it has none, and what holds wherever it is `true`.
    struct Answer {
        var type: ExpressionType?
        var capabilities: Set<Capability> = []
    }

    /// What is wrong with an expression.
    struct Issue: Hashable {
        let rule: Finding.Rule
        let message: String
        let span: SourceSpan
    }

    let schema: ValidationSchema
    let policy: LoweredPolicy
    let environment: RequestEnvironment
    /// The types of the expressions; nil for one that has none, and for one that is never evaluated.
    private(set) var types: [ExpressionType?]
    /// Whether each of the expressions may be evaluated.
    private(set) var isReached: [Bool]
    /// What is wrong.
    private(set) var issues: [Issue] = []
    /// What the conditions around the expression that is being checked have made sure of.
    private(set) var known = KnownCapabilities()
    /// How many expressions were checked.
    private(set) var steps = 0

    init(_ policy: LoweredPolicy, _ environment: RequestEnvironment, _ schema: ValidationSchema) {
        self.schema = schema
        self.policy = policy
        self.environment = environment
        types = Array(repeating: nil, count: policy.nodes.count)
        isReached = Array(repeating: false, count: policy.nodes.count)
    }

    /// Checks the whole condition.
    /// - Returns: What is known of its truth.
    mutating func check() -> ExpressionType.Truth {
        guard case .boolean(let truth) = check(policy.root, .bool).type else { return .unknown }
        return truth
    }

    // MARK: Expressions

    /// The type of an expression, where what is known holds.
    mutating func check(_ index: Int) -> Answer {
        steps += 1
        isReached[index] = true
        let answer = answer(index)
        types[index] = answer.type
        return answer
    }

    private mutating func answer(_ index: Int) -> Answer {
        let node = policy.nodes[index]
        switch node.form {
        case .literal(let value): return Answer(type: type(of: value))
        case .variable(let variable): return Answer(type: type(of: variable))
        case .slot(let slot): return Answer(type: environment.slots[slot].map(ExpressionType.entity))
        case .not(let operand): return not(check(operand, .bool))
        case .negate(let operand):
            _ = check(operand, .long)
            return Answer(type: .long)
        case .and(let operands): return and(operands)
        case .or(let operands): return or(operands)
        case .conditional(let test, let then, let otherwise):
            return conditional(test, then, otherwise, at: node.span)
        case .equal(let left, let right): return equal(left, right, at: node.span)
        case .less(let left, let right, _): return less(left, right)
        case .arithmetic(_, let left, let right):
            _ = check(left, .long)
            _ = check(right, .long)
            return Answer(type: .long)
        case .in(let left, let right): return `in`(left, check(left, .entity).type, right)
        case .contains(let left, let right): return contains(left, right, at: node.span)
        case .containsMany(_, let left, let right):
            let left = check(left, .set).type
            compare(left, check(right, .set).type, at: node.span)
            return Answer(type: .bool)
        case .hasTag(let entity, let tag): return hasTag(entity, tag)
        case .getTag(let entity, let tag): return getTag(entity, tag, at: node.span)
        case .isEmpty(let operand):
            _ = check(operand, .set)
            return Answer(type: .bool)
        case .attribute(let operand, let name): return attribute(operand, name, at: node.span)
        case .has(let operand, let names): return has(operand, names, node.path)
        case .like(let operand, _):
            _ = check(operand, .string)
            return Answer(type: .bool)
        case .is(let operand, let type, let container): return `is`(operand, type, container)
        case .set(let elements): return set(elements, at: node.span)
        case .record(let names, let values): return record(names, values)
        case .call(let function, let arguments): return call(function, arguments, at: node.span)
        }
    }

    private func type(of value: Value) -> ExpressionType? {
        switch value {
        case .bool(let value): return .constant(value)
        case .long: return .long
        case .string: return .string
        case .entity(let uid):
            // That there is no such type or action is found by the check of names.
            let isKnown = uid.type.isAction ? schema.schema.actions[uid] != nil : schema.isKnown(uid.type)
            return isKnown ? .entity(uid.type) : nil
        case .set, .record, .decimal, .ip, .datetime, .duration: return nil
        }
    }

    private func type(of variable: Variable) -> ExpressionType {
        switch variable {
        case .principal: .entity(environment.principal)
        case .action: .entity(environment.action.type)
        case .resource: .entity(environment.resource)
        case .context: .record(schema.context(of: environment.action))
        }
    }

    /// The attribute `name` of a type, or nil where it has none.
    func attribute(_ name: CedarString, of type: ExpressionType) -> ExpressionType.Attribute? {
        switch type {
        case .entity(let type): schema.attributes(of: type)[name]
        case .record(let attributes): attributes[name]
        default: nil
        }
    }

    // MARK: Booleans

    private func not(_ operand: Answer) -> Answer {
        switch operand.type {
        case .boolean(.always): Answer(type: .constant(false))
        case .boolean(.never): Answer(type: .constant(true))
        default: Answer(type: .bool)
        }
    }

    private mutating func and(_ operands: [Int]) -> Answer {
        var result = Answer(type: .constant(true))
        for operand in operands {
            let answer = check(operand, .bool)
            if case .boolean(.never) = answer.type {
                known.remove(result.capabilities)
                return Answer(type: .constant(false))
            }
            if case .boolean(.always) = answer.type {} else { result.type = .bool }
            known.insert(answer.capabilities.subtracting(result.capabilities))
            result.capabilities.formUnion(answer.capabilities)
        }
        known.remove(result.capabilities)
        return result
    }

    private mutating func or(_ operands: [Int]) -> Answer {
        var result = Answer(type: .constant(false))
        for operand in operands {
            let answer = check(operand, .bool)
            switch (result.type, answer.type) {
            case (_, .boolean(.always)): return answer
            case (.boolean(.never), _): result = Answer(type: answer.type ?? .bool, capabilities: answer.capabilities)
            case (_, .boolean(.never)): break
            default:
                result.type = .bool
                result.capabilities = result.capabilities.intersection(answer.capabilities)
            }
        }
        return result
    }

    private mutating func conditional(
        _ test: Int, _ then: Int, _ otherwise: Int, at span: SourceSpan
    ) -> Answer {
        let test = check(test, .bool)
        if case .boolean(.never) = test.type { return check(otherwise) }
        known.insert(test.capabilities)
        var taken = check(then)
        known.remove(test.capabilities)
        taken.capabilities.formUnion(test.capabilities)
        if case .boolean(.always) = test.type { return taken }
        let other = check(otherwise)
        return Answer(
            type: join(taken.type, other.type, at: span),
            capabilities: taken.capabilities.intersection(other.capabilities))
    }

    // MARK: Sets and records

    private mutating func set(_ elements: [Int], at span: SourceSpan) -> Answer {
        let types = elements.map { check($0).type }
        guard let first = types.first else {
            report(.emptySet, "empty set literals are forbidden in policies", at: span)
            return Answer()
        }
        var joined = first
        for type in types.dropFirst() {
            joined = join(joined, type, at: span)
            if joined == nil { break }
        }
        return Answer(type: joined.map(ExpressionType.set))
    }

    private mutating func record(_ names: [CedarString], _ values: [Int]) -> Answer {
        var attributes: [CedarString: ExpressionType.Attribute] = [:]
        var isComplete = true
        for (name, value) in zip(names, values) {
            if let type = check(value).type {
                attributes[name] = ExpressionType.Attribute(type: type)
            } else {
                isComplete = false
            }
        }
        return Answer(type: isComplete ? .record(attributes) : nil)
    }

    // MARK: Issues

    mutating func report(_ rule: Finding.Rule, _ message: String, at span: SourceSpan) {
        issues.append(Issue(rule: rule, message: message, span: span))
    }

    /// The type that has the values of both, where there are both.
    mutating func join(
        _ left: ExpressionType?, _ right: ExpressionType?, at span: SourceSpan
    ) -> ExpressionType? {
        guard let left, let right else { return nil }
        if let joined = left.joined(with: right) { return joined }
        report(.incompatibleTypes, "the types \(left) and \(right) are not compatible", at: span)
        return nil
    }

    /// Checks that values of both types may be compared.
    mutating func compare(_ left: ExpressionType?, _ right: ExpressionType?, at span: SourceSpan) {
        _ = join(left, right, at: span)
    }
}
