// SPDX-License-Identifier: Apache-2.0

import RemitSession
import Testing

@Suite struct TerminalFilterTests {
    private func filtered(_ text: String, pieces: Int = .max) -> String {
        String(decoding: filtered(Array(text.utf8), pieces: pieces), as: UTF8.self)
    }

    private func filtered(_ bytes: [UInt8], pieces: Int = .max) -> [UInt8] {
        var filter = TerminalFilter()
        var shown: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            shown += filter.pass(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        return shown
    }

    /// What drawing needs, as vim, less, tmux and agents write it.
    static let drawing = [
        "plain text, tab\t, bell\u{7}, back\u{8}, lines\r\n", "größe → 漢字 🙂", "\u{1b}[H\u{1b}[2J\u{1b}[3J",
        "\u{1b}[10;20H",
        "\u{1b}[?1049h\u{1b}[22;0H", "\u{1b}[1;31;48;5;17m", "\u{1b}[38;2;255;100;0m", "\u{1b}[38:2::255:100:0m",
        "\u{1b}[4:3m", "\u{1b}[m", "\u{1b}[?25l", "\u{1b}[?1h\u{1b}=", "\u{1b}[?1l\u{1b}>", "\u{1b}[1;24r",
        "\u{1b}(0qqq\u{1b}(B",
        "\u{1b}7\u{1b}8\u{1b}M\u{1b}D\u{1b}E", "\u{1b}[?1000h\u{1b}[?1002h\u{1b}[?1006h", "\u{1b}[?2004h",
        "\u{1b}[?2026h",
        "\u{1b}[2 q", "\u{1b}[5L\u{1b}[5M\u{1b}[5P\u{1b}[5@\u{1b}[5X", "\u{1b}[3J\u{1b}[K\u{1b}[1K",
        "\u{1b}[4h\u{1b}[4l",
        "a\u{1b}[80b", "\u{1b}[s\u{1b}[u", "\u{1b}[!p", "\u{1b}#8", "\u{1b}%G", "\u{1b}[5S\u{1b}[5T", "\u{1b}[6n",
        "\u{1b}]8;;https://example.com/a?b=c\u{1b}\\link\u{1b}]8;;\u{1b}\\", "\u{1b}]8;id=1;http://example.com\u{1b}\\",
        "\u{1b}[?12l\u{1b}[?25h", "\u{1b}c",
    ]

    @Test(arguments: drawing)
    func `what drawing needs passes as it is`(text: String) {
        #expect(filtered(text) == text)
        #expect(filtered(text, pieces: 1) == text)
    }

    /// What a terminal obeys, and must not.
    static let forbidden: [(what: String, sequence: String)] = [
        ("clipboard, BEL", "\u{1b}]52;c;ZXZpbA==\u{7}"), ("clipboard, ST", "\u{1b}]52;c;ZXZpbA==\u{1b}\\"),
        ("clipboard read", "\u{1b}]52;c;?\u{7}"), ("title", "\u{1b}]0;title\u{7}"),
        ("title of the window", "\u{1b}]2;title\u{1b}\\"),
        ("title of screen", "\u{1b}ktitle\u{1b}\\"), ("title report", "\u{1b}[21t"), ("icon report", "\u{1b}[20t"),
        ("title stack", "\u{1b}[22;0t\u{1b}[23;0t"), ("window size", "\u{1b}[8;50;200t"),
        ("window report", "\u{1b}[18t"),
        ("colour query", "\u{1b}]4;1;?\u{7}"), ("foreground query", "\u{1b}]10;?\u{1b}\\"),
        ("background query", "\u{1b}]11;?\u{7}"), ("colour", "\u{1b}]4;1;#000000\u{7}"), ("colours", "\u{1b}]104\u{7}"),
        ("directory", "\u{1b}]7;file://host/etc\u{7}"), ("notification", "\u{1b}]9;text\u{7}"),
        ("notification with a title", "\u{1b}]777;notify;a;b\u{7}"),
        ("iTerm2 file", "\u{1b}]1337;File=name=eA==:AAAA\u{7}"),
        ("font query", "\u{1b}]50;?\u{7}"), ("link to a program", "\u{1b}]8;;ssh://-oProxyCommand=x\u{1b}\\"),
        ("link to a file", "\u{1b}]8;;file:///etc/passwd\u{1b}\\"),
        ("link to a man page", "\u{1b}]8;;x-man-page://x\u{7}"),
        ("secondary attributes", "\u{1b}[>c"), ("tertiary attributes", "\u{1b}[=c"), ("version", "\u{1b}[>q"),
        ("extended position", "\u{1b}[?6n"), ("printer status", "\u{1b}[?15n"), ("parameters", "\u{1b}[x"),
        ("mode report", "\u{1b}[?2026$p"), ("checksum of the screen", "\u{1b}[1;1;1;1;24;80*y"),
        ("identify", "\u{1b}Z"),
        ("answerback", "\u{5}"), ("settings query", "\u{1b}P$qm\u{1b}\\"), ("termcap query", "\u{1b}P+q544e\u{1b}\\"),
        ("user-defined keys", "\u{1b}P0;1|17/6c730d\u{1b}\\"), ("sixel", "\u{1b}Pq#0~~\u{1b}\\"),
        ("tmux pass-through", "\u{1b}Ptmux;\u{1b}\u{1b}]52;c;eA==\u{7}\u{1b}\\"),
        ("program command", "\u{1b}_Gf=24;AAAA\u{1b}\\"), ("privacy message", "\u{1b}^text\u{1b}\\"),
        ("start of string", "\u{1b}Xtext\u{1b}\\"), ("print", "\u{1b}[5i"), ("lock the keyboard", "\u{1b}[2h"),
        ("VT52", "\u{1b}[?2l"), ("132 columns", "\u{1b}[?3h"), ("conformance", "\u{1b}[62;1\"p"),
        ("8-bit answers", "\u{1b} G"),
        ("out of UTF-8", "\u{1b}%@"), ("keyboard protocol", "\u{1b}[>1u"), ("keyboard query", "\u{1b}[?u"),
        ("modified keys", "\u{1b}[>4;2m"), ("hilite tracking", "\u{1b}[1;1;1;1;24T"),
        ("endless repetition", "\u{1b}[65000b"),
        ("huge number", "\u{1b}[99999999999999999999A"), ("lights", "\u{1b}[1q"), ("self test", "\u{1b}[2;1y"),
        ("reports by itself", "\u{1b}[?2031h"), ("resize reports", "\u{1b}[?2048h"), ("ZMODEM", "\u{18}"),
        ("a lone terminator", "\u{1b}\\"), ("private parameters within", "\u{1b}[1?25h"),
    ]

    @Test(arguments: forbidden)
    func `what a terminal would obey goes`(what: String, sequence: String) {
        #expect(filtered("a\(sequence)b") == "ab", "\(what)")
        #expect(filtered("a\(sequence)b", pieces: 1) == "ab", "\(what), byte by byte")
    }

    @Test func `a string ends where a terminal would end it`() {
        #expect(filtered("\u{1b}]52;c;x\u{18}y") == "y", "CAN")
        #expect(filtered("\u{1b}Px\u{1a}y") == "y", "SUB")
        #expect(filtered("\u{1b}Px\u{7}y\u{1b}\\z") == "z", "BEL ends only a command")
        #expect(filtered("\u{1b}]0;x\u{9c}y") == "y", "the terminator of eight bits")
        #expect(filtered("\u{1b}]0;x\u{1b}[31my") == "\u{1b}[31my", "another sequence")
        #expect(filtered("\u{1b}]0;x\u{1b}]52;c;y\u{7}z") == "z", "another string")
        #expect(filtered("\u{1b}[3\u{1b}[1mx") == "\u{1b}[1mx", "a sequence within one")
        #expect(filtered("\u{1b}[3\nx") == "\nx", "a control within one")
    }

    @Test func `controls of eight bits are none, however they are written`() {
        let mark: [UInt8] = [0xEF, 0xBF, 0xBD]
        for control in UInt8(0x80)...0x9F {
            #expect(filtered([0x61, control, 0x62]) == [0x61] + mark + [0x62], "\(control)")
            #expect(filtered([0x61, 0xC2, control, 0x62]) == [0x61] + mark + [0x62], "\(control) in UTF-8")
        }
        // Within a character they are a part of it.
        #expect(filtered("ś\u{45b}Ｉ") == "ś\u{45b}Ｉ")
    }

    @Test(
        arguments: [
            [0xC0, 0x9B], [0xC1, 0x9B], [0xE0, 0x82, 0x9B], [0xF0, 0x80, 0x82, 0x9B], [0xED, 0xA0, 0x80], [0xF5, 0x80],
            [0xFF],
            [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
        ] as [[UInt8]])
    func `what is not UTF-8 is marked`(bytes: [UInt8]) {
        let shown = String(decoding: filtered(bytes + [0x61]), as: UTF8.self)
        #expect(shown.hasSuffix("a") && shown.dropLast().allSatisfy { $0 == "\u{FFFD}" } && shown.count > 1, "\(shown)")
    }

    @Test func `of several modes the harmless ones stay`() {
        #expect(filtered("\u{1b}[?25;2;1006l") == "\u{1b}[?25;1006l")
        #expect(filtered("\u{1b}[2;4h") == "\u{1b}[4h")
    }

    @Test func `what never ends takes no memory, and holds back nothing that was whole`() {
        var filter = TerminalFilter()
        #expect(filter.pass(Array("a\u{1b}]8;;https://".utf8)[...]) == [0x61])
        let more = [UInt8](repeating: 0x78, count: 1 << 20)
        for _ in 0..<8 { #expect(filter.pass(more[...]).isEmpty) }
        #expect(filter.pass(Array("\u{1b}\\b".utf8)[...]) == [0x62])
    }

    @Test func `what programs wait for is answered, and no more than a line holds`() {
        var filter = TerminalFilter()
        #expect(filter.pass(Array("\u{1b}[c\u{1b}[0c\u{1b}[5n".utf8)[...]).isEmpty)
        #expect(filter.takeReplies() == Array("\u{1b}[?62;22c\u{1b}[?62;22c\u{1b}[0n".utf8))
        #expect(filter.takeReplies().isEmpty)
        _ = filter.pass(Array(String(repeating: "\u{1b}[c", count: 10_000).utf8)[...])
        #expect(filter.takeReplies().count < 128)
    }

    @Test func `the position is asked for only where the answer is heard`() {
        var heard = TerminalFilter()
        #expect(heard.pass(Array("\u{1b}[6n".utf8)[...]).count == 4 && heard.positionsAsked == 1)
        var unheard = TerminalFilter(asksPosition: false)
        #expect(unheard.pass(Array("\u{1b}[6n".utf8)[...]).isEmpty && unheard.positionsAsked == 0)
    }

    @Test func `what was switched on is switched off`() {
        var filter = TerminalFilter()
        let on =
            "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?1000;1006h\u{1b}[?2004h\u{1b}=\u{1b}[1m\u{1b}[2;10r\u{1b}(0\u{1b}[4 q\u{1b}[4h"
        _ = filter.pass(Array(on.utf8)[...])
        #expect(filter.modes.isAlternate)
        let restoration = String(decoding: filter.modes.restoration, as: UTF8.self)
        #expect(
            restoration
                == "\u{1b}[?1049h\u{1b}[H\u{1b}[2J\u{1b}[?25l\u{1b}[?1000h\u{1b}[?1006h\u{1b}[?2004h\u{1b}=")
        let reset = filter.finish()
        for part in [
            "\u{1b}[?1049l", "\u{1b}[?25h", "\u{1b}[?1000l", "\u{1b}[?1006l", "\u{1b}[?2004l", "\u{1b}>",
            "\u{1b}[0m", "\u{1b}[r", "\u{1b}(B", "\u{1b}[0 q", "\u{1b}[4l",
        ] { #expect(String(decoding: reset, as: UTF8.self).contains(part), "\(part.debugDescription)") }
        // A terminal at rest is left alone, and what resets passes the filter itself.
        #expect(filter.finish().isEmpty)
        #expect(filtered(reset) == reset && filtered(Array(restoration.utf8)) == Array(restoration.utf8))
        _ = filter.pass(Array("\u{1b}[?25l\u{1b}[?25h\u{1b}[31m\u{1b}[m".utf8)[...])
        #expect(filter.finish().isEmpty)
    }

    @Test func `filtering twice is filtering once, on bytes of every kind`() {
        var generator = SystemRandomNumberGenerator()
        let pieces = Self.drawing + Self.forbidden.map(\.sequence)
        for _ in 0..<300 {
            var bytes: [UInt8] = []
            for _ in 0..<20 {
                var piece = Array((pieces.randomElement(using: &generator) ?? "").utf8)
                if Bool.random(using: &generator), !piece.isEmpty {
                    piece[Int.random(in: piece.indices, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
                bytes += piece
            }
            let once = filtered(bytes)
            #expect(filtered(once) == once, "\(bytes)")
            #expect(filtered(bytes, pieces: Int.random(in: 1...7, using: &generator)) == once, "\(bytes)")
        }
    }
}
