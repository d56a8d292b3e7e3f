// SPDX-License-Identifier: Apache-2.0

import RemitSession
import Testing

@Suite struct LineFilterTests {
    private func passed(_ text: String, _ size: Int, breaksSections: Bool = true) -> String {
        var filter = LineFilter(breaksSections: breaksSections)
        var shown: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            shown += filter.pass(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return String(decoding: shown + filter.finish(), as: UTF8.self)
    }

    @Test(arguments: [1, 2, 5, 1000])
    func `lines are whole, the last one is ended, and sections are none`(size: Int) {
        #expect(passed("a\nb", size) == "a\nb\n")
        #expect(passed("a\n", size) == "a\n" && passed("", size).isEmpty)
        #expect(
            passed("x section_start:1:a\r\nsection_end:2:a\rsection_", size)
                == "x section_start :1:a\r\nsection_end :2:a\rsection_\n")
        // Whatever a character before it makes of it.
        #expect(passed("\u{600}section_start:1", size) == "\u{600}section_start :1\n")
        #expect(passed("section_start:1\n", size, breaksSections: false) == "section_start:1\n")
    }

    @Test func `a half line waits for its end, but not for ever`() {
        var filter = LineFilter(breaksSections: true)
        #expect(filter.pass(Array("half".utf8)[...]).isEmpty)
        #expect(filter.pass(Array(" a line\nand".utf8)[...]) == Array("half a line\n".utf8))
        #expect(filter.pass([UInt8](repeating: 0x78, count: 20_000)[...]).count == 19_990)
    }

    @Test func `a marker in a line that is too long is none either`() {
        for length in 16_360...16_400 {
            let text = String(repeating: "x", count: length) + "section_start:1:a\r\n"
            for size in [length + 5, length + 13, 16_385] {
                #expect(!passed(text, size).contains("section_start:"), "\(length), \(size)")
            }
        }
    }
}
