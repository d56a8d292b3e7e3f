// SPDX-License-Identifier: Apache-2.0

/// Something that a gate decided, as it goes into the journal. It holds no secret, no query and no body.
package struct EgressRecord: Hashable, Sendable {
    /// What was decided on.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A name that was asked for.
        case name
        /// A connection.
        case connection
        /// A request.
        case request
    }

    /// What was decided on.
    package var kind: Kind
    /// Whether it was allowed.
    package var isAllowed: Bool
    /// The label of the rule that allowed or denied it, or the name of the layer that has none.
    package var rule: String
    /// Why it was denied or failed, as one clause; nothing for what was allowed and done.
    package var reason: String?
    /// The name; nothing for a literal address or for bytes that are no name.
    package var name: String?
    /// The address connected to or asked for; nothing where there was none.
    package var address: String?
    /// The port.
    package var port: UInt16?
    /// How the agent came: `transparent`, `connect`, `socks`, `absolute-form`.
    package var via: String?
    /// The method of a request, or the type of a query for a name.
    package var method: String?
    /// The path of a request, without its query.
    package var path: String?
    /// The status of the answer to a request.
    package var status: Int?
    /// Bytes sent to the host.
    package var bytesUp: UInt64
    /// Bytes received from the host.
    package var bytesDown: UInt64
    /// How long it took, in microseconds; nothing for what was denied.
    package var microseconds: UInt64?
    /// The names of the credentials that were used.
    package var leases: [String]
    /// How many like it this record stands for, at a rate above which each would be too much.
    package var count: Int

    /// Makes a record.
    package init(
        _ kind: Kind, isAllowed: Bool, rule: String, reason: String? = nil, name: String? = nil,
        address: String? = nil, port: UInt16? = nil, via: String? = nil, method: String? = nil, path: String? = nil,
        status: Int? = nil, bytesUp: UInt64 = 0, bytesDown: UInt64 = 0, microseconds: UInt64? = nil,
        leases: [String] = [], count: Int = 1
    ) {
        self.kind = kind
        self.isAllowed = isAllowed
        self.rule = rule
        self.reason = reason
        self.name = name
        self.address = address
        self.port = port
        self.via = via
        self.method = method
        self.path = path
        self.status = status
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.microseconds = microseconds
        self.leases = leases
        self.count = count
    }
}
