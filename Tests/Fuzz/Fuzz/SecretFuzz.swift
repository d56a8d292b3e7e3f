// SPDX-License-Identifier: Apache-2.0

import RemitGate
import RemitKernel
import RemitNetwork

@testable import RemitEgress

/// What must hold of streams in which somebody hides secrets: none comes through, in whatever spelling and surroundings, and
/// pieces make no difference.
enum SecretFuzz {
    private static let pairs = [
        SecretPair(
            lease: "model", placeholder: Array("sk-ant-api03-kT7pQ2xZr9Lw4Vb8Nc1Md6Hf".utf8),
            value: Array("sk-ant-api03-Zq8Wv3Xn6Rb1Tm9Py4Lk7Jh2".utf8)
        ),
        SecretPair(
            lease: "cloud", placeholder: Array("aB3/dE6+gH9\"jK2\\mN5%pQ8".utf8),
            value: Array("wJ4/rX7+tU1\"nF5\\eM8%iK7".utf8)
        ),
        // One that begins as its escapes do, and one that repeats itself.
        SecretPair(lease: "odd", placeholder: Array("%41\\u0041xyzzy".utf8), value: Array("%42\\u0042plugh".utf8)),
        SecretPair(lease: "same", placeholder: Array("babababab5".utf8), value: Array("ababababa7".utf8)),
    ]

    private static let table: SecretTable = {
        let grants = pairs.map { pair in
            SecretGrant(
                lease: pair.lease,
                bindings: [binding(pair.lease, pair.lease == "model" ? .body : .header("x-key"))],
                parts: [
                    SecretPart(
                        placeholder: String(decoding: pair.placeholder, as: UTF8.self),
                        value: RemitKernel.Secret(pair.value)
                    )
                ]
            )
        }
        guard let table = try? SecretTable(grants) else { fatalError("no table") }
        return table
    }()

    private static func binding(_ lease: String, _ slot: SecretSlot) -> SecretBinding {
        guard let host = try? HostPattern("api.example") else { fatalError("no pattern") }
        return SecretBinding(lease: lease, hosts: host, slot: slot)
    }

    /// Hides a secret, spelled as the first bytes say, within the others.
    static func scrub(_ bytes: [UInt8]) {
        guard bytes.count > 8 else { return }
        let pair = pairs[Int(bytes[0]) % pairs.count]
        let form = EncodedForm.all[Int(bytes[1]) % EncodedForm.all.count]
        let count = Int(bytes[2]) % 64
        let choices = bytes[4..<min(4 + count, bytes.count)]
        let rest = Array(bytes[(4 + choices.count)...])
        let place = rest.isEmpty ? 0 : Int(bytes[3]) % (rest.count + 1)
        let hidden = spell(form.encode(pair.value), choices)
        let text = Array(rest[..<place]) + hidden + Array(rest[place...])

        let whole = scrub(text, step: text.count)
        guard whole.count == text.count else { fatalError("another length") }
        for step in [1, 2, 3, 7] where scrub(text, step: step) != whole { fatalError("pieces make another stream") }
        guard !contains(whole, hidden) else { fatalError("a secret came through") }
        // What is clean stays as it is.
        guard scrub(whole, step: whole.count) == whole else { fatalError("it is not clean") }
    }

    /// Decodes hostile bodies.
    static func decode(_ bytes: [UInt8]) {
        for codings in ["gzip", "deflate", "br", "deflate, gzip", "br, br"] {
            var scrubber = ResponseScrubber(table.scrub)
            var headers = HeaderFields([("content-encoding", codings)])
            _ = try? scrubber.head(status: 200, &headers, hasBody: true)
            scrubber.push(bytes)
            var total = 0
            while total < 1 << 18, let piece = try? scrubber.next() { total += piece.count }
            _ = try? scrubber.finish()
        }
    }

    /// Sends a request of these bytes: what is refused is refused in pieces too, and nothing but the bound place gets a secret.
    static func rewrite(_ bytes: [UInt8]) {
        let lines = bytes.split(separator: 0x0A, maxSplits: 4, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        let fields = lines.dropFirst().prefix(3).map { line -> (String, String) in
            let sides = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
        }
        let body = Array((lines.count > 4 ? lines[4] : "").utf8)
        let whole = send(lines[0], fields, body, step: max(body.count, 1))
        guard whole == send(lines[0], fields, body, step: 1) else { fatalError("pieces make another request") }
        let elsewhere = send(lines[0], fields, body, step: max(body.count, 1), host: "evil.example") ?? []
        for pair in pairs where contains(elsewhere, pair.value) && !contains(bytes, pair.value) {
            fatalError("a secret went to another host")
        }
    }

    /// Reads an answer of a model, in pieces and whole.
    static func usage(_ bytes: [UInt8]) {
        for type in ["application/json", "text/event-stream"] {
            for path in ["/v1/messages", "/v1/responses", "/x/chat/completions", "/m:generateContent"] {
                let headers = HeaderFields([("content-type", type)])
                guard var whole = UsageReader(path: path, status: 200, headers: headers) else {
                    fatalError("no reader")
                }
                var pieces = whole
                whole.push(bytes)
                for byte in bytes { pieces.push([byte]) }
                guard whole.reading(requestBytes: 9) == pieces.reading(requestBytes: 9) else {
                    fatalError("pieces make another answer")
                }
            }
        }
    }

    private static func scrub(_ bytes: [UInt8], step: Int) -> [UInt8] {
        var stream = PatternStream(table.scrub.patterns)
        var output: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: max(step, 1)) {
            let piece = Array(bytes[start..<min(start + step, bytes.count)])
            output += stream.push(piece, decide: table.scrub.replacement)
        }
        return output + stream.finish(decide: table.scrub.replacement)
    }

    private static func send(
        _ target: String, _ fields: [(String, String)], _ body: [UInt8], step: Int, host: String = "api.example"
    ) -> [UInt8]? {
        guard let name = try? HostName(host) else { return nil }
        let facts = HTTPRequestFacts(
            destination: .name(name), port: 443, method: "POST", rawPath: target, isTLS: true
        )
        var rewriter = RequestRewriter(table, facts: facts)
        var target = target
        var headers = HeaderFields(fields)
        guard case .send = rewriter.head(target: &target, headers: &headers) else { return nil }
        var output = Array(target.utf8) + headers.fields.flatMap { "\($0.name):\($0.value)\n".utf8 }
        for start in stride(from: 0, to: body.count, by: step) {
            guard case .send(let bytes) = rewriter.body(Array(body[start..<min(start + step, body.count)])) else {
                return nil
            }
            output += bytes
        }
        guard case .send(let bytes) = rewriter.finish() else { return nil }
        return output + bytes
    }

    private static func spell(_ text: [UInt8], _ choices: ArraySlice<UInt8>) -> [UInt8] {
        let choices = Array(choices)
        return text.enumerated().flatMap { index, byte -> [UInt8] in
            let choice = choices.isEmpty ? 0 : choices[index % choices.count]
            let digits = EncodedForm.hexadecimal.encode([byte])
            switch choice % 8 {
            case 1: return [UInt8(ascii: "%")] + digits
            case 2: return Array(String(decoding: [UInt8(ascii: "%")] + digits, as: UTF8.self).uppercased().utf8)
            case 3: return Array("\\u00".utf8) + digits
            case 4: return Array("\\x".utf8) + digits
            case 5: return Array("%25".utf8) + digits
            case 6: return Array("%5Cu00".utf8) + digits
            case 7: return Array("nrtbfux".utf8).contains(byte) ? [byte] : [UInt8(ascii: "\\"), byte]
            default: return [byte]
            }
        }
    }

    private static func contains(_ bytes: [UInt8], _ needle: [UInt8]) -> Bool {
        guard let first = needle.first, bytes.count >= needle.count else { return false }
        return (0...(bytes.count - needle.count)).contains {
            bytes[$0] == first && bytes[$0..<$0 + needle.count].elementsEqual(needle)
        }
    }
}
