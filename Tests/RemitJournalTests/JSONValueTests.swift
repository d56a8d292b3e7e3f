// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitJournal

@Suite struct `JSON values` {
    @Test(arguments: [
        #"{"a":1,"b":[true,false,null],"c":{"d":"e"}}"#, "0", "-1", "9223372036854775807", "-9223372036854775808", "[]",
        #""\u0000\b\t\n\f\r\"\\é€😀/""#, "{}", #"{"":""}"#,
    ])
    func `canonical text is read and written alike`(text: String) throws {
        #expect(try JSONValue(canonical: Array(text.utf8)).canonicalText == text)
    }

    @Test func `members are sorted by UTF-16 code units`() {
        // U+FB33 sorts after U+1F600, whose first code unit is 0xD83D (RFC 8785 §3.2.3).
        let value: JSONValue = [
            "\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7,
        ]
        #expect(
            value.canonicalText
                == "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        )
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "'a'", "tru", "nul", "1 2", "{}{}", "[1 2]",
        "01", "-0", "-", "+1", "1.0", "1e3", "1E3", ".5", "9223372036854775808", "-9223372036854775809",
        "99999999999999999999999", "NaN", "Infinity", "\"a", "\"\n\"", "\"\t\"", #""\x""#, #""\u12""#, #""\u12G4""#,
        #""\ud800""#, #""\ud800\ud800""#, #""\udc00""#, #""\ud800x""#, #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#,
        "{\"\u{e9}\":1,\"e\u{301}\":2}", "\u{feff}{}", "/**/1", "[\"a\":1]",
    ])
    func `malformed text is refused`(text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC3, 0x22],
            [0x22, 0x5C, 0x6E, 0xFF, 0x22], [0x22, 0x5C], [0x00],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
    }

    @Test(arguments: [
        (" {}", 0), ("{} ", 2), (#"{"b":1,"a":2}"#, 2), (#"{"a": 1}"#, 5), (#""\/""#, 1), (#""\u0041""#, 1),
        (#""\u000A""#, 2),
    ])
    func `text in another form is refused at the first difference`(text: String, offset: Int) {
        #expect(throws: JSONError(offset: offset, reason: "not in canonical form")) {
            try JSONValue(canonical: Array(text.utf8))
        }
    }

    @Test func `nesting ends at the limit`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        _ = try JSONValue(parsing: nested(JSONValue.depthLimit))
        #expect(throws: JSONError.self) { try JSONValue(parsing: nested(JSONValue.depthLimit + 1)) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: nested(1_000_000)) }
    }

    @Test func `damaged text never stops the program`() {
        var generator = SystemRandomNumberGenerator()
        let seed = Array(#"{"a":[1,-2,"x\u00e9\ud83d\ude00\n"],"b":{"c":null,"d":true}}"#.utf8)
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                }
                if bytes.isEmpty { break }
            }
            if let value = try? JSONValue(parsing: bytes) {
                #expect((try? JSONValue(canonical: value.canonicalBytes)) == value)
            }
        }
    }
}
