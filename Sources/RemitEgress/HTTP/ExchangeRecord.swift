// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import RemitGate
internal import RemitNetwork

/// What is known of an exchange for the journal: no query, no body, no secret.
struct ExchangeRecord {
    var isAllowed = true
    var rule: String
    var reason: String?
    var address: String?
    var status: Int?
    var bytesUp: UInt64 = 0
    var bytesDown: UInt64 = 0
    var leases: Set<String> = []

    private let gate: GateConnection
    private let method: String
    private let path: String
    private let start: NIODeadline

    init(_ head: HTTPRequestHead, connection: AgentConnection, table: SecretTable) {
        gate = connection.gate
        rule = gate.rule.label
        method = head.method
        let path = String(head.path)
        // A placeholder may stand in the path, and a host's name for it may not.
        self.path = table.isEmpty ? path : table.redacted(path)
        start = connection.core.loop.now
    }

    /// The method and the path.
    var requestLine: String { "\(method) \(path)" }

    /// The record.
    func finished(at now: NIODeadline) -> EgressRecord {
        var name: String?
        var address = self.address
        switch gate.destination {
        case .name(let host): name = host.text
        case .address(let literal): address = address ?? literal.description
        }
        return EgressRecord(
            .request, isAllowed: isAllowed, rule: rule, reason: reason, name: name, address: address, port: gate.port,
            via: gate.via.rawValue, method: method, path: path, status: status, bytesUp: bytesUp, bytesDown: bytesDown,
            microseconds: isAllowed ? UInt64(max(0, (now - start).nanoseconds / 1000)) : nil, leases: leases.sorted()
        )
    }
}
