// SPDX-License-Identifier: Apache-2.0
// ECDSA takes s and n - s alike; we write and accept only the lower one.

internal import Crypto
internal import FoundationEssentials

/// The choice of one of the two signatures that are valid whenever one of them is.
enum LowS {
    /// The order of P-256's base point (SP 800-186 §3.2.1.3), big-endian.
    private static let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ]

    static func isLow(_ signature: P256.Signing.ECDSASignature) -> Bool {
        let s = Array(signature.rawRepresentation.suffix(32))
        return !subtract(s, from: order).lexicographicallyPrecedes(s)
    }

    static func lowered(_ signature: P256.Signing.ECDSASignature) throws -> P256.Signing.ECDSASignature {
        if isLow(signature) { return signature }
        let raw = Array(signature.rawRepresentation)
        return try P256.Signing.ECDSASignature(
            rawRepresentation: raw.prefix(32) + subtract(Array(raw.suffix(32)), from: order)
        )
    }

    /// The difference of two numbers of 32 bytes, big-endian, of which the second is the larger.
    private static func subtract(_ small: [UInt8], from large: [UInt8]) -> [UInt8] {
        var difference = large
        var borrow = 0
        for index in difference.indices.reversed() {
            let value = Int(large[index]) - Int(small[index]) - borrow
            borrow = value < 0 ? 1 : 0
            difference[index] = UInt8(truncatingIfNeeded: value)
        }
        return difference
    }
}
