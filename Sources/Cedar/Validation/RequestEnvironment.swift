// SPDX-License-Identifier: Apache-2.0

/// The types of one kind of request that a schema allows: policies are checked once for each.
public struct RequestEnvironment: Hashable, Sendable {
    /// The type of the principal.
    public var principal: Name
    /// The action.
    public var action: EntityUID
    /// The type of the resource.
    public var resource: Name
    /// The types of the entities that fill the slots of a template.
    public var slots: [Slot: Name] = [:]
}

extension RequestEnvironment: Comparable, CustomStringConvertible {
    /// Whether `left` comes first, by action, principal and resource.
    public static func < (left: RequestEnvironment, right: RequestEnvironment) -> Bool {
        (left.action, left.principal, left.resource) < (right.action, right.principal, right.resource)
    }

    /// The action and the types it is about: `Action::"view" by User on Photo`.
    public var description: String { "\(action) by \(principal) on \(resource)" }
}
