// SPDX-License-Identifier: Apache-2.0

/// Encodes the expressions of one policy, whose types were checked for the kind of request that is encoded.
struct ExpressionEncoder {
    typealias Encoded = Encoder.Encoded

    let policy: LoweredPolicy
    let checked: Typechecker
    let values: [Slot: EntityUID]
    /// The encodings of the expressions so far.
    private(set) var encoded: [Encoded]

    private static let undefined = Encoded(isDefined: "false", value: .bool("false"))

    init(_ policy: LoweredPolicy, _ checked: Typechecker, values: [Slot: EntityUID]) {
        self.policy = policy
        self.checked = checked
        self.values = values
        encoded = Array(repeating: Self.undefined, count: policy.nodes.count)
    }

    /// The encoding of the whole policy.
    mutating func encode(_ encoder: inout Encoder) -> Encoded {
        // Operands come before what they are operands of, so that no recursion is needed.
        for index in policy.nodes.indices where checked.isReached[index] { encoded[index] = encode(index, &encoder) }
        return encoded[policy.root]
    }

    /// The encoding of an expression, or a value of which nothing is known where it can't be said.
    private mutating func encode(_ index: Int, _ encoder: inout Encoder) -> Encoded {
        do throws(Unencodable) {
            var encoded = try encoding(index, &encoder)
            encoded.isDefined = encoder.script.define(encoded.isDefined)
            if case .bool(let term) = encoded.value { encoded.value = .bool(encoder.script.define(term)) }
            return encoded
        } catch {
            let node = policy.nodes[index]
            let shown = policy.template.source?.text(of: node.span) ?? ""
            guard let type = checked.types[index] else { return Self.undefined }
            return encoder.unknown(node.shape, CedarType(type), error, shown: shown)
        }
    }

    private func encoding(_ index: Int, _ encoder: inout Encoder) throws(Unencodable) -> Encoded {
        switch policy.nodes[index].form {
        case .literal(let value): return Encoded(isDefined: "true", value: try literal(value, &encoder))
        case .variable(let variable): return Encoded(isDefined: "true", value: self.variable(variable, &encoder))
        case .slot(let slot):
            guard let uid = values[slot] else { throw Unencodable("a slot that nothing fills") }
            return Encoded(isDefined: "true", value: .entity(uid.type, encoder.literal(uid)))
        case .not(let operand):
            let (operand, term) = try bool(operand)
            return Encoded(isDefined: operand.isDefined, value: .bool(SMT.not(term)))
        case .negate(let operand):
            let (operand, term) = try int(operand)
            return counted("(- \(term))", [operand], &encoder)
        case .and(let operands): return try chain(operands, stop: false, &encoder)
        case .or(let operands): return try chain(operands, stop: true, &encoder)
        case .conditional(let test, let then, let otherwise):
            return try conditional(test, then, otherwise, &encoder)
        case .equal(let left, let right):
            let (left, right) = (encoded[left], encoded[right])
            return defined([left, right], .bool(try encoder.equal(left.value, right.value)))
        case .less(let left, let right, let orEqual):
            let (left, first) = try int(left)
            let (right, second) = try int(right)
            return defined([left, right], .bool("(\(orEqual ? "<=" : "<") \(first) \(second))"))
        case .arithmetic(let op, let left, let right):
            let (left, first) = try int(left)
            let (right, second) = try int(right)
            return counted("(\(op.rawValue) \(first) \(second))", [left, right], &encoder)
        case .in(let entity, let container):
            return try membership(encoded[entity], encoded[container], &encoder)
        case .contains(let set, let element):
            let (set, symbolic) = try self.set(set)
            let element = encoded[element]
            return defined([set, element], .bool(try encoder.contains(symbolic, element.value)))
        case .containsMany(let op, let left, let right):
            let (left, first) = try set(left)
            let (right, second) = try set(right)
            let term =
                try op == .containsAll ? encoder.isSubset(second, of: first) : encoder.overlap(first, second)
            return defined([left, right], .bool(term))
        case .isEmpty(let operand):
            let (operand, set) = try set(operand)
            return defined([operand], .bool(try encoder.isEmpty(set)))
        case .hasTag(let entity, let tag): return try self.tag(entity, tag, isQuestion: true, &encoder)
        case .getTag(let entity, let tag): return try self.tag(entity, tag, isQuestion: false, &encoder)
        case .attribute(let operand, let name): return try attribute(operand, name, &encoder)
        case .has(let operand, let names): return try has(operand, names, &encoder)
        case .like(let operand, let pattern):
            let operand = encoded[operand]
            guard case .string(let term) = operand.value else { throw Unencodable("`like` on what is no string") }
            return defined([operand], .bool(try matches(term, pattern)))
        case .is(let operand, let type, let container):
            let operand = encoded[operand]
            guard case .entity(let actual, _) = operand.value else { throw Unencodable("`is` on what is no entity") }
            guard actual == type else { return defined([operand], .bool("false")) }
            guard let container else { return defined([operand], .bool("true")) }
            return try membership(operand, encoded[container], &encoder)
        case .set(let elements):
            let elements = elements.map { encoded[$0] }
            return defined(elements, .set(.literal(elements.map(\.value))))
        case .record(let names, let values):
            let values = values.map { encoded[$0] }
            var fields: [CedarString: Symbolic.Field] = [:]
            for (name, value) in zip(names, values) {
                fields[name] = Symbolic.Field(isPresent: "true", value: value.value)
            }
            return defined(values, .record(fields))
        case .call(let function, let arguments): return try call(function, arguments, &encoder)
        }
    }

    // MARK: Operands

    private func defined(_ operands: [Encoded], _ value: Symbolic) -> Encoded {
        Encoded(isDefined: SMT.and(operands.map(\.isDefined)), value: value)
    }

    /// A number that there is only within the bounds of 64 bits.
    private func counted(_ term: String, _ operands: [Encoded], _ encoder: inout Encoder) -> Encoded {
        let term = encoder.script.define(term, .int)
        return Encoded(isDefined: SMT.and(operands.map(\.isDefined) + [encoder.inRange(term)]), value: .int(term))
    }

    private func bool(_ index: Int) throws(Unencodable) -> (Encoded, String) {
        let encoded = self.encoded[index]
        guard case .bool(let term) = encoded.value else { throw Unencodable("a condition that is no boolean") }
        return (encoded, term)
    }

    private func int(_ index: Int) throws(Unencodable) -> (Encoded, String) {
        let encoded = self.encoded[index]
        guard case .int(let term) = encoded.value else { throw Unencodable("arithmetic on what is no number") }
        return (encoded, term)
    }

    private func set(_ index: Int) throws(Unencodable) -> (Encoded, SymbolicSet) {
        let encoded = self.encoded[index]
        guard case .set(let set) = encoded.value else { throw Unencodable("a set operation on what is no set") }
        return (encoded, set)
    }

    func literal(_ value: Value, _ encoder: inout Encoder) throws(Unencodable) -> Symbolic {
        switch value {
        case .bool(let value): return .bool(value ? "true" : "false")
        case .long(let value): return .int(SMT.integer(value))
        case .entity(let uid): return .entity(uid.type, encoder.literal(uid))
        case .decimal(let value): return .int(SMT.integer(value.tenThousandths))
        case .datetime(let value): return .int(SMT.integer(value.milliseconds))
        case .duration(let value): return .int(SMT.integer(value.milliseconds))
        case .ip(let value):
            return .ip(value.isIPv6 ? "true" : "false", SMT.bits(value.address), SMT.bits(UInt128(value.prefix)))
        case .string(let value):
            guard let literal = SMT.string(value.string.unicodeScalars) else {
                throw Unencodable("strings with characters beyond U+2FFFF")
            }
            return .string(literal)
        case .set, .record: throw Unencodable("a composite literal")
        }
    }

    private func variable(_ variable: Variable, _ encoder: inout Encoder) -> Symbolic {
        let environment = encoder.environment
        switch variable {
        case .principal: return .entity(environment.principal, encoder.principal)
        case .resource: return .entity(environment.resource, encoder.resource)
        case .action: return .entity(environment.action.type, encoder.literal(environment.action))
        case .context:
            let type = encoder.schema.actions[environment.action]?.context ?? CedarRecordType()
            return .stored(StoredRecord(type: type, place: StoredValue(owner: .context), arguments: []))
        }
    }

    // MARK: Booleans

    /// `&&`, which stops at the first operand that is false, or `||`, which stops at the first that is true.
    private func chain(
        _ operands: [Int], stop: Bool, _ encoder: inout Encoder
    ) throws(Unencodable) -> Encoded {
        var parts: [(operand: Encoded, term: String)] = []
        for operand in operands where checked.isReached[operand] {
            let (encoded, term) = try bool(operand)
            parts.append((operand: encoded, term: term))
        }
        var isDefined = "true"
        for (operand, term) in parts.reversed() {
            let goesOn = stop ? SMT.not(term) : term
            isDefined = encoder.script.define(SMT.and([operand.isDefined, SMT.implies(goesOn, isDefined)]))
        }
        let terms = parts.map(\.term)
        return Encoded(isDefined: isDefined, value: .bool(stop ? SMT.or(terms) : SMT.and(terms)))
    }

    private func conditional(
        _ test: Int, _ then: Int, _ otherwise: Int, _ encoder: inout Encoder
    ) throws(Unencodable) -> Encoded {
        let (test, condition) = try bool(test)
        // The types say which branch is never taken, and it may make no sense at all.
        if !checked.isReached[otherwise] || !checked.isReached[then] {
            let taken = encoded[checked.isReached[then] ? then : otherwise]
            return defined([test, taken], taken.value)
        }
        let left = encoded[then]
        let right = encoded[otherwise]
        let isDefined = SMT.and([test.isDefined, SMT.ite(condition, left.isDefined, right.isDefined)])
        return Encoded(isDefined: isDefined, value: try encoder.either(condition, left.value, right.value))
    }

    // MARK: Entities

    private func membership(
        _ entity: Encoded, _ container: Encoded, _ encoder: inout Encoder
    ) throws(Unencodable) -> Encoded {
        let term =
            if case .set(let set) = container.value {
                try encoder.isIn(entity.value, anyOf: set)
            } else {
                try encoder.isIn(entity.value, container.value)
            }
        return defined([entity, container], .bool(term))
    }

    private func attribute(
        _ operand: Int, _ name: CedarString, _ encoder: inout Encoder
    ) throws(Unencodable) -> Encoded {
        let operand = encoded[operand]
        guard let (exists, field) = lookUp(name, operand.value, &encoder) else {
            throw Unencodable("an attribute that is not declared")
        }
        return Encoded(isDefined: SMT.and([operand.isDefined, exists, field.isPresent]), value: field.value)
    }

    private func has(
        _ operand: Int, _ names: [CedarString], _ encoder: inout Encoder
    ) throws(Unencodable) -> Encoded {
        let operand = encoded[operand]
        var value = operand.value
        var terms: [String] = []
        for name in names {
            guard let (exists, field) = lookUp(name, value, &encoder) else {
                terms.append("false")
                break
            }
            terms += [exists, field.isPresent]
            value = field.value
        }
        return defined([operand], .bool(SMT.and(terms)))
    }

    /// An attribute of an entity or a record, and whether the entity is there to have it; nil where none is declared.
    private func lookUp(
        _ name: CedarString, _ value: Symbolic, _ encoder: inout Encoder
    ) -> (exists: String, field: Symbolic.Field)? {
        guard case .entity(let type, let term) = value else {
            return encoder.field(name, of: value).map { (exists: "true", field: $0) }
        }
        guard let attributes = encoder.schema.entityTypes[type]?.attributes else { return nil }
        let place = StoredValue(owner: .entity(type))
        let stored = Symbolic.stored(StoredRecord(type: attributes, place: place, arguments: [term]))
        guard let field = encoder.field(name, of: stored) else { return nil }
        return (exists: encoder.exists(type, term), field: field)
    }

    private func tag(
        _ entity: Int, _ tag: Int, isQuestion: Bool, _ encoder: inout Encoder
    ) throws(Unencodable) -> Encoded {
        let entity = encoded[entity]
        let tag = encoded[tag]
        guard case .entity(let type, let term) = entity.value, case .string(let name) = tag.value else {
            throw Unencodable("a tag of what is no entity")
        }
        guard let tags = encoder.schema.entityTypes[type]?.tags else { return defined([entity, tag], .bool("false")) }
        let place = StoredValue(owner: .tag(type))
        let isThere = SMT.and([encoder.exists(type, term), encoder.isPresent(place, [term, name])])
        if isQuestion { return defined([entity, tag], .bool(isThere)) }
        let value = encoder.stored(tags, place, [term, name])
        return Encoded(isDefined: SMT.and([entity.isDefined, tag.isDefined, isThere]), value: value)
    }

    // MARK: Strings

    private func matches(_ term: String, _ pattern: Pattern) throws(Unencodable) -> String {
        var parts: [String] = []
        var literal: [Unicode.Scalar] = []
        func flush() throws(Unencodable) {
            guard !literal.isEmpty else { return }
            guard let text = SMT.string(literal) else {
                throw Unencodable("strings with characters beyond U+2FFFF")
            }
            parts.append("(str.to_re \(text))")
            literal = []
        }
        for element in pattern.elements {
            switch element {
            case .character(let scalar): literal.append(scalar)
            case .wildcard:
                try flush()
                parts.append("re.all")
            }
        }
        try flush()
        switch parts.count {
        case 0: return "(= \(term) \"\")"
        case 1: return "(str.in_re \(term) \(parts[0]))"
        default: return "(str.in_re \(term) (re.++ \(parts.joined(separator: " "))))"
        }
    }
}

extension CedarType {
    /// The type that a schema would declare for values of an expression.
    init(_ type: ExpressionType) {
        switch type {
        case .boolean: self = .bool
        case .long: self = .long
        case .string: self = .string
        case .entity(let name): self = .entity(name)
        case .set(let element): self = .set(CedarType(element))
        case .extension(let type): self = .extension(type)
        case .record(let attributes):
            self = .record(
                CedarRecordType(
                    attributes.mapValues { CedarRecordType.Attribute(CedarType($0.type), isRequired: $0.isRequired) }))
        }
    }
}
