// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct JSONReaderTests {
    private func reason(_ text: String) -> JSONError.Reason? { reason(Array(text.utf8)) }

    private func reason(_ bytes: [UInt8]) -> JSONError.Reason? {
        do {
            _ = try JSONReader.read(bytes)
            return nil
        } catch { return error.reason }
    }

    @Test(arguments: [
        "null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "1.5e+10", "-0", "\"\"",
        "\"a\\\"b\\\\\\n\\u0001é\u{1f600}\"", "[]", "{}", "[1,[2,{}],\"x\"]", "{\"b\":1,\"a\":{\"\":null}}",
    ]) func `what is read is written again as it was`(text: String) throws {
        #expect(JSONWriter.text(try JSONReader.read(text)) == text)
    }

    @Test func `members keep their order, and values know where they stood`() throws {
        let value = try JSONReader.read(" {\"b\": [10, true] , \"a\":\"x\"} ")
        #expect(value.range == 1..<28)
        let members = try #require(value.members)
        #expect(members.map { String(decoding: $0.key, as: UTF8.self) } == ["b", "a"])
        #expect(members[0].keyRange == 2..<5)
        #expect(members[0].value.range == 7..<17)
        #expect(value["b"]?.elements?.map(\.range) == [8..<10, 12..<16])
        #expect(value["c"] == nil)
    }

    @Test func `integers of 64 bits are told apart from all other numbers`() throws {
        for text in ["9223372036854775808", "-9223372036854775809", "1.0", "1e2", "-0", "0e0", "1E-1"] {
            guard case .number(let bytes) = try JSONReader.read(text).kind else {
                Issue.record("`\(text)` is read as something else")
                continue
            }
            #expect(bytes == Array(text.utf8))
        }
        guard case .integer(.min) = try JSONReader.read("-9223372036854775808").kind else {
            Issue.record("the smallest integer is not read")
            return
        }
    }

    @Test(arguments: ["01", "-", "1.", ".1", "1e", "+1", "1e+", "--1", "0x1", "00", "-01", "NaN", "Infinity"])
    func `numbers that JSON does not know are refused`(text: String) { #expect(reason(text) != nil) }

    @Test(arguments: [
        "", " ", "[", "[1", "[1,", "[1,]", "[,1]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{a:1}", "{1:1}",
        "nul", "tru", "True", "'a'", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u123g\"", "[1 2]", "{\"a\" 1}", "1 2",
        "[] x", "\"\u{1}\"", "\"\n\"", "// c\n1", "\u{feff}1", "\u{a0}1", "]", "}",
    ]) func `what is not JSON is refused`(text: String) { #expect(reason(text) != nil) }

    @Test func `a key that occurs twice is refused, also when it is written differently`() {
        #expect(reason("{\"a\":1,\"\\u0061\":2}") == .duplicateKey(Array("a".utf8)))
        #expect(reason("[{\"a\":{\"b\":1,\"c\":2,\"b\":1}}]") == .duplicateKey(Array("b".utf8)))
    }

    @Test func `keys that Unicode calls equivalent are two keys`() throws {
        let value = try JSONReader.read("{\"\u{e9}\":1,\"e\u{301}\":2}")
        #expect(value.members?.count == 2)
    }

    @Test func `surrogates are read in pairs and refused alone`() throws {
        #expect(try JSONReader.read("\"\\uD83D\\ude00\"").bytes == Array("\u{1f600}".utf8))
        for text in ["\\ud83d", "\\ude00", "\\ud83d\\ud83d", "\\ud83dx", "\\ud83d\\n", "\\ude00\\ud83d"] {
            #expect(reason("\"\(text)\"") == .malformedEscape, "\(text)")
        }
    }

    @Test(
        arguments: [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80],
            [0xf0, 0x80, 0x80, 0x80],
        ] as [[UInt8]]) func `bytes that are not UTF-8 are refused`(bytes: [UInt8])
    {
        #expect(reason([0x22] + bytes + [0x22]) == .malformedUTF8)
        #expect(reason(bytes) != nil)
    }

    @Test func `depth is bounded, however deep the text claims to go`() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth) + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(reason(nested(127)) == nil)
        #expect(reason(nested(128)) == .tooDeep(limit: 127))
        #expect(reason(nested(1_000_000)) == .tooDeep(limit: 127))
        let objects = String(repeating: "{\"a\":", count: 100_000)
        #expect(reason(objects) == .tooDeep(limit: 127))
    }

    @Test func `length is bounded before anything is read`() {
        #expect(throws: JSONError(.tooLong(limit: 3), at: 0)) {
            try JSONReader.read("[[[[", limits: JSONReader.Limits(length: 3))
        }
    }

    @Test func `the error says what and where`() {
        #expect(throws: JSONError(.unexpectedByte(UInt8(ascii: "]")), at: 4)) { try JSONReader.read("[1, ]") }
        #expect(JSONError(.unexpectedByte(UInt8(ascii: "]")), at: 4).description == "unexpected `]` in JSON")
        #expect(JSONError(.duplicateKey(Array("a".utf8)), at: 0).description == "duplicate key `a`")
    }

    @Test func `the indented style puts each member and element on a line of its own`() throws {
        let value = try JSONReader.read("{\"a\":[1,2],\"b\":{},\"c\":[]}")
        #expect(
            JSONWriter.text(value, style: .indented)
                == "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}")
    }
}
