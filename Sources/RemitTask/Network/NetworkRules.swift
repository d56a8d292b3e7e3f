// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// What a file says about the network: `network:` of a task, a profile or the configuration.
package struct NetworkRules: Hashable, Sendable, Codable {
    /// What may be reached; nothing where the file does not say. A task then reaches nothing; a profile and the
    /// configuration then bound nothing.
    package var allow: [NetworkEntry]?
    /// What may not be reached, whoever allows it.
    package var deny: [NetworkEntry]
    /// What a placeholder in the wrong place leads to; the strictest of all files counts.
    package var tripwire: TripwireAction?

    /// Makes rules; without arguments they say nothing.
    package init(
        allow: [NetworkEntry]? = nil, deny: [NetworkEntry] = [], tripwire: TripwireAction? = nil
    ) {
        self.allow = allow
        self.deny = deny
        self.tripwire = tripwire
    }

    /// Whether nothing is said.
    package var isEmpty: Bool { self == NetworkRules() }
}

/// One item of `allow` or `deny`.
package enum NetworkEntry: Hashable, Sendable, Codable {
    /// Hosts by a pattern.
    case rule(NetworkRule)
    /// A named list of rules, shipped or of the configuration.
    case group(String)
}

/// One rule as it is written.
package struct NetworkRule: Hashable, Sendable, Codable {
    /// Which hosts.
    package var host: HostPattern
    /// Which ports, sorted; nothing means 443, with clear text also 80, and every port for a denial.
    package var ports: [UInt16]?
    /// Which requests.
    package var http: HTTPRule?
    /// Whether HTTP without TLS is spoken.
    package var clearText: Bool
    /// Whether anything else than HTTP and TLS is spoken. With yes nothing is looked at. Nothing means, where the rule
    /// names its ports, none of them is one of the web's, and no requests: yes, but TLS must show the name.
    package var opaque: Bool?
    /// What a TLS connection must show of its name.
    package var sni: ServerNameRequirement
    /// Ranges of special addresses that the names may resolve to.
    package var addresses: [Network]

    /// Makes a rule; only the hosts are needed.
    package init(
        host: HostPattern, ports: [UInt16]? = nil, http: HTTPRule? = nil, clearText: Bool = false,
        opaque: Bool? = nil, sni: ServerNameRequirement = .required, addresses: [Network] = []
    ) {
        self.host = host
        self.ports = ports
        self.http = http
        self.clearText = clearText
        self.opaque = opaque
        self.sni = sni
        self.addresses = addresses
    }

    /// The rule as it is decided on.
    func egressRule(label: String, isDenial: Bool) -> EgressRule {
        let hasOwnPorts = ports.map { !$0.contains(80) && !$0.contains(443) } ?? false
        let standardOpaque: OpaqueStreams = hasOwnPorts && http == nil ? .unlessTLS : .never
        let standard: Set<UInt16> = isDenial ? [] : clearText ? [80, 443] : [443]
        return EgressRule(
            label: label, host: host, ports: ports.map(Set.init) ?? standard, http: http, allowsClearText: clearText,
            opaque: isDenial ? .never : opaque.map { $0 ? .always : .never } ?? standardOpaque, sni: sni,
            addresses: addresses, isDenial: isDenial
        )
    }
}

extension NetworkEntry: CustomStringConvertible {
    /// The item on one line: `*.example.com:443,8443 GET /v1/** up to 1MiB`.
    package var description: String {
        switch self {
        case .group(let name): "group \(name)"
        case .rule(let rule): rule.description
        }
    }
}

extension NetworkRule: CustomStringConvertible {
    /// The rule on one line: `*.example.com:443,8443 GET /v1/** up to 1MiB`.
    package var description: String {
        var words = [host.description + (ports.map { ":" + $0.map { "\($0)" }.joined(separator: ",") } ?? "")]
        if let http {
            if !http.methods.isEmpty { words.append(http.methods.sorted().joined(separator: "|")) }
            if !http.paths.isEmpty { words.append(http.paths.map(\.text).joined(separator: "|")) }
            if let limit = http.maxBody { words.append("up to \(ByteCount(bytes: limit))") }
        }
        if clearText { words.append("clear text") }
        if let opaque { words.append(opaque ? "opaque" : "not opaque") }
        if sni == .optional { words.append("server name optional") }
        if !addresses.isEmpty { words.append("at \(addresses.map(\.description).joined(separator: "|"))") }
        return words.joined(separator: " ")
    }
}
