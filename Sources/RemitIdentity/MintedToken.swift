// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// A token just minted.
package struct MintedToken: Sendable {
    /// The JWT in compact form.
    package let token: Secret
    /// The token's SHA-256, by which it is known again without being kept.
    let digest: [UInt8]
    /// The `jti` claim.
    package let identifier: String
    /// All the claims.
    package let claims: [String: ClaimValue]
    /// The `iat` and `nbf` claims, in seconds since 1970.
    package let issuedAt: Int
    /// The `exp` claim, in seconds since 1970.
    package let expiresAt: Int
    /// The end of its life by the clock that nobody can set.
    package let deadline: BootInstant
}
