// SPDX-License-Identifier: Apache-2.0

/// Writes what policies say about one kind of request in SMT-LIB.
///
/// Every expression becomes two terms: whether it has a value, and the value. Entities are the numbers of their ids,
/// entity stores are functions of entities: whether one is there, what its attributes are, and what it is in. Numbers are
/// integers within the bounds of 64 bits, with overflow as the lack of a value. Statements about all elements of a set,
/// and the transitivity of the hierarchy, are made for the terms that occur: whatever satisfies them for those can be cut
/// down to a finite store that satisfies them altogether, so that no quantifiers are needed.
///
/// What can't be said becomes a value of which nothing is known, the same one wherever the same is written. "No
/// counter-example" stays true with that, and a counter-example has to be evaluated anyway.
struct Encoder: Sendable {
    /// An expression: whether it has a value, and the value.
    struct Encoded: Sendable {
        var isDefined: String
        var value: Symbolic
    }

    /// An application of a function that stands for stored data, for reading a model.
    struct Application: Sendable {
        let arguments: [String]
        let terms: [String]
    }

    let schema: Schema
    let environment: RequestEnvironment
    var script = SMTScript()
    /// What couldn't be said.
    private(set) var approximations: [String] = []

    /// The ids that have a number, by type.
    var ids: [Name: [CedarString]] = [:]
    private var numbers: [EntityUID: Int] = [:]
    /// All terms for entities.
    var entityTerms: [Name: [String]] = [:]
    private var entityTermSet: Set<String> = []

    /// The functions that stand for stored data, and what they are applied to.
    var functions: [StoredValue: [String]] = [:]
    var applications: [StoredValue: [Application]] = [:]
    var presence: [StoredValue: String] = [:]
    var presenceApplications: [StoredValue: [Application]] = [:]
    var memberships: [StoredValue: [Application]] = [:]
    var existence: [Name: String] = [:]

    /// The hierarchy: a function for each pair of types, and the terms that it is applied to.
    var ancestry: [Name: [Name: String]] = [:]
    var hierarchyTerms: [Name: [String]] = [:]
    var ancestryApplications: [(type: Name, ancestor: Name, arguments: [String])] = []

    /// Statements about all elements of sets, and the elements that there are, by type.
    var setStatements: [CedarType: [SetStatement]] = [:]
    var elements: [CedarType: [Symbolic]] = [:]
    var notedElements: Set<String> = []
    var witnesses = 0

    private var unknowns: [Int: Encoded] = [:]

    init(_ schema: Schema, _ environment: RequestEnvironment) {
        self.schema = schema
        self.environment = environment
        for (name, type) in schema.entityTypes {
            // One that is listed twice is still one.
            var seen: Set<CedarString> = []
            if let enumeration = type.enumeration { ids[name] = enumeration.filter { seen.insert($0).inserted } }
        }
        for uid in schema.actions.keys.sorted() { ids[uid.type, default: []].append(uid.id) }
        for (type, ids) in ids {
            for (number, id) in ids.enumerated() { numbers[EntityUID(type: type, id: id)] = number }
        }
        principal = declareEntity(environment.principal, note: "principal")
        resource = declareEntity(environment.resource, note: "resource")
    }

    private(set) var principal = ""
    private(set) var resource = ""

    private mutating func declareEntity(_ type: Name, note: String) -> String {
        let term = script.declare([], .int, note: note)
        noteEntity(type, term)
        return term
    }

    // MARK: Policies

    /// A term for whether a policy is satisfied.
    mutating func satisfied(_ policy: LoweredPolicy, _ checked: Typechecker, values: [Slot: EntityUID]) -> String {
        var expressions = ExpressionEncoder(policy, checked, values: values)
        let encoded = expressions.encode(&self)
        guard case .bool(let value) = encoded.value else { return "false" }
        return script.define(SMT.and([encoded.isDefined, value]))
    }

    /// A value of which nothing is known, for what can't be said: the same for the same shape.
    mutating func unknown(_ shape: Int, _ type: CedarType, _ reason: Unencodable, shown: String) -> Encoded {
        if let known = unknowns[shape] { return known }
        if !approximations.contains(reason.what) { approximations.append(reason.what) }
        let isDefined = script.declare([], .bool, note: "whether there is a value of: \(shown)")
        witnesses += 1
        let place = StoredValue(owner: .witness(witnesses))
        let encoded = Encoded(isDefined: isDefined, value: stored(type, place, []))
        unknowns[shape] = encoded
        return encoded
    }

    /// Notes that the statements about sets or the hierarchy could not all be made.
    mutating func giveUp(_ reason: Unencodable) {
        approximations.append(reason.what)
    }

    // MARK: Entities

    /// The term of an entity that is named.
    mutating func literal(_ uid: EntityUID) -> String {
        let number = numbers[uid] ?? ids[uid.type, default: []].count
        if numbers.updateValue(number, forKey: uid) == nil { ids[uid.type, default: []].append(uid.id) }
        noteEntity(uid.type, String(number))
        return String(number)
    }

    /// Notes a term for an entity, which must be one that there can be.
    mutating func noteEntity(_ type: Name, _ term: String) {
        guard entityTermSet.insert("\(type) \(term)").inserted else { return }
        entityTerms[type, default: []].append(term)
        if Int(term) != nil { return }
        script.assert("(<= 0 \(term))")
        if type.isAction || schema.entityTypes[type]?.enumeration != nil {
            script.assert("(< \(term) \(ids[type, default: []].count))")
        }
    }

    /// Whether an entity is in the store. Actions always are.
    mutating func exists(_ type: Name, _ term: String) -> String {
        if type.isAction { return "true" }
        if existence[type] == nil { existence[type] = script.declare([.int], .bool, note: "\(type) exists") }
        return SMT.apply(existence[type] ?? "", [term])
    }

    // MARK: Stored data

    /// The value of a type that is stored in a place.
    mutating func stored(_ type: CedarType, _ place: StoredValue, _ arguments: [String]) -> Symbolic {
        switch type {
        case .record(let record): return .stored(StoredRecord(type: record, place: place, arguments: arguments))
        case .set(let element): return .set(.stored(element, place, arguments: arguments))
        case .bool: return .bool(application(place, [.bool], arguments)[0])
        case .string: return .string(application(place, [.string], arguments)[0])
        case .long, .extension(.decimal), .extension(.datetime), .extension(.duration):
            let (term, isNew) = (application(place, [.int], arguments)[0], lastIsNew)
            if isNew { script.assert(inRange(term)) }
            return .int(term)
        case .entity(let name):
            let term = application(place, [.int], arguments)[0]
            noteEntity(name, term)
            return .entity(name, term)
        case .extension(.ipaddr):
            let (terms, isNew) = (application(place, [.bool, .bits, .bits], arguments), lastIsNew)
            if isNew { assertAddress(terms) }
            return .ip(terms[0], terms[1], terms[2])
        }
    }

    private var lastIsNew = false
    private var applied: Set<String> = []

    private mutating func application(
        _ place: StoredValue, _ sorts: [SMTScript.Sort], _ arguments: [String]
    ) -> [String] {
        if functions[place] == nil {
            let parameters = place.parameters
            functions[place] = sorts.map { script.declare(parameters, $0, note: "\(place)") }
        }
        let terms = (functions[place] ?? []).map { SMT.apply($0, arguments) }
        lastIsNew = applied.insert(terms[0]).inserted
        if lastIsNew {
            applications[place, default: []].append(Application(arguments: arguments, terms: terms))
        }
        return terms
    }

    /// Whether the attribute that is stored in a place is there.
    mutating func isPresent(_ place: StoredValue, _ arguments: [String]) -> String {
        if presence[place] == nil {
            presence[place] = script.declare(place.parameters, .bool, note: "has \(place)")
        }
        let term = SMT.apply(presence[place] ?? "", arguments)
        if applied.insert(term).inserted {
            presenceApplications[place, default: []].append(Application(arguments: arguments, terms: [term]))
        }
        return term
    }

    /// An attribute of a record; nil where it has none of that name.
    mutating func field(_ name: CedarString, of record: Symbolic) -> Symbolic.Field? {
        switch record {
        case .record(let fields): return fields[name]
        case .stored(let record):
            guard let attribute = record.type.attributes[name] else { return nil }
            let place = record.place.appending(name)
            let isPresent = attribute.isRequired ? "true" : isPresent(place, record.arguments)
            return Symbolic.Field(isPresent: isPresent, value: stored(attribute.type, place, record.arguments))
        default: return nil
        }
    }

    // MARK: Numbers and addresses

    func inRange(_ term: String) -> String {
        "(and (<= (- 9223372036854775808) \(term)) (<= \(term) 9223372036854775807))"
    }

    private mutating func assertAddress(_ terms: [String]) {
        let (isIPv6, address, prefix) = (terms[0], terms[1], terms[2])
        let bounds = SMT.ite(isIPv6, SMT.bits(128), SMT.bits(32))
        script.assert("(bvule \(prefix) \(bounds))")
        script.assert(SMT.or([isIPv6, "(bvule \(address) \(SMT.bits(0xFFFF_FFFF)))"]))
    }
}

extension StoredValue: CustomStringConvertible {
    /// The sorts of what identifies one of the values stored in places of this kind.
    var parameters: [SMTScript.Sort] {
        switch owner {
        case .context, .witness: []
        case .entity: [.int]
        case .tag: [.int, .string]
        }
    }

    /// The place in words, for a comment.
    var description: String {
        let path = path.map { ".\($0)" }.joined()
        return switch owner {
        case .context: "context\(path)"
        case .entity(let type): "\(type)\(path)"
        case .tag(let type): "tag of \(type)\(path)"
        case .witness(let number): "witness \(number)\(path)"
        }
    }
}
