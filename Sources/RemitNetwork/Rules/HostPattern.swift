// SPDX-License-Identifier: Apache-2.0

/// Which hosts a rule is about.
package enum HostPattern: Hashable, Sendable {
    /// `*`: every name, and no literal address.
    case any
    /// `example.com`: this name.
    case exact(HostName)
    /// `*.example.com`: every name below this one, at any depth, and not this one.
    case subdomains(HostName)
    /// `10.0.0.0/8` or `192.0.2.1`: literal addresses, and nothing that a name resolves to.
    case network(Network)

    /// Reads a pattern as it stands in a rule; brackets around an address of version 6 are optional.
    ///
    /// - Throws: ``HostNameError`` when it is none of the forms.
    package init(_ text: String) throws(HostNameError) {
        if text == "*" {
            self = .any
        } else if text.hasPrefix("*.") {
            self = .subdomains(try HostName(text.utf8.dropFirst(2)))
        } else if let network = Network(text), !network.base.isMappedForm {
            self = .network(network)
        } else {
            switch try Destination(text.utf8) {
            case .name(let name): self = .exact(name)
            case .address(let address): self = .network(Network(address))
            }
        }
    }

    /// Whether a destination is one of these hosts.
    package func matches(_ destination: Destination) -> Bool {
        switch (self, destination) {
        case (.any, .name): true
        case (.exact(let name), .name(let other)): name == other
        case (.subdomains(let name), .name(let other)): other.isSubdomain(of: name)
        case (.network(let network), .address(let address)): network.contains(address.unmapped)
        default: false
        }
    }

    /// Whether every host of another pattern is one of these.
    package func covers(_ other: HostPattern) -> Bool {
        switch (self, other) {
        case (.any, .any), (.any, .exact), (.any, .subdomains): true
        case (.exact(let name), .exact(let other)): name == other
        case (.subdomains(let name), .exact(let other)): other.isSubdomain(of: name)
        case (.subdomains(let name), .subdomains(let other)): name == other || other.isSubdomain(of: name)
        case (.network(let network), .network(let other)): network.contains(other)
        default: false
        }
    }
}

extension IPAddress {
    /// Whether a range of it would hold addresses that are compared as version 4.
    fileprivate var isMappedForm: Bool {
        if case .v6(high: 0, let low) = self { low >> 32 == 0xFFFF } else { false }
    }
}

extension HostPattern: CustomStringConvertible {
    /// The pattern as a rule writes it, in canonical form.
    package var description: String {
        switch self {
        case .any: "*"
        case .exact(let name): name.text
        case .subdomains(let name): "*.\(name)"
        case .network(let network): network.description
        }
    }
}
