// SPDX-License-Identifier: Apache-2.0
// Who a session is to others: a name, a key that exists only in memory, and short-lived tokens signed with it.

internal import Crypto
internal import FoundationEssentials
internal import RemitKernel

/// A session's identity: its SPIFFE ID and the P-256 key of this session alone, gone with the process.
package struct SessionIdentity: Sendable {
    /// The session's name.
    package let spiffeID: SPIFFEID
    /// The facts in every token.
    package let context: IdentityContext
    /// The key's RFC 7638 thumbprint.
    package let keyID: String

    private let key: P256.Signing.PrivateKey
    private let coordinates: (x: String, y: String)
    /// The only header our tokens have, encoded.
    let header: [UInt8]

    /// The claim that holds the ``IdentityContext``.
    package static let contextClaim = "https://remit.dev/ctx"
    /// The longest life of a token, whatever is asked for.
    package static let maximumLifetime = Duration.seconds(24 * 3600)

    /// A new identity with a key of its own.
    ///
    /// - Throws: ``IdentityError/invalidName(_:_:)`` when the names do not make a SPIFFE ID.
    package init(
        trustDomain: String, session: String, task: String, context: IdentityContext
    ) throws(IdentityError) {
        spiffeID = try SPIFFEID(trustDomain: trustDomain, session: session, task: task)
        self.context = context
        key = P256.Signing.PrivateKey()
        let raw = Array(key.publicKey.rawRepresentation)
        coordinates = (Base64URL.text(raw.prefix(32)), Base64URL.text(raw.suffix(32)))
        // RFC 7638 §3.2: the required members of an EC key in lexicographic order.
        let description = #"{"crv":"P-256","kty":"EC","x":"\#(coordinates.x)","y":"\#(coordinates.y)"}"#
        keyID = Base64URL.text(SHA256.hash(data: Array(description.utf8)))
        // JWT-SVID §2: no header but these three.
        header = Base64URL.encode(#"{"alg":"ES256","kid":"\#(keyID)","typ":"JWT"}"#.utf8)
    }

    /// Who issues the tokens: the trust domain as a URL.
    package var issuer: String { "https://\(spiffeID.trustDomain)" }

    /// The public key as a JWK set: the SPIFFE bundle for JWT-SVIDs (SPIFFE Trust Domain and Bundle §4).
    package func jwks() -> [UInt8] {
        let key = ClaimValue.object([
            "kty": .string("EC"), "crv": .string("P-256"), "use": .string("jwt-svid"), "kid": .string(keyID),
            "x": .string(coordinates.x), "y": .string(coordinates.y),
        ])
        return Array(#"{"keys":["#.utf8) + key.json + Array("]}".utf8)
    }

    /// Mints a JWT-SVID that nobody keeps track of; ``TokenRegistry/issue(audience:scope:lifetime:extra:)`` does.
    ///
    /// - Parameters:
    ///   - audience: who is to accept the token; at least one, and one is best.
    ///   - scope: the scopes, of the characters of RFC 6749 §3.3.
    ///   - lifetime: at least a second; rounded down to whole seconds.
    ///   - extra: further claims; none may replace one of ours.
    /// - Throws: ``IdentityError`` for a request that makes no acceptable token.
    package func mintToken(
        audience: [String], scope: [String] = [], lifetime: Duration, extra: [String: ClaimValue] = [:],
        at clock: TokenClock = .system
    ) throws(IdentityError) -> MintedToken {
        guard !audience.isEmpty, audience.allSatisfy({ !$0.isEmpty }) else {
            throw .invalidRequest("a token needs an audience")
        }
        guard scope.allSatisfy(Self.isScope) else {
            throw .invalidRequest("`\(scope.joined(separator: " "))` is no scope")
        }
        guard lifetime >= .seconds(1), lifetime <= Self.maximumLifetime else {
            throw .invalidRequest("a token lives between one second and one day")
        }
        let issued = clock.wall().nanoseconds / 1_000_000_000
        let boot = clock.boot()
        let seconds = lifetime.components.seconds
        let identifier = Random.identifier(26)
        var claims: [String: ClaimValue] = [
            "iss": .string(issuer), "sub": .string(spiffeID.description), "aud": .list(audience),
            "iat": .integer(Int(issued)), "nbf": .integer(Int(issued)), "exp": .integer(Int(issued + seconds)),
            "jti": .string(identifier), Self.contextClaim: contextValue,
        ]
        if !scope.isEmpty { claims["scope"] = .string(scope.joined(separator: " ")) }
        for (name, value) in extra {
            guard claims.updateValue(value, forKey: name) == nil, name != "scope" else {
                throw .invalidRequest("the claim `\(name)` is not the caller's to set")
            }
        }
        let signed = header + [UInt8(ascii: ".")] + Base64URL.encode(ClaimValue.object(claims).json)
        let signature: [UInt8]
        do {
            // RFC 7518 §3.4: r and s, 32 bytes each.
            signature = Array(try key.signature(for: signed).rawRepresentation)
        } catch {
            throw .signing("\(error)")
        }
        let token = signed + [UInt8(ascii: ".")] + Base64URL.encode(signature)
        guard token.count <= CompactToken.sizeLimit else { throw .tooLarge(token.count) }
        return MintedToken(
            token: Secret(token), digest: Array(SHA256.hash(data: token)), identifier: identifier, claims: claims,
            issuedAt: Int(issued), expiresAt: Int(issued + seconds), deadline: boot.advanced(by: .seconds(seconds))
        )
    }

    /// Whether the session's key signed the token.
    func isSigned(_ token: CompactToken) -> Bool {
        guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: token.signature) else { return false }
        return key.publicKey.isValidSignature(signature, for: token.signed)
    }

    private var contextValue: ClaimValue {
        var members: [String: ClaimValue] = [
            "owner": .string(context.owner), "intent": .string("sha256:" + context.intentDigest),
            "task": .string("sha256:" + context.taskDigest), "epoch": .integer(context.epoch),
        ]
        if let ticket = context.ticket { members["ticket"] = .string(ticket) }
        return .object(members)
    }

    private static func isScope(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
}
