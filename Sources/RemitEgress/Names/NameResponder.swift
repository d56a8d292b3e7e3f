// SPDX-License-Identifier: Apache-2.0

package import RemitGate
package import RemitNetwork

/// Decides what a query is answered with. Nothing is ever looked up or forwarded: a name that is allowed gets an address
/// that only stands for it, and it is resolved when, and only when, somebody connects.
package struct NameResponder: Sendable {
    /// What is allowed now.
    package var policy: EgressPolicy
    /// The names that were allowed so far.
    package private(set) var table: NameTable
    /// Whether connections to synthetic addresses of version 6 would be heard.
    package var hasVersion6 = false

    /// - Parameter limit: how many names can have addresses.
    package init(policy: EgressPolicy, limit: Int) {
        self.policy = policy
        table = NameTable(limit: limit)
    }

    /// The answer, and what to record of it: nothing for names that lead nowhere outside.
    package mutating func answer(_ query: NameQuery) -> (reply: NameReply, record: EgressRecord?) {
        guard query.isInternetClass else { return (.refused(.notSupported), nil) }
        guard let text = query.name, let name = try? HostName(text) else {
            let shown = query.name.map(Self.printable)
            return (.noSuchName(.prohibited), record(shown, query, denied: "not the name of a host", by: "the gate"))
        }
        if Self.isLocalhost(name) { return (Self.localhost(query.type), nil) }
        if name.text == SyntheticNetwork.name {
            return (.addresses(query.type == .address ? [SyntheticNetwork.gate.networkBytes] : []), nil)
        }
        switch policy.lookup(name) {
        case .denied(let denial):
            return (.noSuchName(.prohibited), record(name.text, query, denied: "\(denial)", by: denial.rule))
        case .allowed(let rule):
            guard let addresses = table.addresses(of: name) else {
                return (.failed(.other), record(name.text, query, denied: "too many names", by: "the gate"))
            }
            let record = EgressRecord(
                .name, isAllowed: true, rule: rule, name: name.text, method: query.type.description)
            return (reply(query.type, addresses), record)
        }
    }

    private func reply(_ type: RecordType, _ addresses: (v4: IPAddress, v6: IPAddress)) -> NameReply {
        switch type {
        case .address: .addresses([addresses.v4.networkBytes])
        case .addressV6: .addresses(hasVersion6 ? [addresses.v6.networkBytes] : [])
        // No bindings: a client then takes the port it was given, TCP, and a hello in the clear.
        case .https, .service: .addresses([])
        default: .refused(.notSupported)
        }
    }

    private func record(_ name: String?, _ query: NameQuery, denied reason: String, by rule: String) -> EgressRecord {
        EgressRecord(
            .name, isAllowed: false, rule: rule, reason: reason, name: name, method: query.type.description)
    }

    private static func isLocalhost(_ name: HostName) -> Bool {
        name.text == "localhost" || name.text.hasSuffix(".localhost")
    }

    /// RFC 6761 section 6.3: the loopback is the sandbox's own.
    private static func localhost(_ type: RecordType) -> NameReply {
        switch type {
        case .address: .addresses([[127, 0, 0, 1]])
        case .addressV6: .addresses([[UInt8](repeating: 0, count: 15) + [1]])
        default: .addresses([])
        }
    }

    /// Bytes that are no name, as they may be shown and kept.
    private static func printable(_ name: [UInt8]) -> String {
        String(decoding: name.map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
