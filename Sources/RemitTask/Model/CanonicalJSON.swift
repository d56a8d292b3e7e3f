// SPDX-License-Identifier: Apache-2.0
// One byte string for one meaning, for digests: JSON without white space and with sorted keys, as in RFC 8785.

/// A JSON value that is written in one way only.
package indirect enum CanonicalJSON: Hashable, Sendable {
    /// Text.
    case string(String)
    /// A whole number.
    case integer(Int64)
    /// A number with a fraction; whole ones are written as integers.
    case number(Double)
    /// `true` or `false`.
    case boolean(Bool)
    /// A list in its order.
    case list([CanonicalJSON])
    /// A map, written with its keys sorted by UTF-16 code units.
    case map([String: CanonicalJSON])

    /// The UTF-8 text.
    package var bytes: [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }

    private func write(to output: inout [UInt8]) {
        switch self {
        case .string(let text): Self.write(text, to: &output)
        case .integer(let number): output += Array("\(number)".utf8)
        case .number(let number):
            output += Array((Int64(exactly: number).map { "\($0)" } ?? "\(number)").utf8)
        case .boolean(let value): output += Array((value ? "true" : "false").utf8)
        case .list(let items):
            output.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                item.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .map(let values):
            output.append(UInt8(ascii: "{"))
            let sorted = values.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
            for (index, (key, value)) in sorted.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.write(key, to: &output)
                output.append(UInt8(ascii: ":"))
                value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): output += Array("\\\"".utf8)
            case UInt8(ascii: "\\"): output += Array("\\\\".utf8)
            case 0x08: output += Array("\\b".utf8)
            case 0x09: output += Array("\\t".utf8)
            case 0x0A: output += Array("\\n".utf8)
            case 0x0C: output += Array("\\f".utf8)
            case 0x0D: output += Array("\\r".utf8)
            case 0..<0x20: output += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}

extension CanonicalJSON {
    /// A map without the keys that have no value.
    static func object(_ values: [String: CanonicalJSON?]) -> CanonicalJSON {
        .map(values.compactMapValues { $0 })
    }

    static func texts(_ texts: [String]) -> CanonicalJSON { .list(texts.map(CanonicalJSON.string)) }

    static func texts(_ texts: [String: String]) -> CanonicalJSON { .map(texts.mapValues(CanonicalJSON.string)) }

    static func text(_ value: (some CustomStringConvertible)?) -> CanonicalJSON? {
        value.map { .string($0.description) }
    }

    static func integer(_ value: Int?) -> CanonicalJSON? { value.map { .integer(Int64($0)) } }
}
