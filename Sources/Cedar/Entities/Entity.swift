// SPDX-License-Identifier: Apache-2.0

/// An entity: its identity, its place in the hierarchy and its data.
public struct Entity: Hashable, Sendable {
    /// Which entity this is.
    public let uid: EntityUID
    /// What it is directly a member of.
    public let parents: Set<EntityUID>
    /// Its attributes.
    public let attributes: CedarRecord
    /// Its tags.
    public let tags: CedarRecord

    /// The entity `uid` with the given parents and data.
    public init(
        _ uid: EntityUID, parents: Set<EntityUID> = [], attributes: CedarRecord = CedarRecord(),
        tags: CedarRecord = CedarRecord()
    ) {
        self.uid = uid
        self.parents = parents
        self.attributes = attributes
        self.tags = tags
    }
}
