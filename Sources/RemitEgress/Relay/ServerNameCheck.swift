// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

extension ClientHello {
    /// Why a hello does not show what a connection is for; `nil` when it does.
    ///
    /// The name that the connection was allowed for must be the name that the server hears, or an allowed address could be
    /// asked for another host behind it.
    package func objection(to destination: Destination, under rule: EgressRule) -> ConnectionRefusal? {
        let isOptional = rule.sni == .optional
        if isEncrypted {
            return isOptional ? nil : refusal("encrypted-sni", "the server name is encrypted", rule)
        }
        guard let serverName else {
            // An address is no server name (RFC 6066 section 3), so a client that connects to one sends none.
            if isOptional { return nil }
            if case .address = destination { return nil }
            return refusal("no-sni", "the TLS hello has no server name", rule)
        }
        guard let name = try? HostName(serverName) else {
            return refusal("sni", "the server name is not the name of a host", rule)
        }
        switch destination {
        case .name(name): return nil
        case .name: return refusal("sni", "the server name is not the name that was connected to", rule)
        case .address:
            return isOptional ? nil : refusal("sni", "there is a server name, and an address was connected to", rule)
        }
    }

    private func refusal(_ code: String, _ reason: String, _ rule: EgressRule) -> ConnectionRefusal {
        ConnectionRefusal(code, reason, rule: rule.label)
    }
}
