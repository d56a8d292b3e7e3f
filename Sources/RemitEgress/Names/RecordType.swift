// SPDX-License-Identifier: Apache-2.0

/// A type of resource records, see IANA's registry of DNS parameters.
package struct RecordType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let address = RecordType(rawValue: 1)
    package static let addressV6 = RecordType(rawValue: 28)
    /// EDNS (RFC 6891).
    package static let options = RecordType(rawValue: 41)
    /// Service bindings (RFC 9460): where a client would learn of other ports, of QUIC, and of keys to encrypt its hello.
    package static let service = RecordType(rawValue: 64)
    package static let https = RecordType(rawValue: 65)
}

extension RecordType: CustomStringConvertible {
    /// As records show it: the mnemonic of the common ones, `TYPE99` (RFC 3597) for others.
    package var description: String {
        switch self {
        case .address: "A"
        case .addressV6: "AAAA"
        case .service: "SVCB"
        case .https: "HTTPS"
        case RecordType(rawValue: 2): "NS"
        case RecordType(rawValue: 5): "CNAME"
        case RecordType(rawValue: 6): "SOA"
        case RecordType(rawValue: 12): "PTR"
        case RecordType(rawValue: 15): "MX"
        case RecordType(rawValue: 16): "TXT"
        case RecordType(rawValue: 33): "SRV"
        case RecordType(rawValue: 255): "ANY"
        default: "TYPE\(rawValue)"
        }
    }
}
