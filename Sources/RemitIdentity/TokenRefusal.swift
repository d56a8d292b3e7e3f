// SPDX-License-Identifier: Apache-2.0

/// Why a token is not active; for the journal, never for the one who asked.
package enum TokenRefusal: String, Error, Hashable, Sendable {
    /// Larger than any token we issue.
    case tooLarge = "too-large"
    /// Not three parts of canonical base64url with a signature of 64 bytes.
    case malformed
    /// The header is not, byte for byte, the one we write: another algorithm, key, type or member.
    case foreignHeader = "foreign-header"
    /// The signature is not the session key's.
    case badSignature = "bad-signature"
    /// Signed by the session key, but not a token of this registry.
    case unknown
    /// Its time is over.
    case expired
    /// It was revoked.
    case revoked
}
