// SPDX-License-Identifier: Apache-2.0

/// One credential that a task asks for.
package struct CredentialRequest: Hashable, Sendable, Codable {
    /// The lifetime of one issue when neither the task nor the operator says another.
    package static let defaultLifetime = TimeSpan.seconds(120)

    /// The task's own name for it, and the name of its file below `/run/remit/credentials`.
    package var name: String
    /// The provider instance of the operator's configuration; `session-token` is built in.
    package var provider: String
    /// What it may be used for; the meaning is the provider's.
    package var scope: [String: ScopeValue]
    /// How long one issue lasts between renewals.
    package var ttl: TimeSpan?
    /// How the agent gets it.
    package var expose: Exposure
    /// Of a secret: the requests that it is added to, where they are to be fewer than the provider's.
    package var inject: InjectionNarrowing?

    /// Makes a request, delivered as a file unless said otherwise.
    package init(
        name: String, provider: String, scope: [String: ScopeValue] = [:], ttl: TimeSpan? = nil,
        expose: Exposure = .file, inject: InjectionNarrowing? = nil
    ) {
        self.name = name
        self.provider = provider
        self.scope = scope
        self.ttl = ttl
        self.expose = expose
        self.inject = inject
    }

    /// The time to live to ask the provider for: as written, or 120 seconds.
    package var lifetime: TimeSpan { ttl ?? Self.defaultLifetime }
}

/// How a credential reaches the agent.
package enum Exposure: Hashable, Sendable, Codable {
    /// A file below `/run/remit/credentials`.
    case file
    /// An environment variable, which makes the secret agent-held; a placeholder in one does not. Of a key pair it is the
    /// beginning of three variables, as in ``SecretSource/environment(_:)``.
    case environment(variable: String)
}

/// A value of a credential's scope: one text or a list of texts.
package enum ScopeValue: Hashable, Sendable {
    /// `database: orders`
    case one(String)
    /// `tables: [orders, customers]`
    case many([String])

    /// All texts, in the order written.
    package var values: [String] {
        switch self {
        case .one(let value): [value]
        case .many(let values): values
        }
    }
}

extension ScopeValue: Codable {
    /// Reads a bare string or a list of strings.
    ///
    /// - Throws: `DecodingError` for anything else.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(String.self) {
            self = .one(value)
        } else {
            self = .many(try container.decode([String].self))
        }
    }

    /// Writes a bare string or a list of strings.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .one(let value): try container.encode(value)
        case .many(let values): try container.encode(values)
        }
    }
}
