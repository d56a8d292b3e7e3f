// SPDX-License-Identifier: Apache-2.0

/// What a connection must show of the name it is for.
package enum ServerNameRequirement: String, Hashable, Sendable, Codable, CaseIterable {
    /// A server name in the clear that is the name connected to (RFC 6066 section 3).
    case required
    /// It may be missing or encrypted; one that is there must still be the name.
    case optional
}

/// One rule: which hosts, on which ports, and what of them.
package struct EgressRule: Hashable, Sendable {
    /// Where it was written: `task.yaml: network.allow[2]`, or a group's name behind that.
    package var label: String
    /// Which hosts.
    package var host: HostPattern
    /// Which ports; none means every port, which only a denial may say.
    package var ports: Set<UInt16>
    /// Which requests, where they have to be read.
    package var http: HTTPRule?
    /// Whether HTTP without TLS is spoken.
    package var allowsClearText: Bool
    /// Whether anything else is spoken: the stream is then passed through unread, unless something has to be read on it.
    package var opaque: OpaqueStreams
    /// What a TLS connection must show.
    package var sni: ServerNameRequirement
    /// Ranges of special addresses that the names of this rule may resolve to.
    package var addresses: [Network]
    /// Whether it denies.
    package var isDenial: Bool

    /// Makes a rule that allows HTTPS unless said otherwise.
    package init(
        label: String, host: HostPattern, ports: Set<UInt16> = [443], http: HTTPRule? = nil,
        allowsClearText: Bool = false, opaque: OpaqueStreams = .never, sni: ServerNameRequirement = .required,
        addresses: [Network] = [], isDenial: Bool = false
    ) {
        self.label = label
        self.host = host
        self.ports = ports
        self.http = http
        self.allowsClearText = allowsClearText
        self.opaque = opaque
        self.sni = sni
        self.addresses = addresses
        self.isDenial = isDenial
    }

    /// Whether it is about a port.
    package func applies(to port: UInt16) -> Bool { ports.isEmpty || ports.contains(port) }

    /// Whether it opens an address that no rule reaches otherwise. One that hands out credentials must be named itself.
    ///
    /// This is for rules of a verdict, whose ``addresses`` hold the ranges that layers named as hosts as well.
    package func opens(_ address: IPAddress) -> Bool {
        let address = address.unmapped
        return addresses.contains { network in
            network.contains(address) && (network.isSingle || address.scope != .metadata)
        }
    }

    /// Whether everything that another rule allows on a port is allowed by this one.
    func covers(_ other: EgressRule, on port: UInt16) -> Bool {
        let opened = addresses + hostNetworks
        return host.covers(other.host) && applies(to: port) && (http?.covers(other.http) ?? true)
            && (allowsClearText || !other.allowsClearText) && opaque >= other.opaque
            && (sni == .optional || other.sni == .required)
            && other.addresses.allSatisfy { wanted in opened.contains { $0.contains(wanted) } }
    }

    /// The range that its host is.
    var hostNetworks: [Network] { if case .network(let network) = host { [network] } else { [] } }
}
