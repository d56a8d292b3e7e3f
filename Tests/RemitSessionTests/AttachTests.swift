// SPDX-License-Identifier: Apache-2.0

import RemitJournal
import RemitKernel
import Testing

@testable import RemitSession

@Suite struct AttachTests {
    @Test(
        arguments: [
            ("ctrl-\\,d", [0x1C, 0x64]), ("ctrl-p,ctrl-q", [0x10, 0x11]), ("ctrl-@", [0]),
            ("CTRL-], x".filter { $0 != " " }, [0x1D, 0x78]),
            ("ctrl-P,~", [0x10, 0x7E]), ("", []),
        ] as [(String, [UInt8])])
    func `detach keys are read`(text: String, expected: [UInt8]) {
        guard var keys = DetachKeys(text) else {
            Issue.record("`\(text)` is not read")
            return
        }
        let taken = keys.take(expected[...])
        #expect(taken.isDetached != expected.isEmpty && taken.typed.isEmpty)
    }

    @Test(arguments: ["ctrl-", "ctrl-1", "ab", ",", "a,", "ctrl-ab", "é", " ", "ctrl-é", "a,b,c,d,e,f,g,h,i"])
    func `what are no keys is refused`(text: String) { #expect(DetachKeys(text) == nil) }

    @Test func `keys are found across pieces, and what only begins like them is typed`() {
        var keys = DetachKeys.standard
        var typed: [UInt8] = []
        var isDetached = false
        for piece in ["abc", "\u{1c}", "x\u{1c}", "\u{1c}d", "after"].map({ Array($0.utf8) }) where !isDetached {
            let taken = keys.take(piece[...])
            typed += taken.typed
            isDetached = taken.isDetached
        }
        #expect(isDetached && typed == Array("abc\u{1c}x\u{1c}".utf8))
    }

    @Test func `keys that repeat themselves are found`() throws {
        var keys = try #require(DetachKeys("a,a,b"))
        let taken = keys.take(Array("aaab".utf8)[...])
        #expect(taken.isDetached && taken.typed == [0x61])
    }

    static let frames: [AttachFrame] = [
        .input([1, 2, 3]), .resize(WindowSize(rows: 40, columns: 513)), .detach, .output([]),
        .output([UInt8](repeating: 7, count: AttachFrame.limit)), .replay([27]), .closed("taken over"),
        .ended(137, "über"),
        .ended(-1, ""),
    ]

    @Test func `messages arrive as they were sent, in whatever pieces`() throws {
        let bytes = Self.frames.flatMap(\.bytes)
        for size in [1, 3, 1000, bytes.count] {
            var reader = AttachFrameReader()
            var seen: [AttachFrame] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                reader.append(rest.prefix(size))
                rest = rest.dropFirst(size)
                if size == 1, rest.count > 2000, rest.count < bytes.count - 100 {
                    reader.append(rest.prefix(60_000))
                    rest = rest.dropFirst(60_000)
                }
                while let frame = try reader.next() { seen.append(frame) }
            }
            #expect(seen == Self.frames)
        }
    }

    @Test(
        arguments: [
            [0, 0, 0, 0, 0], [8, 0, 0, 0, 0], [1, 0, 1, 0, 1], [1, 255, 255, 255, 255], [2, 0, 0, 0, 3, 1, 2, 3],
            [3, 0, 0, 0, 1, 0],
            [7, 0, 0, 0, 3, 1, 2, 3], [71, 69, 84, 32, 47],
        ] as [[UInt8]])
    func `nonsense is refused`(bytes: [UInt8]) {
        var reader = AttachFrameReader()
        reader.append(bytes[...])
        #expect(throws: AttachFrameReader.Nonsense.self) { try reader.next() }
    }

    @Test func `a request says what it asked for, and sizes are sizes`() throws {
        for request in [
            AttachRequest(size: WindowSize(rows: 1, columns: 65_535), isReadOnly: false, steals: true),
            AttachRequest(size: nil, isReadOnly: true, steals: false),
        ] { #expect(AttachRequest(request.json) == request) }
        for bad in ["[]", #"{"rows":-1,"columns":2}"#, #"{"rows":70000,"columns":2}"#] {
            #expect(AttachRequest(try JSONValue(parsing: Array(bad.utf8))) == nil, "\(bad)")
        }
    }

    @Test func `the end of what was shown is kept, from the beginning of a line`() {
        var scrollback = Scrollback()
        scrollback.append(Array("first\nsecond".utf8)[...])
        #expect(Array(scrollback.text) == Array("first\nsecond".utf8))
        for number in 0..<100_000 { scrollback.append(Array("\u{1b}[3\(number % 8)mline \(number)\r\n".utf8)[...]) }
        let text = String(decoding: scrollback.text, as: UTF8.self)
        #expect(text.utf8.count <= Scrollback.limit && text.utf8.count > Scrollback.limit - 100)
        #expect(text.hasPrefix("\u{1b}[3") && text.hasSuffix("line 99999\r\n"))
    }
}
