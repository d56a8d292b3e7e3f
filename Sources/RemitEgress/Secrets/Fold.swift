// SPDX-License-Identifier: Apache-2.0

/// What is not told apart when a value is looked for: letter case, the two alphabets of Base 64, and a space from the `+`
/// that a form writes for it.
///
/// Folding makes one pattern of many. It can only find too much, and a value with the entropy of a credential is not met by
/// accident in another case either.
enum Fold {
    static let map: [UInt8] = (0...255).map { (byte: Int) -> UInt8 in
        switch UInt8(byte) {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt8(byte) | 0x20
        case UInt8(ascii: "-"), UInt8(ascii: " "): UInt8(ascii: "+")
        case UInt8(ascii: "_"): UInt8(ascii: "/")
        default: UInt8(byte)
        }
    }

    /// Whether the byte may stand within a value without being a part of it: line breaks of wrapped Base 64, and the
    /// zero bytes of UTF-16.
    static func isFiller(_ byte: UInt8) -> Bool {
        byte == 0x0A || byte == 0x0D || byte == 0
    }

    /// The value as it is compared.
    static func fold(_ value: [UInt8]) -> [UInt8] {
        value.filter { !isFiller($0) }.map { map[Int($0)] }
    }
}
