// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// A provider of kind `secret`: a value of the operator's that no agent ever holds.
package struct SecretProvider: Hashable, Sendable, Codable {
    /// Where the value comes from.
    package var source: SecretSource
    /// What the agent's placeholder looks like: a `*` in it stands for as many random characters as the value has more.
    /// Without it the shape is taken from the value.
    package var placeholder: String?
    /// To which requests the value is added.
    package var injections: [SecretInjection]

    /// Makes a provider.
    package init(source: SecretSource, placeholder: String? = nil, injections: [SecretInjection]) {
        self.source = source
        self.placeholder = placeholder
        self.injections = injections
    }

    /// Whether the value is a key pair that signs requests. It is then JSON with `AccessKeyId`, `SecretAccessKey` and
    /// perhaps `SessionToken`, as of AWS's `credential_process`, or variables of a prefix: see ``SecretSource``.
    package var isKeyPair: Bool { injections.contains(where: \.isSignature) }

    /// The variables of the supervisor's environment that the value comes from, if it comes from there.
    package var variables: [String] {
        guard case .environment(let name) = source else { return [] }
        return isKeyPair ? ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"].map { "\(name)_\($0)" } : [name]
    }
}

/// Where the value of a secret comes from.
package enum SecretSource: Hashable, Sendable, Codable {
    /// A variable of the supervisor's environment. Of a key pair it is the beginning of three: `AWS` stands for
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    case environment(String)
    /// The content of a file, by its absolute path, without one line break at its end.
    case file(String)
    /// What a program writes to standard output, without one line break at its end.
    case command([String])
    /// A file of `$CREDENTIALS_DIRECTORY`, see systemd.exec(5).
    case systemdCredential(String)
}

/// To which requests a secret is added, and where in them.
package struct SecretInjection: Hashable, Sendable, Codable {
    /// The hosts.
    package var host: HostPattern
    /// Their ports, sorted; nothing means 443.
    package var ports: [UInt16]?
    /// Methods; none means every one.
    package var methods: Set<String>
    /// Paths; none means every one.
    package var paths: [RequestPathPattern]
    /// Where in the request.
    package var slot: SecretSlot
    /// Whether also over HTTP without TLS.
    package var clearText: Bool

    /// Makes an injection.
    package init(
        host: HostPattern, ports: [UInt16]? = nil, methods: Set<String> = [], paths: [RequestPathPattern] = [],
        slot: SecretSlot, clearText: Bool = false
    ) {
        self.host = host
        self.ports = ports
        self.methods = methods
        self.paths = paths
        self.slot = slot
        self.clearText = clearText
    }

    /// Whether it signs.
    package var isSignature: Bool { if case .sigV4 = slot { true } else { false } }

    /// The injection for one credential.
    func binding(lease: String) -> SecretBinding {
        SecretBinding(
            lease: lease, hosts: host, ports: Set(ports ?? [443]), methods: methods, paths: paths, slot: slot,
            allowsClearText: clearText
        )
    }
}

/// What a task takes away from the requests that its provider adds a secret to.
package struct InjectionNarrowing: Hashable, Sendable, Codable {
    /// The hosts; the provider's where it is left out.
    package var host: HostPattern?
    /// Their ports, sorted; the provider's where left out.
    package var ports: [UInt16]?
    /// Methods; the provider's where left out.
    package var methods: Set<String>?
    /// Paths; the provider's where left out.
    package var paths: [RequestPathPattern]?

    /// Makes a narrowing; what is left out stays as it is.
    package init(
        host: HostPattern? = nil, ports: [UInt16]? = nil, methods: Set<String>? = nil,
        paths: [RequestPathPattern]? = nil
    ) {
        self.host = host
        self.ports = ports
        self.methods = methods
        self.paths = paths
    }

    /// What is left of a binding; nothing when this asks for more than it covers.
    func applied(to binding: SecretBinding) -> SecretBinding? {
        var result = binding
        result.hosts = host ?? binding.hosts
        result.ports = ports.map(Set.init) ?? binding.ports
        result.methods = methods ?? binding.methods
        result.paths = paths ?? binding.paths
        return binding.covers(result) ? result : nil
    }
}
