// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// What issues and answers for a session's own tokens; RemitIdentity through the supervisor.
package protocol SessionTokenDesk: AnyObject {
    /// Signs a token for the lease with this handle, and takes back the ones signed for it before.
    ///
    /// - Parameter limit: when it must have expired.
    /// - Throws: when the scope is not one that tokens can have.
    func mint(handle: String, scope: [String: ProviderValue], limit: WallInstant) throws -> SessionToken

    /// Makes introspection answer `active: false` from now on; harmless for a handle never minted for.
    func revoke(handle: String)

    /// What introspection answers now, asked as anybody else would ask.
    ///
    /// `impossible` where nobody is left to answer (the session's key died with its supervisor): then only the
    /// token's expiry ends it for those who verify without asking.
    func introspect(handle: String) -> ProbeFinding

    /// The handles with a token that is active.
    func activeHandles() -> [String]
}

/// A token that a desk signed.
package struct SessionToken: Sendable {
    package var content: Secret
    package var expires: WallInstant
    /// Its `jti`.
    package var identifier: String

    package init(content: Secret, expires: WallInstant, identifier: String) {
        self.content = content
        self.expires = expires
        self.identifier = identifier
    }
}

/// The embedded provider: tokens signed by the session's own key, revocable because the supervisor answers
/// introspection. Every call is answered at once.
package final class SessionTokenProvider: Provider {
    package let instance: String
    package let timeLimit: Duration = .seconds(1)
    package let maximumTTL: Duration?
    package let renewalReplacesContent = true
    private let desk: any SessionTokenDesk

    package init(instance: String = "session-token", maximumTTL: Duration? = .seconds(300), desk: any SessionTokenDesk)
    {
        self.instance = instance
        self.maximumTTL = maximumTTL
        self.desk = desk
    }

    package func begin(_ request: ProviderRequest, completion: @escaping (ProviderReply) -> Void) {
        completion(reply(request))
    }

    private func reply(_ request: ProviderRequest) -> ProviderReply {
        switch request.operation {
        case .issue: return mint(request) { .issued(IssuedCredential(content: $0, expires: $1, facts: $2)) }
        case .renew: return mint(request) { content, expires, _ in .renewed(expires: expires, content: content) }
        case .revoke:
            desk.revoke(handle: request.handle)
            return .acknowledged
        case .probe: return .probed(desk.introspect(handle: request.handle))
        case .list: return .listed(handles: desk.activeHandles().filter { $0.hasPrefix(request.handle) })
        }
    }

    private func mint(
        _ request: ProviderRequest,
        _ reply: (Secret, WallInstant, [String: String]) -> ProviderReply
    ) -> ProviderReply {
        guard let limit = request.notAfter.flatMap(WallInstant.init(rfc3339:)) else {
            return .failed(LeaseFailure(.permanent, "the request lacks `notAfter`", isDefinite: true))
        }
        do {
            let token = try desk.mint(handle: request.handle, scope: request.scope ?? [:], limit: limit)
            return reply(token.content, token.expires, ["jti": token.identifier])
        } catch {
            return .failed(LeaseFailure(.permanent, Redaction().clean("\(error)"), isDefinite: true))
        }
    }
}
