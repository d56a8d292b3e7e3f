// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// What the operator of a host decides, and no task can change.
package struct Configuration: Hashable, Sendable, Codable {
    /// The trust domain of session identities, as in the SPIFFE ID specification.
    package var trustDomain: String
    /// The profile of tasks that name none.
    package var defaultProfile: String
    /// Host sockets that tasks may ask for by name.
    package var sockets: [String: HostSocket]
    /// Provider instances that tasks may ask credentials of, by name.
    package var providers: [String: ProviderInstance]
    /// What tasks may reach at most.
    package var network: NetworkRules
    /// Addresses of names that count before any resolver's, and are checked like its answers.
    package var hosts: [HostName: [IPAddress]]
    /// How hosts are verified.
    package var trust: UpstreamTrust
    /// Named lists of rules; each hides a shipped one of its name.
    package var groups: [String: [NetworkRule]]
    /// What models cost.
    package var prices: PriceTable

    /// Makes a configuration; without arguments it is the one of a host that has no file.
    package init(
        trustDomain: String = "remit.local", defaultProfile: String = "default", sockets: [String: HostSocket] = [:],
        providers: [String: ProviderInstance] = [:], network: NetworkRules = NetworkRules(),
        hosts: [HostName: [IPAddress]] = [:], trust: UpstreamTrust = UpstreamTrust(),
        groups: [String: [NetworkRule]] = [:], prices: PriceTable = PriceTable()
    ) {
        self.trustDomain = trustDomain
        self.defaultProfile = defaultProfile
        self.sockets = sockets
        self.providers = providers
        self.network = network
        self.hosts = hosts
        self.trust = trust
        self.groups = groups
        self.prices = prices
    }

    /// What holds where there is no configuration file.
    package static let standard = Configuration()

    /// The instance that a task names; `session-token` needs no configuration.
    package func provider(named name: String) -> ProviderInstance? {
        providers[name] ?? (name == ProviderKind.sessionToken.rawValue ? ProviderInstance(kind: .sessionToken) : nil)
    }

    /// Variables of the supervisor's environment that hold a secret of some provider.
    package var secretVariables: Set<String> { Set(providers.values.flatMap { $0.secret?.variables ?? [] }) }

    /// Every provider name that a task may use, sorted.
    package var providerNames: [String] {
        Set(providers.keys).union([ProviderKind.sessionToken.rawValue]).sorted()
    }
}

/// A socket of the host that a task may ask to have bound into its sandbox.
package struct HostSocket: Hashable, Sendable, Codable {
    /// Its absolute path on the host.
    package var path: String
    /// Its absolute path inside, below `/run/remit/sockets`.
    package var target: String

    /// Makes a socket.
    package init(path: String, target: String) {
        self.path = path
        self.target = target
    }
}

/// What kind of provider an instance is.
package enum ProviderKind: String, Hashable, Sendable, Codable, CaseIterable {
    /// A program of the operator's that speaks the provider protocol.
    case command
    /// The shipped program for PostgreSQL, which speaks the same protocol.
    case postgres
    /// Tokens signed by the session itself.
    case sessionToken = "session-token"
    /// A value of the operator's, which the gate adds to requests and the agent never holds.
    case secret
}

/// One configured provider of credentials.
package struct ProviderInstance: Hashable, Sendable, Codable {
    /// What it is.
    package var kind: ProviderKind
    /// The program and its arguments; empty for kinds that bring their own.
    package var command: [String]
    /// The complete environment of the program.
    package var environment: [String: String]
    /// Sent to the program with every call.
    package var settings: [String: SettingValue]
    /// How long one call may take.
    package var timeLimit: TimeSpan
    /// The longest time to live that a task may ask for.
    package var maximumTTL: TimeSpan
    /// How many leases may be live at once on this host; nothing means no limit.
    package var maximumLive: Int?
    /// What there is to a provider of kind `secret`, and to no other.
    package var secret: SecretProvider?

    /// Makes an instance: ten seconds a call, five minutes at most for a lease.
    package init(
        kind: ProviderKind, command: [String] = [], environment: [String: String] = [:],
        settings: [String: SettingValue] = [:], timeLimit: TimeSpan = .seconds(10),
        maximumTTL: TimeSpan = .seconds(300),
        maximumLive: Int? = nil, secret: SecretProvider? = nil
    ) {
        self.kind = kind
        self.command = command
        self.environment = environment
        self.settings = settings
        self.timeLimit = timeLimit
        self.maximumTTL = maximumTTL
        self.maximumLive = maximumLive
        self.secret = secret
    }
}
