// SPDX-License-Identifier: Apache-2.0

extension Encoder {
    /// A statement about all elements of sets, which stands for a term that is declared for it.
    ///
    /// Where it is true, it is asserted of every element that occurs; where it isn't, one is made up for which it isn't.
    struct SetStatement: Sendable {
        enum Kind: Sendable {
            /// Every element of the first is one of the second.
            case subset(SymbolicSet, SymbolicSet)
            /// No element of the first is one of the second.
            case disjoint(SymbolicSet, SymbolicSet)
            /// There is no element.
            case empty(SymbolicSet)
            /// An entity is in no element.
            case outside(Symbolic, SymbolicSet)
        }

        let kind: Kind
        let term: String
    }

    /// Whether a set has an element.
    mutating func contains(_ set: SymbolicSet, _ element: Symbolic) throws(Unencodable) -> String {
        switch set {
        case .literal(let elements):
            var terms: [String] = []
            for other in elements { terms.append(try equal(other, element)) }
            return script.define(SMT.or(terms))
        case .either(let condition, let left, let right):
            return SMT.ite(condition, try contains(left, element), try contains(right, element))
        case .stored(let type, let place, let arguments):
            let components = try components(of: element, type)
            note(element, type)
            if functions[place] == nil {
                let sorts = place.parameters + components.map(\.sort)
                functions[place] = [script.declare(sorts, .bool, note: "element of \(place)")]
            }
            let terms = components.map(\.term)
            let member = SMT.apply(functions[place]?.first ?? "", arguments + terms)
            memberships[place, default: []].append(
                Application(arguments: arguments, terms: [member] + terms))
            return member
        }
    }

    /// Whether every element of a set is one of another.
    mutating func isSubset(_ set: SymbolicSet, of other: SymbolicSet) throws(Unencodable) -> String {
        if case .literal(let elements) = set {
            var terms: [String] = []
            for element in elements { terms.append(try contains(other, element)) }
            return script.define(SMT.and(terms))
        }
        return try state(.subset(set, other), about: set)
    }

    /// Whether two sets have an element in common.
    mutating func overlap(_ left: SymbolicSet, _ right: SymbolicSet) throws(Unencodable) -> String {
        for (literal, other) in [(left, right), (right, left)] {
            guard case .literal(let elements) = literal else { continue }
            var terms: [String] = []
            for element in elements { terms.append(try contains(other, element)) }
            return script.define(SMT.or(terms))
        }
        return SMT.not(try state(.disjoint(left, right), about: left))
    }

    /// Whether a set has no elements.
    mutating func isEmpty(_ set: SymbolicSet) throws(Unencodable) -> String {
        if case .literal(let elements) = set { return elements.isEmpty ? "true" : "false" }
        return try state(.empty(set), about: set)
    }

    /// Whether an entity is in an element of a set.
    mutating func isIn(_ entity: Symbolic, anyOf set: SymbolicSet) throws(Unencodable) -> String {
        if case .literal(let elements) = set {
            var terms: [String] = []
            for element in elements { terms.append(try isIn(entity, element)) }
            return script.define(SMT.or(terms))
        }
        return SMT.not(try state(.outside(entity, set), about: set))
    }

    private mutating func state(
        _ kind: SetStatement.Kind, about set: SymbolicSet
    ) throws(Unencodable) -> String {
        guard let type = set.elementType else { throw Unencodable("a set whose elements are of no known type") }
        let term = script.declare([], .bool, note: "a statement about a set")
        let statement = SetStatement(kind: kind, term: term)
        setStatements[type, default: []].append(statement)
        witnesses += 1
        let witness = stored(type, StoredValue(owner: .witness(witnesses)), [])
        _ = try components(of: witness, type)
        note(witness, type)
        script.assert(SMT.or([term, SMT.not(try holds(statement, for: witness))]))
        return term
    }

    /// Whether a statement holds as far as one element goes.
    private mutating func holds(
        _ statement: SetStatement, for element: Symbolic
    ) throws(Unencodable) -> String {
        switch statement.kind {
        case .subset(let set, let other):
            return SMT.implies(try contains(set, element), try contains(other, element))
        case .disjoint(let left, let right):
            return SMT.not(SMT.and([try contains(left, element), try contains(right, element)]))
        case .empty(let set): return SMT.not(try contains(set, element))
        case .outside(let entity, let set):
            return SMT.not(SMT.and([try contains(set, element), try isIn(entity, element)]))
        }
    }

    /// Asserts every statement about sets of every element that occurs.
    mutating func finishSets() throws(Unencodable) {
        for (type, statements) in setStatements.sorted(by: { $0.key.description < $1.key.description }) {
            let elements = elements[type] ?? []
            guard statements.count * elements.count <= 20_000 else { throw Unencodable("so many sets") }
            for statement in statements {
                for element in elements {
                    script.assert(SMT.implies(statement.term, try holds(statement, for: element)))
                }
            }
        }
    }

    private mutating func note(_ element: Symbolic, _ type: CedarType) {
        guard let new = try? components(of: element, type).map(\.term).joined(separator: " "),
            notedElements.insert("\(type) \(new)").inserted
        else { return }
        elements[type, default: []].append(element)
    }

    // MARK: Components

    /// The terms of which a value consists, which are equal where the values are.
    private mutating func components(
        of value: Symbolic, _ type: CedarType
    ) throws(Unencodable) -> [(term: String, sort: SMTScript.Sort)] {
        switch value {
        case .bool(let term): return [(term, .bool)]
        case .int(let term), .entity(_, let term): return [(term, .int)]
        case .string(let term): return [(term, .string)]
        case .ip(let isIPv6, let address, let prefix): return [(isIPv6, .bool), (address, .bits), (prefix, .bits)]
        case .set: throw Unencodable("sets of sets")
        case .record, .stored: throw Unencodable("sets of records")
        }
    }
}

extension SymbolicSet {
    /// The type of the elements, where the set is one that is stored.
    fileprivate var elementType: CedarType? {
        switch self {
        case .literal: nil
        case .stored(let type, _, _): type
        case .either(_, let left, let right): left.elementType ?? right.elementType
        }
    }
}
