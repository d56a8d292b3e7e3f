// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RemitNetwork
import Testing

@testable import RemitEgress

struct RequestFramingTests {
    /// Feeds the text as one piece and byte by byte: both must find the same, up to the same error.
    private func decode(
        _ text: String, limits: HTTPLimits = HTTPLimits()
    ) throws -> (head: HTTPRequestHead?, body: String, trailer: HeaderFields?, error: FramingError?) {
        let whole = run([Array(text.utf8)], limits: limits)
        let bytewise = run(text.utf8.map { [$0] }, limits: limits)
        #expect(whole.head == bytewise.head)
        #expect(whole.body == bytewise.body)
        #expect(whole.trailer == bytewise.trailer)
        #expect(whole.error == bytewise.error)
        return whole
    }

    private func run(
        _ pieces: [[UInt8]], limits: HTTPLimits
    ) -> (head: HTTPRequestHead?, body: String, trailer: HeaderFields?, error: FramingError?) {
        var decoder = HTTP1RequestDecoder(limits: limits)
        var buffer = ByteBuffer()
        var result: (head: HTTPRequestHead?, body: String, trailer: HeaderFields?, error: FramingError?) = (
            nil, "", nil, nil
        )
        for piece in pieces {
            buffer.writeBytes(piece)
            do {
                while result.trailer == nil, let part = try decoder.next(&buffer) {
                    switch part {
                    case .head(let head): result.head = head
                    case .body(let data): result.body += String(buffer: data)
                    case .end(let trailer): result.trailer = trailer
                    }
                }
            } catch {
                result.error = error
                return result
            }
        }
        return result
    }

    private func error(_ text: String) throws -> FramingError? { try decode(text).error }

    @Test func `a request is its method, target, authority and fields, in any number of pieces`() throws {
        let result = try decode("GET /a/b?c=d HTTP/1.1\r\nHost: Example.COM:443\r\nX-A:  1 \t\r\nx-a: 2\r\n\r\n")
        let head = try #require(result.head)
        #expect(head.method == "GET")
        #expect(head.target == "/a/b?c=d")
        #expect(head.path == "/a/b")
        #expect(head.authority == Authority(.name(try HostName("example.com")), port: 443))
        #expect(head.fields == HeaderFields([("X-A", "1"), ("x-a", "2")]))
        #expect(head.framing == .none)
        #expect(head.keepsAlive)
        #expect(result.trailer == HeaderFields([]))
    }

    @Test func `bodies end where their length or their last chunk says`() throws {
        let length = try decode("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhelloGET /")
        #expect(length.head?.framing == .length(5))
        #expect(length.body == "hello")
        #expect(length.trailer != nil)

        let chunked = try decode(
            "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: Chunked\r\n\r\n"
                + "5\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"
        )
        #expect(chunked.body == "hello0123456789")
        #expect(chunked.trailer == HeaderFields([("X-Sum", "1")]))
        #expect(chunked.head?.fields.contains("transfer-encoding") == false)
    }

    @Test func `what belongs to one connection is not in the head`() throws {
        let head = try #require(
            try decode(
                "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, TE\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
                    + "Proxy-Connection: x\r\nProxy-Authorization: Basic eA==\r\nAccept: */*\r\n\r\n"
            ).head
        )
        #expect(head.fields == HeaderFields([("Accept", "*/*")]))
    }

    @Test(arguments: [
        ("bare line feed", "GET / HTTP/1.1\nHost: a.example\r\n\r\n", FramingError.bareLineFeed),
        ("bare line feed at the end", "GET / HTTP/1.1\r\nHost: a.example\n\n", .bareLineFeed),
        ("bare carriage return", "GET / HTTP/1.1\r\nHost: a.example\r\nX: a\rb\r\n\r\n", .bareCarriageReturn),
        ("NUL", "GET / HTTP/1.1\r\nHost: a.exam\0ple\r\n\r\n", .nul),
        ("an empty line first", "\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedStartLine),
        ("HTTP/0.9", "GET /\r\n\r\n", .malformedStartLine),
        ("HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        ("a version of two digits", "GET / HTTP/1.10\r\nHost: a.example\r\n\r\n", .unsupportedVersion),
        ("two spaces", "GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedStartLine),
        ("a tab in the start line", "GET\t/ HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedStartLine),
        ("a method that is none", "GE(T / HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedStartLine),
        ("CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", .unsupportedMethod),
        ("connect in lower case", "connect a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", .unsupportedMethod),
        ("a folded field", "GET / HTTP/1.1\r\nHost: a.example\r\nX: a\r\n b\r\n\r\n", .foldedField),
        ("a folded first field", "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n", .foldedField),
        ("a space before the colon", "GET / HTTP/1.1\r\nHost : a.example\r\n\r\n", .malformedField),
        ("no colon", "GET / HTTP/1.1\r\nHost: a.example\r\nX\r\n\r\n", .malformedField),
        ("no name", "GET / HTTP/1.1\r\nHost: a.example\r\n: x\r\n\r\n", .malformedField),
        ("a control character", "GET / HTTP/1.1\r\nHost: a.example\r\nX: \u{1}\r\n\r\n", .malformedField),
        (
            "a name beyond ASCII", "GET / HTTP/1.1\r\nHost: a.example\r\nContent-Lengt\u{127}: 1\r\n\r\n",
            .malformedField
        ),
        ("a lookalike", "POST / HTTP/1.1\r\nHost: a.example\r\nContent_Length: 1\r\n\r\n", .lookalikeField),
        (
            "two lengths", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            .repeatedLength
        ),
        (
            "equal lengths", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            .repeatedLength
        ),
        ("a list of lengths", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1, 1\r\n\r\n", .invalidLength),
        ("a signed length", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: +1\r\n\r\n", .invalidLength),
        ("a length with zeros", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 01\r\n\r\n", .invalidLength),
        ("a hexadecimal length", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0x1\r\n\r\n", .invalidLength),
        (
            "a length beyond all", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 99999999999999999999\r\n\r\n",
            .invalidLength
        ),
        ("an empty length", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length:\r\n\r\n", .invalidLength),
        (
            "length and chunks",
            "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            .lengthAndEncoding
        ),
        (
            "chunks and length",
            "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
            .lengthAndEncoding
        ),
        (
            "another encoding", "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            .unsupportedEncoding
        ),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .unsupportedEncoding
        ),
        (
            "chunked with a tab inside",
            "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n", .malformedField
        ),
        ("identity", "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: identity\r\n\r\n", .unsupportedEncoding),
        ("xchunked", "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: xchunked\r\n\r\n", .unsupportedEncoding),
        (
            "chunks of HTTP/1.0", "POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n",
            .unsupportedEncoding
        ),
        ("no host", "GET / HTTP/1.1\r\n\r\n", .missingHost),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n", .repeatedHost),
        ("a host with a user", "GET / HTTP/1.1\r\nHost: b.example@a.example\r\n\r\n", .malformedHost),
        ("a host with a path", "GET / HTTP/1.1\r\nHost: a.example/b\r\n\r\n", .malformedHost),
        ("two hosts in one", "GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n", .malformedHost),
        ("an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", .malformedHost),
        ("an octal host", "GET / HTTP/1.1\r\nHost: 0177.0.0.1\r\n\r\n", .malformedHost),
        ("another absolute target", "GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", .targetMismatch),
        ("another absolute port", "GET http://a.example:81/ HTTP/1.1\r\nHost: a.example\r\n\r\n", .targetMismatch),
        ("a target with a user", "GET http://u@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedHost),
        ("another scheme", "GET file:///etc/passwd HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedTarget),
        ("a relative target", "GET a HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedTarget),
        ("a fragment", "GET /a#b HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedTarget),
        ("a backslash", "GET /a\\b HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedTarget),
        ("a target beyond ASCII", "GET /\u{e4} HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedTarget),
        ("a star of GET", "GET * HTTP/1.1\r\nHost: a.example\r\n\r\n", .malformedTarget),
        (
            "h2c",
            "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
            .protocolSwitch
        ),
        ("h2c without Connection", "GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\n\r\n", .protocolSwitch),
        (
            "websocket, h2c",
            "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
            .protocolSwitch
        ),
        (
            "half a WebSocket",
            "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", .protocolSwitch
        ),
        (
            "a connection option that hides a field",
            "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close, authorization\r\n\r\n", .protectedConnectionOption
        ),
        (
            "another expectation", "POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\n",
            .unsupportedExpectation
        ),
    ])
    func `is refused`(_ shape: String, _ text: String, _ expected: FramingError) throws {
        #expect(try error(text) == expected, "\(shape)")
    }

    @Test(arguments: [
        "5;a=b\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
        "5\r\r\nhello\r\n0\r\n\r\n", "1000000000000000\r\n", "g\r\n", "-1\r\n",
        "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
        "5\r\nhello\r\n0\r\nHost: b.example\r\n\r\n", "5\r\nhello\r\n0\r\nX\n\r\n\r\n", "0\r\n X: folded\r\n\r\n",
    ])
    func `a body with other than exact chunks is refused`(_ body: String) throws {
        let error = try error("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
        #expect(error == .malformedChunk || error == .malformedTrailer)
    }

    @Test func `heads, targets, fields and chunk lines are bounded`() throws {
        var limits = HTTPLimits()
        limits.head = 256
        limits.target = 64
        limits.fields = 4
        let host = "Host: a.example\r\n"
        let long = String(repeating: "a", count: 300)
        #expect(try decode("GET /\(long) HTTP/1.1\r\n\(host)\r\n", limits: limits).error == .targetTooLong)
        #expect(try decode("GET /\(long.prefix(64)) HTTP/1.1\r\n\(host)\r\n", limits: limits).error == .targetTooLong)
        #expect(try decode("GET / HTTP/1.1\r\n\(host)X: \(long)\r\n\r\n", limits: limits).error == .headTooLarge)
        #expect(
            try decode("GET / HTTP/1.1\r\n\(host)\(String(repeating: "a:\r\n", count: 4))\r\n", limits: limits).error
                == .tooManyFields
        )
        let chunked = "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n"
        #expect(try decode(chunked + "0\r\nX: \(String(repeating: "a", count: 9000))").error == .malformedTrailer)
    }

    @Test func `an absolute target is a request to its host`() throws {
        let head = try #require(try decode("GET http://a.example?q HTTP/1.1\r\nHost: A.example:80\r\n\r\n").head)
        #expect(head.target == "/?q")
        #expect(head.scheme == "http")
        #expect(head.authority.destination == .name(try HostName("a.example")))
    }

    @Test func `a WebSocket is asked for in one way only`() throws {
        let head = try #require(
            try decode(
                "GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).head
        )
        #expect(head.isWebSocket)
        #expect(!head.fields.contains("upgrade"))
    }

    @Test func `pipelined requests come out one by one`() throws {
        var decoder = HTTP1RequestDecoder(limits: HTTPLimits())
        var buffer = ByteBuffer(
            string:
                "GET /1 HTTP/1.1\r\nHost: a.example\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\n"
                + "hiGET /3 HTTP/1.1\r\nHost: a.example\r\n\r\n"
        )
        var targets: [String] = []
        while let part = try decoder.next(&buffer) {
            if case .head(let head) = part { targets.append(head.target) }
        }
        #expect(targets == ["/1", "/2", "/3"])
        #expect(decoder.isIdle)
    }
}
