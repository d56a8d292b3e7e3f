// SPDX-License-Identifier: Apache-2.0

/// Why an identity or a token cannot be made.
package enum IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A trust domain, session or task name that the SPIFFE ID grammar does not take.
    case invalidName(String, String)
    /// A request for a token that no verifier would accept.
    case invalidRequest(String)
    /// The token would be larger than ``CompactToken/sizeLimit`` bytes.
    case tooLarge(Int)
    /// The registry holds as many live tokens as it may.
    case tooManyTokens(Int)
    /// The cryptographic library refused to sign.
    case signing(String)

    package var description: String {
        switch self {
        case .invalidName(let what, let name): "`\(name)` cannot be a \(what) in a SPIFFE ID"
        case .invalidRequest(let reason): reason
        case .tooLarge(let size): "the token would have \(size) bytes: more than \(CompactToken.sizeLimit)"
        case .tooManyTokens(let limit): "the session holds \(limit) live tokens already"
        case .signing(let reason): "cannot sign: \(reason)"
        }
    }
}
