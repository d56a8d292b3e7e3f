// SPDX-License-Identifier: Apache-2.0

/// The identity of an entity: its type and its id within that type, written `Type::"id"`.
public struct EntityUID: Hashable, Comparable, Sendable {
    /// One reference instead of two strings and a hash, so that values that hold an identity stay small, and identities
    /// met again and again (every policy names the same few) compare by address first and by hash second.
    private final class Storage: Sendable {
        let type: Name
        let id: CedarString
        let hash: Int

        init(type: Name, id: CedarString) {
            self.type = type
            self.id = id
            var hasher = Hasher()
            hasher.combine(type)
            hasher.combine(id)
            hash = hasher.finalize()
        }
    }

    private let storage: Storage

    /// The entity `id` of `type`.
    public init(type: Name, id: CedarString) {
        storage = Storage(type: type, id: id)
    }

    /// The entity type.
    public var type: Name { storage.type }

    /// The id within the type; any text, the empty one included.
    public var id: CedarString { storage.id }

    /// Whether both share one storage, and so are equal; not sharing says nothing.
    func isIdentical(to other: EntityUID) -> Bool { storage === other.storage }

    /// Whether both are the same entity.
    public static func == (left: EntityUID, right: EntityUID) -> Bool {
        if left.storage === right.storage { return true }
        return left.storage.hash == right.storage.hash && left.id == right.id && left.type == right.type
    }

    /// Whether `left` comes first, by type and then by id, in the order of bytes.
    public static func < (left: EntityUID, right: EntityUID) -> Bool {
        left.type == right.type ? left.id < right.id : left.type < right.type
    }

    /// Feeds the hash computed once to `hasher`.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(storage.hash)
    }
}

extension EntityUID: CustomStringConvertible {
    /// The identity as it is written in policies.
    public var description: String { "\(type)::\(id.literal)" }
}
