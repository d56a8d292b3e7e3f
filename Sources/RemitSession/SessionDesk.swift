// SPDX-License-Identifier: Apache-2.0

package import RemitIdentity
package import RemitKernel
package import RemitLeases

/// A session's own tokens, for the leases that ask for them.
package final class SessionDesk: SessionTokenDesk {
    package let registry: TokenRegistry
    private var identifiers: [String: [String]] = [:]

    package init(registry: TokenRegistry) { self.registry = registry }

    /// The scope of a token: `audience` (required) and `scope`.
    package struct ScopeError: Error, CustomStringConvertible {
        package let description: String
    }

    package func mint(
        handle: String,
        scope: [String: ProviderValue],
        limit: WallInstant
    ) throws -> SessionToken {
        var audience: [String] = []
        var scopes: [String] = []
        for (key, value) in scope {
            switch key {
            case "audience": audience = texts(value)
            case "scope": scopes = texts(value)
            default: throw ScopeError(description: "a session token has no scope `\(key)`: use `audience` and `scope`")
            }
        }
        guard !audience.isEmpty else { throw ScopeError(description: "a session token needs an `audience`") }
        let lifetime = Duration.nanoseconds(limit.nanoseconds - WallInstant.now.nanoseconds)
        let minted = try registry.issue(audience: audience, scope: scopes, lifetime: lifetime)
        // At most one token of a lease counts; the one before ends with this one's beginning.
        for earlier in identifiers[handle] ?? [] { registry.revoke(earlier) }
        identifiers[handle] = (identifiers[handle] ?? []) + [minted.identifier]
        return SessionToken(
            content: minted.token,
            expires: WallInstant(nanoseconds: Int64(minted.expiresAt) * 1_000_000_000),
            identifier: minted.identifier
        )
    }

    package func revoke(handle: String) {
        for identifier in identifiers[handle] ?? [] { registry.revoke(identifier) }
    }

    package func introspect(handle: String) -> ProbeFinding {
        let live = (identifiers[handle] ?? []).contains { registry.state(of: $0) == .active }
        return live ? .present : .gone
    }

    package func activeHandles() -> [String] {
        identifiers.keys.filter { introspect(handle: $0) == .present }.sorted()
    }

    private func texts(_ value: ProviderValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .list(let values): values.flatMap(texts)
        default: []
        }
    }
}

/// What is left of a session's tokens when its supervisor is gone: the key died with it, nobody introspects any more,
/// and who verifies by signature alone believes a token until it expires.
package final class ClosedDesk: SessionTokenDesk {
    package init() {}

    package struct Closed: Error, CustomStringConvertible {
        package let description = "the session's key is gone"
    }

    package func mint(handle: String, scope: [String: ProviderValue], limit: WallInstant) throws -> SessionToken {
        throw Closed()
    }
    package func revoke(handle: String) {}
    package func introspect(handle: String) -> ProbeFinding { .impossible }
    package func activeHandles() -> [String] { [] }
}
