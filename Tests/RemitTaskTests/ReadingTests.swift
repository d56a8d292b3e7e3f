// SPDX-License-Identifier: Apache-2.0

import RemitTask
import Testing

@Suite struct ReadingTests {
    @Test(
        arguments: [
            ("wrokspace", "workspace"), ("comand", "command"), ("OWNER", "owner"), ("openfiles", "openFiles"),
            ("xyz", nil),
            ("", nil),
        ] as [(String, String?)])
    func `a suggestion is near, or there is none`(word: String, expected: String?) {
        let known = ["workspace", "command", "owner", "openFiles", "intent"]
        #expect(Spelling.suggestion(for: word, among: known) == expected)
    }

    @Test func `a very long key costs no time`() {
        let key = String(repeating: "k", count: 900_000)
        let text = "apiVersion: remit/v1\nkind: Task\nname: x\n? \(key)\n: x\n"
        var error: FileError?
        let time = ContinuousClock().measure {
            error = #expect(throws: FileError.self) { try TaskFile.decode(text, file: "x") }
        }
        #expect(error?.line == 4)
        #expect(error.map { $0.message.count < 500 } == true)
        #expect(time < .seconds(5))
    }

    @Test func `offending text is escaped and shortened`() {
        #expect(Excerpt.of("a\u{1B}[31m`b`\n") == "a\\u{1b}[31m\\u{60}b\\u{60}\\n")
        #expect(Excerpt.of("user\u{202E}gpj") == "user\\u{202e}gpj")
        #expect(Excerpt.of("日本語") == "日本語")
        #expect(Excerpt.of(String(repeating: "x", count: 100)) == String(repeating: "x", count: 60) + "…")
    }

    @Test func `the kind of a file is found without decoding it`() throws {
        let bytes = Array("kind: Profile\nnonsense: [1\n]\napiVersion: remit/v1\n".utf8)
        #expect(try Document.kind(of: bytes, file: "x") == .profile)
    }

    @Test func `everything that is stored survives its own encoding`() throws {
        // Codable is for journals and status output; the canonical form is for digests.
        let profile = try ProfileCatalogue().resolve("strict")
        #expect(try Samples.roundTrip(profile) == profile)
        let task = try TaskFile.decode(Samples.task, file: "x")
        #expect(try Samples.roundTrip(task) == task)
        let configuration = try Configuration.decode(Samples.configuration, file: "x")
        #expect(try Samples.roundTrip(configuration) == configuration)
    }
}
