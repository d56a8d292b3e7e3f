// SPDX-License-Identifier: Apache-2.0

/// The entities that decisions look at, with all they are members of, directly and indirectly.
public struct Entities: Sendable {
    /// An entity with its place in the hierarchy.
    final class Record: Sendable {
        let entity: Entity
        /// All it is a member of, not including itself.
        let ancestors: Set<EntityUID>

        init(_ entity: Entity, ancestors: Set<EntityUID>) {
            self.entity = entity
            self.ancestors = ancestors
        }
    }

    private let records: [EntityUID: Record]

    /// No entities.
    public init() {
        records = [:]
    }

    /// The given entities.
    ///
    /// - Throws: where one is there twice with different data, where an entity is its own ancestor, and where the
    ///   hierarchy is absurdly large.
    public init(_ entities: some Sequence<Entity>) throws(Diagnostic) {
        var unique: [EntityUID: Entity] = [:]
        for entity in entities {
            if let known = unique[entity.uid] {
                guard known == entity else { throw Diagnostic("duplicate entity entry `\(entity.uid)`") }
            } else {
                unique[entity.uid] = entity
            }
        }
        var closure = HierarchyClosure(unique)
        records = try closure.records()
    }

    /// The number of entities.
    public var count: Int { records.count }

    /// The entities, in the order of their identities.
    public var all: [Entity] { records.values.map(\.entity).sorted { $0.uid < $1.uid } }

    /// The entity `uid`, or nil where there is none.
    public subscript(uid: EntityUID) -> Entity? { records[uid]?.entity }

    /// All that `uid` is a member of, directly and indirectly, not including itself.
    public func ancestors(of uid: EntityUID) -> Set<EntityUID> { records[uid]?.ancestors ?? [] }

    /// Whether `entity` is `ancestor` or a member of it, directly or indirectly; every entity is in itself, also one
    /// that isn't there.
    public func isMember(_ entity: EntityUID, of ancestor: EntityUID) -> Bool {
        if entity == ancestor { return true }
        return records[entity]?.ancestors.contains(ancestor) ?? false
    }

    /// The entity `uid` with its ancestors.
    func record(of uid: EntityUID) -> Record? { records[uid] }
}
