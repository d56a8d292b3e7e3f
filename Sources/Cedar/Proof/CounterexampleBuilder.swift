// SPDX-License-Identifier: Apache-2.0

/// Makes a request and entities of a solver's model.
struct CounterexampleBuilder {
    typealias ModelValue = ModelReader.ModelValue

    private let encoder: Encoder
    private let values: [String: ModelValue]

    /// The terms whose values are needed.
    static func terms(of encoder: Encoder) -> [String] {
        var terms = [encoder.principal, encoder.resource]
        for (type, entities) in encoder.entityTerms {
            terms += entities
            if let exists = encoder.existence[type] { terms += entities.map { SMT.apply(exists, [$0]) } }
        }
        for applications in [encoder.applications, encoder.presenceApplications, encoder.memberships] {
            for application in applications.values.joined() { terms += application.arguments + application.terms }
        }
        for (type, ancestor, arguments) in encoder.ancestryApplications {
            terms.append(SMT.apply(encoder.ancestry[type]?[ancestor] ?? "", arguments))
        }
        return Set(terms).sorted()
    }

    init(_ encoder: Encoder, values: [String: ModelValue]) {
        self.encoder = encoder
        self.values = values
    }

    /// The request of the model.
    func request() -> Request? {
        let environment = encoder.environment
        guard let principal = uid(environment.principal, values[encoder.principal]),
            let resource = uid(environment.resource, values[encoder.resource])
        else { return nil }
        let type = encoder.schema.actions[environment.action]?.context ?? CedarRecordType()
        let context = record(type, StoredValue(owner: .context), [])
        return Request(principal: principal, action: environment.action, resource: resource, context: context)
    }

    /// The entities of the model.
    func entities() -> [Entity] {
        var entities: [EntityUID: Entity] = [:]
        for (type, terms) in encoder.entityTerms {
            guard let definition = encoder.schema.entityTypes[type] else { continue }
            for term in terms {
                guard let number = values[term], let uid = uid(type, number), entities[uid] == nil else { continue }
                if let exists = encoder.existence[type], values[SMT.apply(exists, [term])] == .bool(false) { continue }
                entities[uid] = Entity(
                    uid, parents: parents(type, number),
                    attributes: record(definition.attributes, StoredValue(owner: .entity(type)), [number]),
                    tags: tags(type, definition.tags, number))
            }
        }
        return entities.values.sorted { $0.uid < $1.uid }
    }

    // MARK: Entities

    private func uid(_ type: Name, _ value: ModelValue?) -> EntityUID? {
        guard case .int(let number)? = value, number >= 0 else { return nil }
        let known = encoder.ids[type] ?? []
        if number < known.count { return EntityUID(type: type, id: known[Int(number)]) }
        var id = CedarString("x\(number)")
        while known.contains(id) { id = CedarString("x\(id)") }
        return EntityUID(type: type, id: id)
    }

    private func parents(_ type: Name, _ number: ModelValue) -> Set<EntityUID> {
        var parents: Set<EntityUID> = []
        for (child, ancestor, arguments) in encoder.ancestryApplications where child == type {
            guard evaluated(arguments[0]) == number, let parent = uid(ancestor, evaluated(arguments[1])),
                values[SMT.apply(encoder.ancestry[type]?[ancestor] ?? "", arguments)] == .bool(true)
            else { continue }
            parents.insert(parent)
        }
        return parents
    }

    private func tags(_ type: Name, _ tagType: CedarType?, _ number: ModelValue) -> CedarRecord {
        guard let tagType else { return CedarRecord() }
        let place = StoredValue(owner: .tag(type))
        var tags: [CedarString: Value] = [:]
        for application in encoder.presenceApplications[place] ?? [] {
            let arguments = application.arguments.map(evaluated)
            guard arguments[0] == number, case .string(let name)? = arguments[1],
                values[application.terms[0]] == .bool(true)
            else { continue }
            tags[name] = value(tagType, place, arguments.compactMap { $0 })
        }
        return CedarRecord(tags)
    }

    // MARK: Values

    private func evaluated(_ term: String) -> ModelValue? { values[term] }

    private func application(
        _ applications: [Encoder.Application]?, _ arguments: [ModelValue]
    ) -> Encoder.Application? {
        applications?.first { $0.arguments.map(evaluated) == arguments }
    }

    private func record(_ type: CedarRecordType, _ place: StoredValue, _ arguments: [ModelValue]) -> CedarRecord {
        var fields: [CedarString: Value] = [:]
        for (name, attribute) in type.attributes {
            let place = place.appending(name)
            if !attribute.isRequired {
                guard let presence = application(encoder.presenceApplications[place], arguments),
                    values[presence.terms[0]] == .bool(true)
                else { continue }
            }
            fields[name] = value(attribute.type, place, arguments)
        }
        return CedarRecord(fields)
    }

    private func value(_ type: CedarType, _ place: StoredValue, _ arguments: [ModelValue]) -> Value {
        switch type {
        case .record(let type): return .record(record(type, place, arguments))
        case .set(let element):
            let members = (encoder.memberships[place] ?? []).filter { application in
                application.arguments.map(evaluated) == arguments && values[application.terms[0]] == .bool(true)
            }
            return .set(CedarSet(members.map { scalar(element, $0.terms.dropFirst().map(evaluated)) }))
        default:
            let terms = application(encoder.applications[place], arguments)?.terms ?? []
            return scalar(type, terms.map(evaluated))
        }
    }

    /// The value that components are, or some value of the type where the model doesn't care.
    private func scalar(_ type: CedarType, _ components: [ModelValue?]) -> Value {
        switch (type, components.first ?? nil) {
        case (.bool, .bool(let value)?): return .bool(value)
        case (.bool, _): return .bool(false)
        case (.string, .string(let value)?): return .string(value)
        case (.string, _): return .string("")
        case (.entity(let name), let number):
            return .entity(uid(name, number ?? .int(0)) ?? EntityUID(type: name, id: ""))
        case (.extension(.ipaddr), _): return .ip(address(components) ?? .unspecified)
        case (.extension(.decimal), let number): return .decimal(CedarDecimal(tenThousandths: integer(number)))
        case (.extension(.datetime), let number): return .datetime(CedarDatetime(milliseconds: integer(number)))
        case (.extension(.duration), let number): return .duration(CedarDuration(milliseconds: integer(number)))
        case (_, let number): return .long(integer(number))
        }
    }

    private func integer(_ value: ModelValue?) -> Int64 {
        if case .int(let value)? = value { value } else { 0 }
    }

    private func address(_ components: [ModelValue?]) -> CedarIPAddress? {
        guard components.count == 3, case .bool(let isIPv6)? = components[0], case .bits(let bits)? = components[1],
            case .bits(let prefix)? = components[2]
        else { return nil }
        let groups = (0..<(isIPv6 ? 8 : 4)).reversed().map { group in
            isIPv6
                ? String(UInt16(truncatingIfNeeded: bits >> (16 * UInt128(group))), radix: 16)
                : String(UInt8(truncatingIfNeeded: bits >> (8 * UInt128(group))))
        }
        return CedarIPAddress(CedarString("\(groups.joined(separator: isIPv6 ? ":" : "."))/\(prefix)"))
    }
}

extension CedarIPAddress {
    /// `0.0.0.0`
    fileprivate static let unspecified: CedarIPAddress = {
        guard let address = CedarIPAddress("0.0.0.0") else { preconditionFailure("`0.0.0.0` is an address") }
        return address
    }()
}
