// SPDX-License-Identifier: Apache-2.0

extension Typechecker {
    /// What an operator takes.
    enum Expectation {
        case bool, long, string, entity, set, entityOrRecord, entityOrEntities
        case exactly(ExpressionType)

        fileprivate func accepts(_ type: ExpressionType) -> Bool {
            switch (self, type) {
            case (.bool, .boolean), (.long, .long), (.string, .string), (.entity, .entity), (.set, .set),
                (.entityOrRecord, .entity), (.entityOrRecord, .record), (.entityOrEntities, .entity),
                (.entityOrEntities, .set(.entity)):
                true
            case (.exactly(let expected), _): type == expected
            default: false
            }
        }
    }

    /// The type of an expression that is to be of a certain one; nil, and an issue, where it isn't.
    mutating func check(_ index: Int, _ expectation: Expectation) -> Answer {
        var answer = check(index)
        if let type = answer.type, !expectation.accepts(type) {
            let message = "unexpected type: expected \(expectation) but saw \(type)"
            report(.unexpectedType, message, at: policy.nodes[index].span)
            answer.type = nil
        }
        return answer
    }

    // MARK: Comparisons

    mutating func equal(_ left: Int, _ right: Int, at span: SourceSpan) -> Answer {
        let leftType = check(left).type
        let rightType = check(right).type
        if case .entity(let left) = leftType, case .entity(let right) = rightType, left != right {
            return Answer(type: .constant(false))
        }
        if let left = literal(left), let right = literal(right) { return Answer(type: .constant(left == right)) }
        compare(leftType, rightType, at: span)
        return Answer(type: .bool)
    }

    mutating func less(_ left: Int, _ right: Int) -> Answer {
        let leftType = check(left).type
        let rightType = check(right).type
        let result = Answer(type: .bool)
        guard let leftType, let rightType, leftType != rightType || !leftType.isOrdered else { return result }
        func unexpected(_ index: Int, _ type: ExpressionType, _ expected: String) {
            let message = "unexpected type: expected \(expected) but saw \(type)"
            report(.unexpectedType, message, at: policy.nodes[index].span)
        }
        if leftType.isOrdered, leftType == .long || rightType != .long {
            unexpected(right, rightType, "\(leftType)")
        } else if rightType.isOrdered {
            unexpected(left, leftType, "\(rightType)")
        } else {
            unexpected(left, leftType, "datetime, or duration, or Long")
            unexpected(right, rightType, "datetime, or duration, or Long")
        }
        return result
    }

    mutating func contains(_ set: Int, _ element: Int, at span: SourceSpan) -> Answer {
        let setType = check(set, .set).type
        let elementType = check(element).type
        if case .set(let type) = setType { compare(type, elementType, at: span) }
        return Answer(type: .bool)
    }

    /// The literal that an expression is, the action of the request counting as one.
    private func literal(_ index: Int) -> Value? {
        switch policy.nodes[index].form {
        case .literal(let value): value
        case .variable(.action): .entity(environment.action)
        default: nil
        }
    }

    private func literalEntity(_ index: Int) -> EntityUID? {
        if case .entity(let uid) = literal(index) { uid } else { nil }
    }

    private func literalEntities(_ index: Int) -> [EntityUID]? {
        if let uid = literalEntity(index) { return [uid] }
        guard case .set(let elements) = policy.nodes[index].form else { return nil }
        let uids = elements.compactMap(literalEntity)
        return uids.count == elements.count ? uids : nil
    }

    // MARK: The hierarchy

    /// `subject in container`, where `subjectType` is the subject's type.
    mutating func `in`(
        _ subject: Int, _ subjectType: ExpressionType?, _ container: Int
    ) -> Answer {
        let containerType = check(container, .entityOrEntities).type
        guard case .entity(let type) = subjectType, let containerType else { return Answer(type: .bool) }
        if let action = literalEntity(subject), action.type.isAction, let groups = literalEntities(container) {
            // The schema knows the whole hierarchy of actions, so that what is in what is known, too. That there is no
            // such group is found by the check of names.
            let isIn = groups.filter(\.type.isAction).map { schema.isAction(action, in: $0) }
            return isIn.contains(nil) ? Answer(type: .bool) : Answer(type: .constant(isIn.contains(true)))
        }
        switch containerType {
        case .entity(let ancestor), .set(.entity(let ancestor)):
            return Answer(type: schema.may(type, beIn: ancestor) ? .bool : .constant(false))
        default: return Answer(type: .bool)
        }
    }

    mutating func `is`(_ operand: Int, _ type: Name, _ container: Int?) -> Answer {
        let operandType = check(operand, .entity).type
        var result = Answer(type: .bool)
        if case .entity(let actual) = operandType { result.type = .constant(actual == type) }
        guard let container, result.type != .constant(false) else { return result }
        let isIn = self.in(operand, operandType, container)
        if isIn.type == .constant(false) || result.type == .constant(true) { return isIn }
        return Answer(type: .bool)
    }

    // MARK: Attributes

    mutating func attribute(
        _ operand: Int, _ name: CedarString, at span: SourceSpan
    ) -> Answer {
        guard let type = check(operand, .entityOrRecord).type else { return Answer() }
        guard let attribute = self.attribute(name, of: type) else {
            report(.attributeNotFound, "\(access(operand, type, name)) not found", at: span)
            return Answer()
        }
        let capability = Capability.attribute(of: policy.nodes[operand].shape, name)
        if !attribute.isRequired, !known.contains(capability) {
            let access = access(operand, type, name)
            report(
                .unsafeOptionalAttribute, "unable to guarantee safety of access to optional \(access)", at: span)
        }
        return Answer(type: attribute.type)
    }

    /// `operand has a.b.c`: each name but the last is also looked up, once it is known to be there.
    mutating func has(_ operand: Int, _ names: [CedarString], _ path: [Int]) -> Answer {
        guard var type = check(operand, .entityOrRecord).type else { return Answer(type: .bool) }
        var result = Answer(type: .constant(true))
        for (index, (name, shape)) in zip(names, path).enumerated() {
            let isRecord: Bool
            switch type {
            case .record: isRecord = true
            case .entity: isRecord = false
            default:
                let expected = "\(Expectation.entityOrRecord)"
                let message = "unexpected type: expected \(expected) but saw \(type)"
                report(.unexpectedType, message, at: policy.nodes[operand].span)
                return Answer(type: .bool)
            }
            guard let attribute = self.attribute(name, of: type) else { return Answer(type: .constant(false)) }
            let capability = Capability.attribute(of: shape, name)
            // An entity may be missing altogether, so that it need not even have what it is required to have.
            let isCertain = isRecord && attribute.isRequired || known.contains(capability)
            if !isCertain { result.type = .bool }
            result.capabilities.insert(capability)
            if index < names.count - 1 { type = attribute.type }
        }
        return result
    }

    mutating func hasTag(_ entity: Int, _ tag: Int) -> Answer {
        let entityType = check(entity, .entity).type
        _ = check(tag, .string)
        let capability = Capability.tag(of: policy.nodes[entity].shape, policy.nodes[tag].shape)
        var result = Answer(type: .bool, capabilities: [capability])
        if case .entity(let type) = entityType {
            if schema.tags(of: type) == nil {
                result.type = .constant(false)
            } else if known.contains(capability) {
                result.type = .constant(true)
            }
        }
        return result
    }

    mutating func getTag(_ entity: Int, _ tag: Int, at span: SourceSpan) -> Answer {
        let entityType = check(entity, .entity).type
        let tagType = check(tag, .string).type
        guard case .entity(let type) = entityType, tagType != nil else { return Answer() }
        let shown = tagText(tag)
        guard known.contains(.tag(of: policy.nodes[entity].shape, policy.nodes[tag].shape)) else {
            let message = "unable to guarantee safety of access to tag `\(shown)` on entity type `\(type)`"
            report(.unsafeTag, message, at: span)
            return Answer()
        }
        guard let tags = schema.tags(of: type) else {
            report(.noTags, "`\(type)` is not allowed to have tags", at: span)
            return Answer()
        }
        return Answer(type: tags)
    }

    private func access(_ operand: Int, _ type: ExpressionType, _ name: CedarString) -> String {
        if case .entity(let type) = type { return "attribute `\(name)` on entity type `\(type)`" }
        if case .variable(.context) = policy.nodes[operand].form {
            return "attribute `\(name)` in context for \(environment.action)"
        }
        return "attribute `\(name)` of a record"
    }

    private func tagText(_ tag: Int) -> String {
        if case .literal(let value) = policy.nodes[tag].form { return value.description }
        return policy.template.source?.text(of: policy.nodes[tag].span) ?? "…"
    }
}

extension Typechecker.Expectation: CustomStringConvertible {
    /// What is expected, as errors say it.
    var description: String {
        switch self {
        case .bool: "Bool"
        case .long: "Long"
        case .string: "String"
        case .entity: "an entity"
        case .set: "a set"
        case .entityOrRecord: "an entity or a record"
        case .entityOrEntities: "an entity or a set of entities"
        case .exactly(let type): type.description
        }
    }
}
