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
