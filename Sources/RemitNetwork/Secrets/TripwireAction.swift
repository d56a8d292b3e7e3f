// SPDX-License-Identifier: Apache-2.0

/// What a placeholder that goes where it is not bound leads to.
package enum TripwireAction: String, Hashable, Sendable, Codable, CaseIterable {
    /// The request is refused, counted and recorded, and the session goes on.
    case block
    /// The session ends, for exceeding its scope.
    case end
}
