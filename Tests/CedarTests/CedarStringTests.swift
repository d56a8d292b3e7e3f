// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct CedarStringTests {
    @Test func `strings that differ in normalisation only are different`() {
        let composed = CedarString("\u{E9}")
        let decomposed = CedarString("e\u{301}")
        #expect(composed.string == decomposed.string)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(CedarRecord([composed: .long(1), decomposed: .long(2)]).count == 2)
        let type = Name(unchecked: "U")
        #expect(EntityUID(type: type, id: composed) != EntityUID(type: type, id: decomposed))
    }

    @Test func `order is that of bytes`() {
        #expect(CedarString("a") < "b")
        #expect(CedarString("a") < "aa")
        #expect(CedarString("e\u{301}") < "\u{E9}")
        #expect(CedarString("\u{FFFF}") < "\u{10000}")
        #expect(!(CedarString("b") < "a"))
        #expect(!(CedarString("a") < "a"))
    }

    @Test func `a literal hides nothing`() {
        #expect(CedarString("a\"\\\n\r\t\0\u{1B}\u{202E}é").literal == #""a\"\\\n\r\t\0\u{1b}\u{202e}é""#)
    }

    @Test func `bytes that are not UTF-8 are no string`() {
        #expect(CedarString(utf8: [0x61, 0xFF]) == nil)
        #expect(CedarString(utf8: [0xED, 0xA0, 0x80]) == nil)
        #expect(CedarString(utf8: [0x61, 0x62]) == "ab")
    }
}
