// SPDX-License-Identifier: Apache-2.0

/// Finds all ancestors of all entities, and cycles, in one walk that needs no recursion.
struct HierarchyClosure {
    /// How many pairs of an entity and an ancestor a hierarchy may have: a chain of 100,000 entities is a text of some
    /// megabytes, and has five billion.
    private static let pairLimit = 10_000_000
    /// How many ancestors may be looked at on the way.
    private static let workLimit = 50_000_000

    private let entities: [EntityUID: Entity]
    private var done: [EntityUID: Entities.Record] = [:]
    private var pairs = 0
    private var work = 0

    init(_ entities: [EntityUID: Entity]) {
        self.entities = entities
    }

    /// All entities with their ancestors.
    ///
    /// - Throws: where an entity is its own ancestor, and where there are too many ancestors.
    mutating func records() throws(Diagnostic) -> [EntityUID: Entities.Record] {
        done.reserveCapacity(entities.count)
        for entity in entities.values where done[entity.uid] == nil {
            try visit(entity)
        }
        return done
    }

    /// An entity on the way up, and the parents not looked at yet.
    private struct Step {
        let entity: Entity
        var parents: Set<EntityUID>.Iterator
    }

    private mutating func visit(_ entity: Entity) throws(Diagnostic) {
        var path = [Step(entity: entity, parents: entity.parents.makeIterator())]
        var onPath: Set<EntityUID> = [entity.uid]
        while !path.isEmpty {
            let last = path.count - 1
            if let uid = path[last].parents.next() {
                guard !onPath.contains(uid) else {
                    throw Diagnostic("input graph has a cycle containing vertex `\(uid)`")
                }
                if done[uid] == nil, let parent = entities[uid] {
                    path.append(Step(entity: parent, parents: parent.parents.makeIterator()))
                    onPath.insert(uid)
                }
            } else {
                let entity = path.removeLast().entity
                onPath.remove(entity.uid)
                try finish(entity)
            }
        }
    }

    /// Joins the ancestors of the parents, which are all known.
    private mutating func finish(_ entity: Entity) throws(Diagnostic) {
        // The parent with the most ancestors first: what is among another's ancestors has nothing to add to them.
        let further = entity.parents.compactMap { done[$0] }.filter { !$0.ancestors.isEmpty }
            .sorted { $0.ancestors.count > $1.ancestors.count }
        var inherited: Set<EntityUID> = []
        for parent in further where !inherited.contains(parent.entity.uid) {
            work += parent.ancestors.count
            guard work <= HierarchyClosure.workLimit else { throw tooLarge }
            if inherited.isEmpty { inherited = parent.ancestors } else { inherited.formUnion(parent.ancestors) }
        }
        let ancestors = inherited.isEmpty ? entity.parents : inherited.union(entity.parents)
        pairs += ancestors.count
        guard pairs <= HierarchyClosure.pairLimit else { throw tooLarge }
        done[entity.uid] = Entities.Record(entity, ancestors: ancestors)
    }

    private var tooLarge: Diagnostic {
        Diagnostic("entity hierarchy has more than \(HierarchyClosure.pairLimit) pairs of an entity and an ancestor")
    }
}
