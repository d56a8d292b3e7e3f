// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitNetwork

@Suite struct HostNameTests {
    @Test(arguments: [
        ("API.Example.COM.", "api.example.com"), ("example.com", "example.com"), ("localhost", "localhost"),
        ("_dmarc.example.com", "_dmarc.example.com"), ("r3---sn-x.example.com", "r3---sn-x.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.Example", "xn--bcher-kva.example"),
        ("münchen.example", "xn--mnchen-3ya.example"), ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"), ("ไทย.example", "xn--o3cw4h.example"),
        ("한국.example", "xn--3e0b707e.example"), ("1e100.net", "1e100.net"), ("0xabc.example", "0xabc.example"),
        ("xn--strae-oqa.de", "xn--strae-oqa.de"), ("ΑΣ.gr", "xn--mxa0b.gr"),
    ])
    func `a name has one canonical form`(written: String, canonical: String) throws {
        #expect(try HostName(written).text == canonical)
        #expect(try HostName(canonical).text == canonical)
    }

    @Test(
        arguments: [
            ("", HostNameError.empty), (".", .empty), ("..", .emptyLabel), ("a..b", .emptyLabel), (".a", .emptyLabel),
            ("a.com..", .emptyLabel), ("a\0.com", .forbidden(0)), ("a.com\0.evil.com", .forbidden(0)),
            ("a b.com", .forbidden(0x20)), ("a%00.com", .forbidden(0x25)), ("user@a.com", .forbidden(0x40)),
            ("a.com:443", .forbidden(0x3A)), ("a.com/", .forbidden(0x2F)), ("a.com\r\n", .forbidden(0x0D)),
            ("a\\.com", .forbidden(0x5C)), ("[a.com]", .forbidden(0x5B)), ("*.a.com", .forbidden(0x2A)),
            ("-a.com", .hyphen), ("a-.com", .hyphen), ("-oProxyCommand=x", .forbidden(0x3D)),
            ("127.0.0.1", .numeric), ("127.1", .numeric), ("0x7f000001", .numeric), ("0x7F.1", .numeric),
            ("2130706433", .numeric), ("017700000001", .numeric), ("0177.0.0.1", .numeric), ("a.1", .numeric),
            ("a.0x", .numeric), ("a.0xff.", .numeric), ("1.2.3.4.5", .numeric), ("999.999.999.999", .numeric),
            ("xn--.com", .fakeALabel), ("xn--a.com", .fakeALabel), ("xn--example-.com", .fakeALabel),
            ("xn--99999999.com", .fakeALabel), ("xn--bcher-KVA9.com", .fakeALabel),
        ] as [(String, HostNameError)])
    func `what two programs could read differently is no name`(written: String, error: HostNameError) {
        #expect(throws: error) { try HostName(written) }
    }

    @Test(arguments: [
        // Full-width letters and dots, an ideographic full stop, ligatures and superscripts fold to ASCII.
        "ｅxample.com", "example。com", "example．com", "oﬃce.com", "example.com\u{2460}", "a\u{00B2}.com",
        // Characters that versions of IDNA treat differently.
        "faß.de", "ας.gr", "a\u{200D}b.com", "a\u{200C}b.com",
        // Invisible ones.
        "exa\u{00AD}mple.com", "a\u{200B}b.com", "a\u{FEFF}.com", "a\u{2060}b.com", "a\u{E0001}.com", "a\u{FE0F}.com",
        // Marks that compose with the letter before, and one that has none.
        "bu\u{0308}cher.example", "e\u{0301}.com", "\u{0E31}a.com", "か\u{3099}.jp", "\u{1100}\u{1161}.kr",
        // No letters.
        "☃.net", "💩.la", "a→b.com", "中·国.com", "a\u{2024}com", "a\u{FF0F}b.com", "a\u{2044}b.com",
        // A capital that becomes two characters.
        "\u{0130}stanbul.com",
    ])
    func `a character that is not the same everywhere is refused`(written: String) {
        do throws(HostNameError) {
            let name = try HostName(written)
            Issue.record("`\(written)` became `\(name)`")
        } catch {
            guard case .unmapped = error else {
                Issue.record("`\(written)`: \(error)")
                return
            }
        }
    }

    @Test func `lengths are those of the domain name system`() throws {
        let label = String(repeating: "a", count: 63)
        #expect(try HostName("\(label).com").text.utf8.count == 67)
        #expect(throws: HostNameError.tooLong) { try HostName("a\(label).com") }
        let longest = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
        #expect(try HostName(longest + ".").text.utf8.count == 253)
        #expect(throws: HostNameError.tooLong) { try HostName("a." + longest) }
        #expect(throws: HostNameError.tooLong) { try HostName(String(repeating: "a.", count: 1 << 20)) }
        #expect(throws: HostNameError.tooLong) { try HostName(String(repeating: "ü", count: 62) + ".com") }
        #expect(throws: HostNameError.encoding) { try HostName([0xC3, 0x28, 0x2E, 0x61] as [UInt8]) }
        #expect(throws: HostNameError.encoding) { try HostName([0xED, 0xA0, 0x80] as [UInt8]) }
    }

    @Test func `a name lies below its parents and not below itself`() throws {
        let name = try HostName("a.b.example.com")
        #expect(name.isSubdomain(of: try HostName("example.com")))
        #expect(name.isSubdomain(of: try HostName("com")))
        #expect(!name.isSubdomain(of: name))
        #expect(!(try HostName("evilexample.com").isSubdomain(of: try HostName("example.com"))))
        #expect(name.parent?.text == "b.example.com")
        #expect(try HostName("com").parent == nil)
    }

    /// Samples of RFC 3492 section 7.1.
    @Test(arguments: [
        ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"), ("3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"),
        ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"), ("パフィーdeルンバ", "de-jg4avhby1noc0d"),
    ])
    func `punycode is that of RFC 3492`(text: String, encoded: String) {
        let scalars = Array(text.unicodeScalars)
        #expect(Punycode.encode(scalars).map { String(decoding: $0, as: UTF8.self) } == encoded)
        #expect(Punycode.decode(encoded.lowercased().utf8) == Array(text.lowercased().unicodeScalars))
    }

    @Test func `any bytes as punycode end in bounded time without a trap`() {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789-".utf8)
        var round = 0
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<70, using: &generator)).map { _ in
                letters.randomElement(using: &generator) ?? 0
            }
            guard let scalars = Punycode.decode(bytes), let again = Punycode.encode(scalars) else { continue }
            // Decoding may accept several spellings; encoding has one.
            #expect(Punycode.decode(again) == scalars)
            round += 1
        }
        #expect(round > 100)
        #expect(Punycode.decode([UInt8](repeating: 0x39, count: 256)) == nil)
    }
}
