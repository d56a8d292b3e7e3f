// SPDX-License-Identifier: Apache-2.0
// What a session did in its network, counted from its journal's `egress.*` records: the same fold for `inspect` and the
// receipt, so that both say what the journal says.

/// The counts of one host, or of all those that have none of their own.
package struct ReceiptEgressCount: Hashable, Sendable {
    /// Names of it that were asked for and resolved.
    package var names = 0
    /// Connections that were made.
    package var connections = 0
    /// Requests that were made, where they were read.
    package var requests = 0
    /// Bytes sent to it.
    package var bytesUp = 0
    /// Bytes received from it.
    package var bytesDown = 0
    /// Names, connections and requests that were refused.
    package var denied = 0

    /// Nothing counted yet.
    package init() {}
}

/// What a session did in its network.
package struct ReceiptEgress: Hashable, Sendable {
    /// A receipt names this many hosts; those that come later are counted together.
    package static let hostLimit = 256
    /// What those are counted under.
    package static let others = "(others)"

    /// By host: a name or an address.
    package private(set) var hosts: [String: ReceiptEgressCount] = [:]
    /// Placeholders that went where they are not bound, by credential.
    package private(set) var tripwires: [String: Int] = [:]
    /// What was used in all, by dimension of a budget, as the gate counted it.
    package private(set) var usage: [String: Int] = [:]
    /// How many connections were open when the fence cut them.
    package private(set) var cut: Int?

    /// Nothing happened yet.
    package init() {}

    /// Whether there was nothing to count.
    package var isEmpty: Bool { self == ReceiptEgress() }

    /// Counts a record; one that is not about egress changes nothing.
    package mutating func apply(_ type: String, _ body: JSONValue) {
        switch type {
        case "egress.name", "egress.connection", "egress.request": count(type, body)
        case "egress.tripwire":
            if let lease = body["lease"]?.text { tripwires[lease] = Self.sum(tripwires[lease] ?? 0, 1) }
        case "egress.usage":
            for (name, value) in body["session"]?.members ?? [:] {
                if let number = value.number, number >= 0 { usage[name] = number }
            }
        case "egress.fenced": cut = body["connections"]?.number
        default: break
        }
    }

    private mutating func count(_ type: String, _ body: JSONValue) {
        let host = body["name"]?.text ?? body["address"]?.text ?? "(no name)"
        let key = hosts[host] != nil || hosts.count < Self.hostLimit ? host : Self.others
        let times = max(1, body["count"]?.number ?? 1)
        var entry = hosts[key] ?? ReceiptEgressCount()
        if body["verdict"]?.text != "allow" {
            entry.denied = Self.sum(entry.denied, times)
        } else {
            switch type {
            case "egress.name": entry.names = Self.sum(entry.names, times)
            case "egress.request": entry.requests = Self.sum(entry.requests, times)
            default: entry.connections = Self.sum(entry.connections, times)
            }
            // A connection whose requests are read has no bytes of its own: they are on the records of its requests.
            entry.bytesUp = Self.sum(entry.bytesUp, max(0, body["up"]?.number ?? 0))
            entry.bytesDown = Self.sum(entry.bytesDown, max(0, body["down"]?.number ?? 0))
        }
        hosts[key] = entry
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    /// As a member of a receipt.
    package var json: JSONValue {
        [
            "hosts": .object(hosts.mapValues(\.json)), "tripwires": .object(tripwires.mapValues { .integer($0) }),
            "usage": .object(usage.mapValues { .integer($0) }), "cut": .optional(cut),
        ]
    }

    /// Reads a receipt's member.
    init(_ given: MemberReader) throws(ReceiptProblem) {
        var reader = given
        let named = try reader.value("hosts")
        guard case .object(let members) = named else { throw reader.refuse("hosts", "no object") }
        for (name, value) in members {
            hosts[name] = try ReceiptEgressCount(MemberReader(value, "\(reader.place("hosts")).\(name)"))
        }
        tripwires = try reader.counts("tripwires")
        usage = try reader.counts("usage")
        cut = try reader.optionalInteger("cut")
        try reader.finish()
    }
}

extension ReceiptEgressCount {
    fileprivate var json: JSONValue {
        [
            "names": .integer(names), "connections": .integer(connections), "requests": .integer(requests),
            "bytesUp": .integer(bytesUp), "bytesDown": .integer(bytesDown), "denied": .integer(denied),
        ]
    }

    fileprivate init(_ given: MemberReader) throws(ReceiptProblem) {
        var reader = given
        names = try reader.integer("names")
        connections = try reader.integer("connections")
        requests = try reader.integer("requests")
        bytesUp = try reader.integer("bytesUp")
        bytesDown = try reader.integer("bytesDown")
        denied = try reader.integer("denied")
        try reader.finish()
    }
}
