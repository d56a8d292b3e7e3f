// SPDX-License-Identifier: Apache-2.0

internal import RemitIdentity
package import RemitKernel

/// The desk of a living session: its own token registry.
package final class TokenRegistryDesk: SessionTokenDesk {
    private let registry: TokenRegistry
    private var identifiers: [String: [String]] = [:]

    package init(registry: TokenRegistry) { self.registry = registry }

    package func mint(handle: String, scope: [String: ProviderValue], limit: WallInstant) throws -> SessionToken {
        let minted = try registry.issue(
            audience: try Self.strings(scope, "audience"),
            scope: try Self.strings(scope, "scope"),
            lifetime: WallInstant.now.duration(to: limit)
        )
        // At most one lives: whoever reads the file from now on finds the new one.
        revoke(handle: handle)
        identifiers[handle, default: []].append(minted.identifier)
        return SessionToken(
            content: minted.token,
            expires: WallInstant(nanoseconds: Int64(minted.expiresAt) * 1_000_000_000),
            identifier: minted.identifier
        )
    }

    package func revoke(handle: String) {
        for identifier in identifiers[handle] ?? [] { registry.revoke(identifier) }
    }

    package func introspect(handle: String) -> ProbeFinding { isActive(handle) ? .present : .gone }

    package func activeHandles() -> [String] { identifiers.keys.filter(isActive).sorted() }

    private func isActive(_ handle: String) -> Bool {
        identifiers[handle]?.contains { registry.state(of: $0) == .active } ?? false
    }

    /// A word or a list of words under `key`; `audience` and `scope` are all a token's scope can say.
    private static func strings(_ scope: [String: ProviderValue], _ key: String) throws(LeaseFailure) -> [String] {
        if let unknown = scope.keys.filter({ $0 != "audience" && $0 != "scope" }).min() {
            throw LeaseFailure(.permanent, "a token's scope has no `\(unknown)`", isDefinite: true)
        }
        switch scope[key] {
        case nil: return []
        case .string(let word): return [word]
        case .list(let values):
            let words = values.compactMap(\.string)
            if words.count == values.count { return words }
            fallthrough
        default: throw LeaseFailure(.permanent, "a token's `\(key)` is a word or a list of words", isDefinite: true)
        }
    }
}
