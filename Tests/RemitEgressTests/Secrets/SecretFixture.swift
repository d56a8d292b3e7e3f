// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitEgress

/// Secrets, and every spelling in which a server may give one back.
enum SecretFixture {
    static let anthropic = SecretPair(
        lease: "model", placeholder: Array("sk-ant-api03-kT7pQ2xZr9Lw4Vb8Nc1Md6Hf3Gj5Ks0Y-aB_cD".utf8),
        value: Array("sk-ant-api03-Zq8Wv3Xn6Rb1Tm9Py4Lk7Jh2Gf5Dc0Sa-eU_iO".utf8)
    )
    /// With the characters that encodings treat in a special way.
    static let cloud = SecretPair(
        lease: "cloud", placeholder: Array("aB3/dE6+gH9jK2mN5/pQ8sT1vW4+yZ7=cF0hJ\"k\\l%m&n".utf8),
        value: Array("wJ4/rX7+tU1nF5eM8/iK7mD3nG9+bP2=xR6fI\"C\\Y%E&z".utf8)
    )
    static let pairs = [anthropic, cloud]

    static let table: ScrubTable = {
        guard let table = try? ScrubTable(pairs) else { fatalError("no table") }
        return table
    }()

    /// A spelling: what it is called, and how it is made.
    struct Spelling: Sendable, CustomTestStringConvertible {
        let name: String
        let write: @Sendable ([UInt8]) -> [UInt8]

        var testDescription: String { name }
    }

    static let spellings: [Spelling] = [
        Spelling(name: "plain") { $0 },
        Spelling(name: "upper case") { Array(String(decoding: $0, as: UTF8.self).uppercased().utf8) },
        Spelling(name: "base64") { Base64.encode($0, padded: true) },
        Spelling(name: "base64 after one byte") { Base64.encode([1] + $0 + [2], padded: true) },
        Spelling(name: "base64 after two bytes") { Base64.encode([0xFE, 0xFF] + $0 + [2, 3], padded: false) },
        Spelling(name: "base64 of Basic credentials") {
            Base64.encode(Array("x-access-token:".utf8) + $0, padded: true)
        },
        Spelling(name: "base64url") { Base64.encode([0xFB] + $0, padded: false).map(urlSafe) },
        Spelling(name: "base64 in lines") { wrap(Base64.encode(Array("abcdefghi".utf8) + $0, padded: true), "\n") },
        Spelling(name: "base64 in lines with carriage returns") { wrap(Base64.encode($0, padded: true), "\r\n") },
        Spelling(name: "base64 in lines within JSON") { wrap(Base64.encode($0, padded: true), "\\n") },
        Spelling(name: "base64 within JSON, slashes escaped") { Base64.encode($0, padded: true).flatMap(slash) },
        Spelling(name: "base64 percent-encoded") {
            Base64.encode($0, padded: true).flatMap { percent($0, upper: true) }
        },
        Spelling(name: "hexadecimal") { EncodedForm.hexadecimal.encode($0) },
        Spelling(name: "upper-case hexadecimal") {
            Array(String(decoding: EncodedForm.hexadecimal.encode($0), as: UTF8.self).uppercased().utf8)
        },
        Spelling(name: "JSON") { $0.flatMap(json) },
        Spelling(name: "JSON with slashes escaped") { $0.flatMap { slash($0) != [$0] ? slash($0) : json($0) } },
        Spelling(name: "JSON with all escaped") { $0.flatMap { unicode($0, upper: false) } },
        Spelling(name: "JSON with all escaped in upper case") { $0.flatMap { unicode($0, upper: true) } },
        Spelling(name: "JSON with every third escaped") {
            $0.enumerated().flatMap { $0.offset % 3 == 0 ? unicode($0.element, upper: false) : json($0.element) }
        },
        Spelling(name: "JSON within JSON") { $0.flatMap(json).flatMap(json) },
        Spelling(name: "JSON within JSON within JSON") { $0.flatMap(json).flatMap(json).flatMap(json) },
        Spelling(name: "percent-encoded where needed") {
            $0.flatMap { EscapeReader.digit($0) != nil || isLetter($0) ? [$0] : percent($0, upper: true) }
        },
        Spelling(name: "all percent-encoded") { $0.flatMap { percent($0, upper: true) } },
        Spelling(name: "all percent-encoded in lower case") { $0.flatMap { percent($0, upper: false) } },
        Spelling(name: "every other percent-encoded") {
            $0.enumerated().flatMap {
                $0.offset % 2 == 1 || $0.element == UInt8(ascii: "%")
                    ? percent($0.element, upper: false) : [$0.element]
            }
        },
        Spelling(name: "percent-encoded twice") {
            $0.flatMap { percent($0, upper: true) }.flatMap { $0 == UInt8(ascii: "%") ? Array("%25".utf8) : [$0] }
        },
        Spelling(name: "JSON with all escaped within a form") {
            $0.flatMap { unicode($0, upper: false) }.flatMap { $0 == UInt8(ascii: "\\") ? Array("%5C".utf8) : [$0] }
        },
        Spelling(name: "backslash x") { $0.flatMap { Array("\\x".utf8) + EncodedForm.hexadecimal.encode([$0]) } },
        Spelling(name: "UTF-16") { $0.flatMap { [$0, 0] } },
    ]

    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    static func urlSafe(_ byte: UInt8) -> UInt8 {
        byte == UInt8(ascii: "+") ? UInt8(ascii: "-") : byte == UInt8(ascii: "/") ? UInt8(ascii: "_") : byte
    }

    static func percent(_ byte: UInt8, upper: Bool) -> [UInt8] {
        let digits = String(decoding: EncodedForm.hexadecimal.encode([byte]), as: UTF8.self)
        return Array("%\(upper ? digits.uppercased() : digits)".utf8)
    }

    static func unicode(_ byte: UInt8, upper: Bool) -> [UInt8] {
        let digits = String(decoding: EncodedForm.hexadecimal.encode([byte]), as: UTF8.self)
        return Array("\\u00\(upper ? digits.uppercased() : digits)".utf8)
    }

    static func json(_ byte: UInt8) -> [UInt8] {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") ? [UInt8(ascii: "\\"), byte] : [byte]
    }

    static func slash(_ byte: UInt8) -> [UInt8] {
        byte == UInt8(ascii: "/") ? Array("\\/".utf8) : [byte]
    }

    static func wrap(_ bytes: [UInt8], _ separator: String) -> [UInt8] {
        var wrapped: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if index > 0, index % 19 == 0 { wrapped += separator.utf8 }
            wrapped.append(byte)
        }
        return wrapped
    }

    /// Undoes every spelling at once, as a reader would who wants the value: what is left must not have it.
    static func contains(_ bytes: [UInt8], _ value: [UInt8]) -> Bool {
        func has(_ text: [UInt8], _ needle: [UInt8]) -> Bool {
            guard text.count >= needle.count else { return false }
            return (0...(text.count - needle.count)).contains { text[$0..<$0 + needle.count].elementsEqual(needle) }
        }
        var layers = [bytes]
        for _ in 0..<4 { layers.append(unescape(layers[layers.count - 1])) }
        layers.append(bytes.filter { $0 != 0 })
        return layers.contains { layer in
            let folded = layer.filter { !Fold.isFiller($0) }.map { Fold.map[Int($0)] }
            return EncodedForm.all.contains { has(folded, Fold.fold($0.encode(value))) }
        }
    }

    private static func unescape(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var index = 0
        while index < bytes.count {
            var length = 1
            var byte = bytes[index]
            if var reader = EscapeReader(introducer: byte) {
                reading: for next in bytes[(index + 1)...] {
                    length += 1
                    switch reader.read(next) {
                    case .more: continue
                    case .none:
                        length = 1
                        break reading
                    case .complete(let scalar, _):
                        byte = UInt8(truncatingIfNeeded: scalar)
                        break reading
                    }
                }
            }
            output.append(byte)
            index += length
        }
        return output
    }
}
