// SPDX-License-Identifier: Apache-2.0

extension Encoder {
    /// Whether an entity is another one or in it.
    mutating func isIn(_ entity: Symbolic, _ container: Symbolic) throws(Unencodable) -> String {
        guard case .entity(let type, let term) = entity, case .entity(let ancestor, let other) = container else {
            throw Unencodable("membership in what is no entity")
        }
        if type.isAction { return try isActionIn(type, term, ancestor, other) }
        let isSame = type == ancestor ? SMT.equal(term, other) : "false"
        return SMT.or([isSame, isBelow(type, term, ancestor, other)])
    }

    /// Whether an entity has another one as an ancestor.
    private mutating func isBelow(_ type: Name, _ term: String, _ ancestor: Name, _ other: String) -> String {
        guard schema.entityTypes[type]?.ancestors.contains(ancestor) == true else { return "false" }
        if ancestry[type]?[ancestor] == nil {
            let function = script.declare([.int, .int], .bool, note: "\(type) in \(ancestor)")
            ancestry[type, default: [:]][ancestor] = function
        }
        for (type, term) in [(type, term), (ancestor, other)] where notedElements.insert("in \(type) \(term)").inserted
        {
            hierarchyTerms[type, default: []].append(term)
        }
        return SMT.apply(ancestry[type]?[ancestor] ?? "", [term, other])
    }

    /// The schema knows all that actions are in.
    private func isActionIn(
        _ type: Name, _ term: String, _ ancestor: Name, _ other: String
    ) throws(Unencodable) -> String {
        guard ancestor.isAction else { return "false" }
        guard let number = Int(term), let group = Int(other), let id = ids[type]?[safe: number],
            let groupID = ids[ancestor]?[safe: group]
        else { throw Unencodable("membership of actions that are not named") }
        let action = EntityUID(type: type, id: id)
        let container = EntityUID(type: ancestor, id: groupID)
        return action == container || schema.actions[action]?.ancestors.contains(container) == true ? "true" : "false"
    }

    /// Asserts of all terms that occur that the hierarchy is one: transitive, without cycles, and of entities that exist.
    mutating func finishHierarchy() throws(Unencodable) {
        let types = hierarchyTerms.keys.sorted()
        var budget = 100_000
        for type in types {
            for ancestor in types where schema.entityTypes[type]?.ancestors.contains(ancestor) == true {
                for term in hierarchyTerms[type] ?? [] {
                    for other in hierarchyTerms[ancestor] ?? [] {
                        let below = isBelow(type, term, ancestor, other)
                        ancestryApplications.append((type: type, ancestor: ancestor, arguments: [term, other]))
                        script.assert(SMT.implies(below, exists(type, term)))
                        if type == ancestor, term == other { script.assert(SMT.not(below)) }
                        for above in types where schema.entityTypes[ancestor]?.ancestors.contains(above) == true {
                            for third in hierarchyTerms[above] ?? [] {
                                budget -= 1
                                guard budget > 0 else { throw Unencodable("so many entities in one another") }
                                let both = SMT.and([below, isBelow(ancestor, other, above, third)])
                                script.assert(SMT.implies(both, isBelow(type, term, above, third)))
                            }
                        }
                    }
                }
            }
        }
    }
}

extension Array {
    /// The element at an index, or nil where there is none.
    subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
