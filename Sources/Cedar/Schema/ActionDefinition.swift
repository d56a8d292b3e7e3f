// SPDX-License-Identifier: Apache-2.0

/// What a schema says of one action, with all names resolved.
public struct ActionDefinition: Hashable, Sendable {
    /// The action.
    public var uid: EntityUID
    /// The actions and groups it is directly in.
    public var parents: Set<EntityUID>
    /// The actions and groups it is in: the transitive closure of ``parents``.
    public var ancestors: Set<EntityUID>
    /// The types of principals it applies to; none for a mere group.
    public var principals: Set<Name>
    /// The types of resources it applies to; none for a mere group.
    public var resources: Set<Name>
    /// The type of its context.
    public var context: CedarRecordType
}
