// SPDX-License-Identifier: Apache-2.0

import NIOHPACK
import RemitNetwork
import Testing

@testable import RemitEgress

struct HTTP2HeadTests {
    private let valid: [(String, String)] = [
        (":method", "POST"), (":scheme", "https"), (":authority", "a.example"), (":path", "/x?y"),
    ]

    private func read(_ fields: [(String, String)], isEnd: Bool = false) throws(FramingError) -> HTTPRequestHead {
        try HTTPRequestHead(http2: HPACKHeaders(fields), isEnd: isEnd, limits: HTTPLimits())
    }

    @Test func `a head has its pseudo-fields, and its cookies in one`() throws {
        let head = try read(
            valid + [
                ("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2"), ("te", "trailers"), ("content-length", "4"),
            ])
        #expect(head.method == "POST")
        #expect(head.target == "/x?y")
        #expect(head.authority.destination == .name(try HostName("a.example")))
        #expect(head.fields == HeaderFields([("accept", "*/*"), ("cookie", "a=1; b=2")]))
        #expect(head.framing == .length(4))
        #expect(try read(valid).framing == .chunked)
        #expect(try read(valid, isEnd: true).framing == HTTPBodyFraming.none)
    }

    @Test(arguments: [
        [("x", "a\r\nhost: b.example")], [("x", "a\nb")], [("x", "a\0")], [("x\r\n", "a")], [("X-Upper", "a")],
        [("x y", "a")], [("", "a")],
        [("connection", "close")], [("transfer-encoding", "chunked")], [("upgrade", "h2c")], [("te", "gzip")],
        [("keep-alive", "1")],
        [("host", "b.example")], [("host", "a.example"), ("host", "a.example")],
        [("content-length", "1"), ("content-length", "1")],
        [("content-length", "+1")], [("content_length", "1")], [(":path", "/late")], [(":protocol", "websocket")],
        [("expect", "later")], [("cookie", "a\r\nb")],
    ])
    func `a field that would be another message in HTTP/1 is refused`(_ fields: [(String, String)]) {
        #expect(throws: FramingError.self) { try read(valid + fields) }
    }

    @Test(arguments: [
        (":method", "CONNECT"), (":method", "GE T"), (":method", ""), (":scheme", "file"),
        (":authority", "u@a.example"), (":authority", ""),
        (":authority", "a.example/b"), (":path", ""), (":path", "x"), (":path", "*"), (":path", "/a b"),
        (":path", "/a#b"),
        (":path", "/a\r\nx: y"), (":path", "http://b.example/"), (":path", "/\u{e4}"),
    ])
    func `a pseudo-field in another form is refused`(_ name: String, _ value: String) {
        #expect(throws: FramingError.self) { try read(valid.map { $0.0 == name ? (name, value) : $0 }) }
        #expect(throws: FramingError.self) { try read(valid.filter { $0.0 != name }) }
        #expect(throws: FramingError.self) { try read([(name, value)] + valid) }
    }

    @Test func `a response has one status, which is none of a switch`() throws {
        func status(_ fields: [(String, String)]) throws -> Int {
            try HTTPResponseHead(http2: HPACKHeaders(fields), isEnd: true, method: "GET", limits: HTTPLimits()).status
        }
        #expect(try status([(":status", "204")]) == 204)
        for fields in [
            [(":status", "101")], [(":status", "20")], [(":status", "2x0")], [("status", "200")], [],
            [(":status", "200"), ("x", "a\r\nb")],
        ] {
            #expect(throws: FramingError.self) { try status(fields) }
        }
    }
}
