// SPDX-License-Identifier: Apache-2.0

/// What the loader of entities and contexts asks a resolved schema.
///
/// With the types known, JSON may write `"10.0.0.1"` for an address and `{"type": …, "id": …}` for an entity without
/// saying so each time.
public protocol EntitySchema: Sendable {
    /// What entities of `type` look like, or nil where the schema has no such type. Action types have none.
    func shape(of type: Name) -> EntityShape?

    /// The attributes of the context of `action`, or nil where the schema has no such action.
    func contextType(of action: EntityUID) -> CedarRecordType?

    /// All actions with their groups as parents, which become part of every set of entities.
    var actionEntities: [Entity] { get }

    /// What keeps `entity` from conforming to the schema: a type or action it doesn't have, an attribute too many, too
    /// few or of a wrong type, a parent of a type that isn't allowed, an id not listed; nil where it conforms.
    func nonconformance(of entity: Entity) -> Diagnostic?
}

/// What entities of one type look like.
public struct EntityShape: Hashable, Sendable {
    /// The attributes.
    public var attributes: CedarRecordType
    /// The type of all tags, or nil where there are none.
    public var tags: CedarType?

    /// Entities with `attributes` and `tags`.
    public init(attributes: CedarRecordType = CedarRecordType(), tags: CedarType? = nil) {
        self.attributes = attributes
        self.tags = tags
    }
}
