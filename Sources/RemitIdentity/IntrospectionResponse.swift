// SPDX-License-Identifier: Apache-2.0

/// The answer about a token, after RFC 7662 §2.2.
package struct IntrospectionResponse: Hashable, Sendable {
    /// The claims of an active token; nil for any other.
    package let claims: [String: ClaimValue]?

    /// Whether the token is to be accepted.
    package var isActive: Bool { claims != nil }

    /// The answer about every token that is not active. It does not tell why (RFC 7662 §4).
    package static let inactive = IntrospectionResponse(claims: nil)

    /// The answer as JSON.
    package var json: [UInt8] {
        guard var members = claims else { return ClaimValue.object(["active": .bool(false)]).json }
        members["active"] = .bool(true)
        members["token_type"] = .string("Bearer")
        return ClaimValue.object(members).json
    }
}
