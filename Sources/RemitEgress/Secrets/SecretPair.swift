// SPDX-License-Identifier: Apache-2.0

/// A secret and the placeholder that the agent holds instead.
package struct SecretPair: Sendable, CustomStringConvertible {
    /// The lease that the secret belongs to.
    package let lease: String
    package let placeholder: [UInt8]
    package let value: [UInt8]

    package init(lease: String, placeholder: [UInt8], value: [UInt8]) {
        self.lease = lease
        self.placeholder = placeholder
        self.value = value
    }

    package var description: String { "secret of lease \(lease)" }

    /// Whether every character of the one takes as much room as its counterpart, however both are written: then one can
    /// stand where the other stood, and no length changes.
    var hasSameShape: Bool {
        value.count == placeholder.count
            && zip(value, placeholder).allSatisfy { $0 == $1 || (Self.isPlain($0) && Self.isPlain($1)) }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
