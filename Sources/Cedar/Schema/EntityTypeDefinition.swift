// SPDX-License-Identifier: Apache-2.0

/// What a schema says of one entity type, with all names resolved.
public struct EntityTypeDefinition: Hashable, Sendable {
    /// The name of the type.
    public var name: Name
    /// The types of which entities of this type may have parents.
    public var parents: Set<Name>
    /// The types of which entities of this type may have ancestors: the transitive closure of ``parents``.
    public var ancestors: Set<Name>
    /// The attributes; none for an enumerated type.
    public var attributes: CedarRecordType
    /// The type of the values of tags, or nil where entities of the type have none.
    public var tags: CedarType?
    /// The only ids that there are, in the order of the schema, or nil where the type isn't enumerated.
    public var enumeration: [CedarString]?
}
