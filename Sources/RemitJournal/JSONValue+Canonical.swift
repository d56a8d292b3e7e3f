// SPDX-License-Identifier: Apache-2.0
// The one byte form of a JSON value, as RFC 8785 (JSON Canonicalization Scheme) gives it.

extension JSONValue {
    /// The canonical bytes: members sorted by UTF-16 code units, no white space, the fewest escapes (RFC 8785).
    package var canonicalBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        appendCanonical(to: &bytes)
        return bytes
    }

    /// The canonical bytes as text.
    package var canonicalText: String {
        String(decoding: canonicalBytes, as: UTF8.self)
    }

    /// Whether the value nests no deeper than ``depthLimit``, so that what we write can be read back.
    var isWithinDepthLimit: Bool { fits(in: Self.depthLimit) }

    private func fits(in depth: Int) -> Bool {
        switch self {
        case .null, .bool, .integer, .string: true
        case .array(let elements): depth > 0 && elements.allSatisfy { $0.fits(in: depth - 1) }
        case .object(let members): depth > 0 && members.values.allSatisfy { $0.fits(in: depth - 1) }
        }
    }

    func appendCanonical(to bytes: inout [UInt8]) {
        switch self {
        case .null:
            bytes.append(contentsOf: "null".utf8)
        case .bool(let value):
            bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value):
            bytes.append(contentsOf: String(value).utf8)
        case .string(let value):
            Self.appendString(value, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.appendCanonical(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            // Swift orders strings by Unicode canonical equivalence; RFC 8785 §3.2.3 wants UTF-16 code units.
            let names = members.keys.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
            for (index, name) in names.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.appendString(name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                members[name]?.appendCanonical(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Writes a string with the escapes of RFC 8785 §3.2.2.2 and no others.
    static func appendString(_ string: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x20...:
                bytes.append(byte)
            case 0x08: bytes.append(contentsOf: "\\b".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0C: bytes.append(contentsOf: "\\f".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            default:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Hex.digit(byte >> 4))
                bytes.append(Hex.digit(byte & 15))
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
