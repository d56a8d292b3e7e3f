// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitEgress

@Suite struct ResponseScrubberTests {
    let table = SecretFixture.table

    func scrub(_ pieces: [[UInt8]], _ headers: HeaderFields = HeaderFields([])) throws -> [UInt8] {
        var scrubber = ResponseScrubber(table)
        var headers = headers
        _ = try scrubber.head(status: 200, &headers, hasBody: true)
        var output: [UInt8] = []
        for piece in pieces { output += try scrubber.body(piece) }
        return output + (try scrubber.finish())
    }

    @Test(arguments: SecretFixture.spellings, 0..<2)
    func `a secret is found in every spelling, wherever the body is cut`(
        spelling: SecretFixture.Spelling, which: Int
    ) throws {
        let pair = SecretFixture.pairs[which]
        let written = spelling.write(pair.value)
        let body = Array("{\"echo\": \"".utf8) + written + Array("\", \"s\": 1}".utf8)
        #expect(SecretFixture.contains(body, pair.value))
        let whole = try scrub([body])
        #expect(!SecretFixture.contains(whole, pair.value), "\(String(decoding: whole, as: UTF8.self))")
        #expect(whole.count == body.count)
        for cut in stride(from: 0, through: body.count, by: body.count > 250 ? 5 : 1) {
            let cutInTwo = try scrub([Array(body[..<cut]), Array(body[cut...])])
            #expect(cutInTwo == whole, "cut at \(cut)")
        }
        #expect(try scrub(body.map { [$0] }) == whole)
    }

    @Test(arguments: SecretFixture.spellings)
    func `what is written instead is the placeholder in the same spelling`(spelling: SecretFixture.Spelling) throws {
        let pair = SecretFixture.anthropic
        // Case is folded away, an escape of an escape is covered, and Base 64 in JSON has other slashes.
        let covered = [
            "upper case", "percent-encoded twice", "JSON with all escaped within a form",
            "base64 within JSON, slashes escaped",
        ]
        guard !covered.contains(spelling.name) else { return }
        let output = try scrub([spelling.write(pair.value)])
        let expected = spelling.write(pair.placeholder)
        // Characters of Base 64 that hold bits of the bytes before and after stay.
        let differing = zip(output, expected).count { $0 != $1 }
        #expect(output.count == expected.count)
        #expect(differing <= (spelling.name.hasPrefix("base64") ? 2 : 0), "\(String(decoding: output, as: UTF8.self))")
    }

    @Test(arguments: [
        "%", "%4", "\\", "\\u", "\\u00", "\\\\", "%25", "%5C", "\\u005", "\r", "\n", "sk-ant-", "s%73\\u0073k-",
    ])
    func `nothing before a secret hides it`(prefix: String) throws {
        for spelling in SecretFixture.spellings where spelling.name != "base64 of Basic credentials" {
            let value = SecretFixture.anthropic.value
            // A percent sign may swallow the first digits of hexadecimal in a reader's eyes: the others must be covered.
            let output = try scrub([Array(prefix.utf8) + spelling.write(value) + Array("tail".utf8)])
            #expect(
                !SecretFixture.contains(output, value), "\(spelling.name): \(String(decoding: output, as: UTF8.self))")
            #expect(!SecretFixture.contains(output, Array(value.dropFirst(2))), "\(spelling.name)")
        }
    }

    @Test func `a secret that begins another one leaves nothing of it`() throws {
        let short = Array("sk-0123456789abcdef".utf8)
        let long = short + Array("GHIJKLMNOPQRSTUV".utf8)
        let table = try ScrubTable([
            SecretPair(lease: "a", placeholder: Array(repeating: 0x61, count: short.count), value: short),
            SecretPair(lease: "b", placeholder: Array(repeating: 0x62, count: long.count), value: long),
        ])
        for cut in 0...long.count {
            var stream = PatternStream(table.patterns)
            var output = stream.push(Array(long[..<cut]), decide: table.replacement)
            output += stream.push(Array(long[cut...]), decide: table.replacement)
            output += stream.finish(decide: table.replacement)
            #expect(output == Array(repeating: 0x62, count: long.count))
        }
        // One inside of the other's end.
        let overlapping = Array("xyzzy-plugh-sk-01234567".utf8)
        let second = try ScrubTable([
            SecretPair(lease: "a", placeholder: overlapping.map { _ in 0x61 }, value: overlapping),
            SecretPair(lease: "b", placeholder: short.map { _ in 0x62 }, value: short),
        ])
        let text = Array("xyzzy-plugh-sk-0123456789abcdef!".utf8)
        #expect(second.scrubbed(text) == overlapping.map { _ in 0x61 } + Array("********!".utf8))
    }

    @Test func `events of a stream are not delayed`() {
        var stream = PatternStream(table.patterns)
        let events = [
            "data: {\"delta\": \"is\"}\n\n", "data: s\n\n", "data: sk-ant\r\n\r\n", ": s\n\n", "data: [DONE]\n\n",
        ]
        for event in events {
            #expect(stream.push(Array(event.utf8), decide: table.replacement) == Array(event.utf8))
            #expect(stream.heldCount == 0)
        }
        // Only what may be the beginning of a secret waits.
        #expect(stream.push(Array("the word is sk-a".utf8), decide: table.replacement) == Array("the word is ".utf8))
        #expect(stream.push(Array("sk".utf8), decide: table.replacement) == Array("sk-a".utf8))
        #expect(stream.push(Array("!".utf8), decide: table.replacement) == Array("sk!".utf8))
    }

    @Test func `bytes without secrets pass unchanged, whatever they are`() throws {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("sk-ant-api03-%\\\\u0073%7325\n\r\0xZzc2stYW50LWFwaTAz736b2d".utf8)
        for _ in 0..<300 {
            let body = (0..<Int.random(in: 0..<400, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? alphabet.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0...255)
            }
            let cut = Int.random(in: 0...body.count, using: &generator)
            #expect(try scrub([Array(body[..<cut]), Array(body[cut...])]) == body)
        }
    }

    @Test(arguments: 0..<64)
    func `a row of escapes that may be read in many ways hides nothing`(count: Int) throws {
        let value = SecretFixture.anthropic.value
        for row in ["\\", "%", "%25", "\\u005c", "%5C"] {
            // The last is cut off by the secret itself.
            for cut in ["", "x1", "u00", "\\u005", "%5"] {
                let body = Array((String(repeating: row, count: count) + cut).utf8) + value
                let whole = try scrub([body])
                #expect(!SecretFixture.contains(whole, value), "\(count) of \(row), \(cut)")
                #expect(try scrub(body.map { [$0] }) == whole)
            }
        }
    }

    @Test func `what is held back is bounded, whatever is sent`() {
        let value = SecretFixture.anthropic.value
        let bound = value.count * (PatternThread.longestEscape + 2) * 2
        let starts: [[UInt8]] = [
            Array(value.dropLast()), Array(repeating: 0x0A, count: 5_000),
            Array(repeating: UInt8(ascii: "%"), count: 5_000),
            Array(repeating: UInt8(ascii: "\\"), count: 5_000), Array("%25".utf8) + Array(repeating: 0x32, count: 100),
            Array(String(repeating: "%25", count: 100).utf8) + Array(String(repeating: "25", count: 2_000).utf8),
            Array(String(repeating: "s%73\\u0073\\x73", count: 500).utf8),
            Array(String(repeating: "s\n", count: 500).utf8),
            value.flatMap { SecretFixture.unicode($0, upper: true) }.dropLast(1),
            Array(String(repeating: "sk-ant-api03-", count: 400).utf8),
        ]
        for start in starts {
            var stream = PatternStream(table.patterns)
            for _ in 0..<4 {
                _ = stream.push(start, decide: table.replacement)
                #expect(stream.heldCount <= bound)
            }
        }
    }

    @Test func `fields of the head are searched, names too`() throws {
        var scrubber = ResponseScrubber(table)
        let value = String(decoding: SecretFixture.anthropic.value, as: UTF8.self)
        let placeholder = String(decoding: SecretFixture.anthropic.placeholder, as: UTF8.self)
        var headers = HeaderFields([
            ("Location", "https://elsewhere.example/?k=\(value)"), ("X-\(value)", "1"), ("Content-Length", "12"),
            (
                "Authorization",
                "Basic " + String(decoding: Base64.encode(Array(":\(value)".utf8), padded: true), as: UTF8.self)
            ),
        ])
        #expect(try !scrubber.head(status: 302, &headers, hasBody: true))
        #expect(headers.fields[0].value == "https://elsewhere.example/?k=\(placeholder)")
        #expect(headers.fields[1].name == "X-\(placeholder)")
        #expect(headers["content-length"] == ["12"])
        let basic = headers.fields[3].value.dropFirst("Basic ".count)
        // The last character holds bits of what follows, and stays.
        #expect(Base64.decode(basic.utf8)?.dropLast() == Array(":\(placeholder)".utf8).dropLast())
    }
}
