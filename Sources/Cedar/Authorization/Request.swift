// SPDX-License-Identifier: Apache-2.0

/// What is to be decided: may `principal` do `action` on `resource`, circumstances being `context`?
public struct Request: Hashable, Sendable {
    /// Who asks.
    public var principal: EntityUID
    /// For what.
    public var action: EntityUID
    /// On what.
    public var resource: EntityUID
    /// Under which circumstances.
    public var context: CedarRecord

    /// The request of the given parts.
    public init(
        principal: EntityUID, action: EntityUID, resource: EntityUID, context: CedarRecord = CedarRecord()
    ) {
        self.principal = principal
        self.action = action
        self.resource = resource
        self.context = context
    }
}
