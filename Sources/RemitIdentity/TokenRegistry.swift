// SPDX-License-Identifier: Apache-2.0
// Every token of a session and whether it still counts: what makes revocation of a bearer token real.

internal import Crypto
internal import RemitKernel

/// Issues a session's tokens, and answers for them as long as the supervisor lives.
///
/// Only the SHA-256 of a token is kept. A token counts if it is, byte for byte, one that was issued here, is signed by
/// the session's key, was not revoked, and has time left by the time of day *and* by the time since boot: setting the
/// clock back or suspending the machine gives it no more life.
package final class TokenRegistry {
    /// Whose tokens these are.
    package let identity: SessionIdentity

    private let clock: TokenClock
    private let maximumLive: Int
    private var entries: [String: Entry] = [:]
    private var identifiers: [[UInt8]: String] = [:]
    /// The tokens that ended, oldest first.
    private var ended: [String] = []

    private struct Entry {
        let digest: [UInt8]
        let claims: [String: ClaimValue]
        let expiresAt: Int
        let deadline: BootInstant
        var state = TokenState.active
    }

    /// A registry without tokens.
    ///
    /// - Parameter maximumLive: how many tokens may be active at once; of ended ones the latest eight times as many are
    ///   remembered, for the proof of their end.
    package init(identity: SessionIdentity, clock: TokenClock = .system, maximumLive: Int = 1024) {
        self.identity = identity
        self.clock = clock
        self.maximumLive = maximumLive
    }

    /// How many tokens count at present.
    package var liveCount: Int {
        settleAll()
        return entries.count - ended.count
    }

    /// Mints a token and keeps track of it; parameters as in
    /// ``SessionIdentity/mintToken(audience:scope:lifetime:extra:at:)``.
    ///
    /// - Throws: as minting does, and when too many tokens are active.
    package func issue(
        audience: [String], scope: [String] = [], lifetime: Duration, extra: [String: ClaimValue] = [:]
    ) throws(IdentityError) -> MintedToken {
        guard liveCount < maximumLive else { throw .tooManyTokens(maximumLive) }
        let minted = try identity.mintToken(
            audience: audience, scope: scope, lifetime: lifetime, extra: extra, at: clock
        )
        entries[minted.identifier] = Entry(
            digest: minted.digest, claims: minted.claims, expiresAt: minted.expiresAt, deadline: minted.deadline
        )
        identifiers[minted.digest] = minted.identifier
        return minted
    }

    /// The answer about a token, after RFC 7662: `active: false` and nothing else for whatever does not count.
    package func introspect(_ token: [UInt8]) -> IntrospectionResponse {
        switch look(at: token) {
        case .success(let claims): IntrospectionResponse(claims: claims)
        case .failure: .inactive
        }
    }

    /// Why a token does not count; nil when it does. For the journal, not for the one who asked.
    package func refusal(of token: [UInt8]) -> TokenRefusal? {
        switch look(at: token) {
        case .success: nil
        case .failure(let refusal): refusal
        }
    }

    /// Takes a token back; again and for unknown identifiers without complaint, as RFC 7009 wants it.
    ///
    /// - Returns: the state the token had before; nil when it is not known here.
    @discardableResult
    package func revoke(_ identifier: String) -> TokenState? {
        let state = state(of: identifier)
        if state == .active { end(identifier, as: .revoked) }
        return state
    }

    /// Takes every token back.
    package func revokeAll() {
        for identifier in entries.keys.sorted() { revoke(identifier) }
    }

    /// The state of a token by its `jti`; nil when it is not known here. A lease is probed with it.
    package func state(of identifier: String) -> TokenState? {
        settle(identifier)
        return entries[identifier]?.state
    }

    private func look(at token: [UInt8]) -> Result<[String: ClaimValue], TokenRefusal> {
        let parts: CompactToken
        do { parts = try CompactToken(token) } catch { return .failure(error) }
        // No header is ever parsed: there is one that we write, and everything else is refused, from `alg: none` to
        // another order of the same members.
        guard parts.header.elementsEqual(identity.header) else { return .failure(.foreignHeader) }
        guard identity.isSigned(parts) else { return .failure(.badSignature) }
        // Nor are claims: a token is looked up as a whole, so that a second signature over the same claims, which ECDSA
        // allows anybody to derive, is not the same token.
        guard let identifier = identifiers[Array(SHA256.hash(data: token))] else { return .failure(.unknown) }
        settle(identifier)
        guard let entry = entries[identifier] else { return .failure(.unknown) }
        switch entry.state {
        case .active: return .success(entry.claims)
        case .revoked: return .failure(.revoked)
        case .expired: return .failure(.expired)
        }
    }

    /// Notes that a token's time is over. That is final: a clock that is set back does not bring it back.
    private func settle(_ identifier: String) {
        guard let entry = entries[identifier], entry.state == .active else { return }
        if clock.boot() >= entry.deadline || clock.wall().nanoseconds / 1_000_000_000 >= entry.expiresAt {
            end(identifier, as: .expired)
        }
    }

    private func settleAll() {
        for (identifier, entry) in entries where entry.state == .active { settle(identifier) }
    }

    private func end(_ identifier: String, as state: TokenState) {
        entries[identifier]?.state = state
        ended.append(identifier)
        if ended.count > maximumLive * 8 {
            let forgotten = ended.removeFirst()
            if let entry = entries.removeValue(forKey: forgotten) { identifiers[entry.digest] = nil }
        }
    }
}
