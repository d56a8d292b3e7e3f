// SPDX-License-Identifier: Apache-2.0

/// Base 64 (RFC 4648 §4), as credentials in an `Authorization: Basic` field are written (RFC 7617).
enum Base64 {
    static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    static func encode(_ bytes: [UInt8], padded: Bool) -> [UInt8] {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(bytes.count / 3 * 4 + 4)
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes {
            buffer = (buffer << 8 | UInt32(byte)) & 0xFFFF
            bits += 8
            while bits >= 6 {
                bits -= 6
                encoded.append(alphabet[Int(buffer >> bits & 63)])
            }
        }
        if bits > 0 { encoded.append(alphabet[Int(buffer << (6 - bits) & 63)]) }
        while padded, encoded.count % 4 != 0 { encoded.append(UInt8(ascii: "=")) }
        return encoded
    }

    /// The bytes, from either alphabet, padded or not; nil where a character is foreign or the length impossible.
    static func decode(_ encoded: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count / 4 * 3 + 3)
        var buffer: UInt32 = 0
        var bits = 0
        var padding = 0
        for character in encoded {
            if character == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            let value = values[Int(character)]
            guard value != 0xFF, padding == 0 else { return nil }
            buffer = (buffer << 6 | UInt32(value)) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
            }
        }
        return bits < 6 && padding <= 2 ? bytes : nil
    }
}
