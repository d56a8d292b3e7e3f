// SPDX-License-Identifier: Apache-2.0

import CZlib
import Testing

@testable import RemitEgress

@Suite struct ContentCodingTests {
    let table = SecretFixture.table
    let pair = SecretFixture.anthropic

    func scrub(_ codings: String, _ body: [UInt8], piece: Int) throws -> [UInt8] {
        var scrubber = ResponseScrubber(table)
        var headers = HeaderFields([
            ("Content-Encoding", codings), ("Content-Length", "\(body.count)"), ("Content-Type", "text/plain"),
        ])
        let isUnframed = try scrubber.head(status: 200, &headers, hasBody: true)
        #expect(isUnframed && headers.fields.map(\.name) == ["Content-Type"])
        var output: [UInt8] = []
        for start in stride(from: 0, to: body.count, by: piece) {
            output += try scrubber.body(Array(body[start..<min(start + piece, body.count)]))
        }
        return output + (try scrubber.finish())
    }

    @Test(arguments: [
        "gzip", "x-gzip", "deflate", "raw", "br", "br, gzip", "gzip, deflate, gzip, br", "GZIP , identity",
    ])
    func `a coded body is decoded and searched, in pieces of any size`(codings: String) throws {
        let filler = Array(String(repeating: "All work and no play. ", count: 40).utf8)
        let body = filler + pair.value + filler + Base64.encode(pair.value, padded: true)
        let expected = table.scrubbed(body)
        #expect(!SecretFixture.contains(expected, pair.value))
        var coded = body
        for coding in codings.split(separator: ",") {
            coded = try Self.code(String(coding.trimmed.lowercased()), coded)
        }
        let field = codings == "raw" ? "deflate" : codings
        for piece in [1, 2, 3, 7, 100, 4_096] {
            #expect(try scrub(field, coded, piece: piece) == expected)
        }
    }

    @Test func `a brotli stream of a real encoder is decoded`() throws {
        #expect(try scrub("br", BrotliSample.coded, piece: 5) == table.scrubbed(BrotliSample.plain))
    }

    @Test(arguments: ["zstd", "compress", "aws-chunked", "gzip, zstd", "br,\u{20}dcb", "gzip;q=1"])
    func `an unknown coding is refused`(coding: String) {
        var scrubber = ResponseScrubber(table)
        var headers = HeaderFields([("Content-Encoding", coding)])
        #expect(throws: ScrubError.self) { try scrubber.head(status: 200, &headers, hasBody: true) }
    }

    @Test func `five codings, and a part of a coded whole, are refused`() {
        var scrubber = ResponseScrubber(table)
        var deep = HeaderFields([("Content-Encoding", "gzip, gzip, gzip"), ("Content-Encoding", "gzip, gzip")])
        #expect(throws: ScrubError.tooManyCodings(5)) { try scrubber.head(status: 200, &deep, hasBody: true) }
        var part = HeaderFields([("Content-Encoding", "gzip"), ("Content-Range", "bytes 0-9/100")])
        #expect(throws: ScrubError.partOfCoded) { try scrubber.head(status: 206, &part, hasBody: true) }
    }

    @Test func `without secrets nothing is decoded or refused`() throws {
        var scrubber = ResponseScrubber(try ScrubTable([]))
        var headers = HeaderFields([("Content-Encoding", "zstd")])
        #expect(try !scrubber.head(status: 200, &headers, hasBody: true))
        #expect(try scrubber.body([1, 2, 3]) == [1, 2, 3])
    }

    @Test(arguments: ["gzip", "deflate", "br"])
    func `a body that is not of its coding, or ends early, is refused`(coding: String) throws {
        #expect(throws: ScrubError.self) { try scrub(coding, [0x1F, 0x8C] + pair.value, piece: 9) }
        let coded = try Self.code(coding, Array(repeating: 0x41, count: 500) + pair.value)
        #expect(throws: ScrubError.self) { try scrub(coding, coded.dropLast(6), piece: 9) }
    }

    @Test func `members of a gzip file follow each other, and what follows them is dropped`() throws {
        let coded = try Self.code("gzip", Array("one ".utf8)) + Self.code("gzip", pair.value)
        #expect(
            try scrub("gzip", coded + Array("trailing ".utf8) + pair.value, piece: 10_000)
                == Array("one ".utf8) + pair.placeholder)
    }

    @Test func `a bomb is delivered piece by piece`() throws {
        let bomb = try Self.code("gzip", Self.code("gzip", [UInt8](repeating: 0, count: 64 << 20)))
        var scrubber = ResponseScrubber(table)
        var headers = HeaderFields([("Content-Encoding", "gzip, gzip")])
        _ = try scrubber.head(status: 200, &headers, hasBody: true)
        scrubber.push(bomb)
        var total = 0
        while let piece = try scrubber.next() {
            #expect(piece.count <= 65_536)
            total += piece.count
        }
        #expect(bomb.count < 2_000)
        #expect(total == 64 << 20)
    }

    static func code(_ coding: String, _ bytes: [UInt8]) throws -> [UInt8] {
        switch coding {
        case "identity": bytes
        case "gzip", "x-gzip": deflate(bytes, windowBits: 31)
        case "deflate": deflate(bytes, windowBits: 15)
        case "raw": deflate(bytes, windowBits: -15)
        default: storedBrotli(bytes)
        }
    }

    private static func deflate(_ bytes: [UInt8], windowBits: CInt) -> [UInt8] {
        var stream = z_stream()
        deflateInit2_(
            &stream, 9, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var source = bytes
        return source.withUnsafeMutableBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: Int(deflateBound(&stream, uLong(input.count)))) { output, count in
                stream.next_in = input.baseAddress
                stream.avail_in = uInt(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = uInt(output.count)
                CZlib.deflate(&stream, Z_FINISH)
                count = output.count - Int(stream.avail_out)
            }
        }
    }

    /// Meta-blocks without compression (RFC 7932 §9.2), of at most 65,536 bytes each.
    private static func storedBrotli(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var bits = 0
        var buffer: UInt32 = 0
        func put(_ value: UInt32, _ count: Int) {
            buffer |= value << bits
            bits += count
            while bits >= 8 {
                output.append(UInt8(truncatingIfNeeded: buffer))
                buffer >>= 8
                bits -= 8
            }
        }
        put(0, 1)  // a window of 16 bits
        for start in stride(from: 0, to: bytes.count, by: 65_536) {
            let block = bytes[start..<min(start + 65_536, bytes.count)]
            put(0, 1)  // not the last
            put(0, 2)  // its length has 4 nibbles
            put(UInt32(block.count - 1), 16)
            put(1, 1)  // not compressed
            if bits > 0 { put(0, 8 - bits) }
            output += block
        }
        put(3, 2)  // the last, and empty
        if bits > 0 { put(0, 8 - bits) }
        return output
    }
}
