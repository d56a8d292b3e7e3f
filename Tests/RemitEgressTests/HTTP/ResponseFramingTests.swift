// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import RemitEgress

struct ResponseFramingTests {
    private struct Outcome: Equatable {
        var statuses: [Int] = []
        var last: HTTPResponseHead?
        var body = ""
        var ended = false
        var error: FramingError?
    }

    private func decode(_ text: String, method: String = "GET", maySwitch: Bool = false, closes: Bool = true) -> Outcome
    {
        var decoder = HTTP1ResponseDecoder(method: method, maySwitch: maySwitch, limits: HTTPLimits())
        var buffer = ByteBuffer()
        var outcome = Outcome()
        func take(_ part: HTTP1ResponseDecoder.Part) {
            switch part {
            case .head(let head):
                outcome.statuses.append(head.status)
                outcome.last = head
            case .body(let data): outcome.body += String(buffer: data)
            case .end: outcome.ended = true
            }
        }
        do {
            for byte in text.utf8 {
                buffer.writeInteger(byte)
                while let part = try decoder.next(&buffer) { take(part) }
            }
            if closes, let part = try decoder.finish() { take(part) }
        } catch { outcome.error = error }
        return outcome
    }

    @Test func `informational responses come before the one that counts`() {
        let outcome = decode(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        )
        #expect(outcome.statuses == [100, 103, 200])
        #expect(outcome.body == "hi")
        #expect(outcome.ended)
    }

    @Test(arguments: [("HEAD", 200), ("GET", 204), ("GET", 304)])
    func `some responses have no body, whatever their fields say`(method: String, status: Int) {
        let outcome = decode("HTTP/1.1 \(status) X\r\nContent-Length: 5\r\n\r\n", method: method, closes: false)
        #expect(outcome.ended)
        #expect(outcome.last?.framing == HTTPBodyFraming.none)
        #expect(outcome.last?.announcedLength == (status == 204 ? nil : 5))
    }

    @Test func `without a length the body ends with the connection, and the connection with it`() {
        let outcome = decode("HTTP/1.1 200 OK\r\n\r\nabc")
        #expect(outcome.body == "abc")
        #expect(outcome.ended)
        #expect(outcome.last?.keepsAlive == false)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nConte", "",
    ])
    func `a response that stops early is not one that is over`(_ text: String) {
        #expect(decode(text).error == .truncated)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 5\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 99 X\r\n\r\n", "HTTP/1.1 600 X\r\n\r\n", "HTTP/1.1 2000 X\r\n\r\n", "HTTP/1.1  200 X\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 200 OK\r\nSet-Cookie: a\rb\r\n\r\n",
    ])
    func `a response that two readers could understand differently is refused`(_ text: String) {
        let error = decode(text, closes: false).error
        #expect(error != nil && error != .truncated)
    }

    @Test func `another protocol is only switched to when asked for`() {
        #expect(
            decode("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", maySwitch: true, closes: false).statuses == [101])
    }

    @Test func `chunk extensions of a server are dropped`() {
        let outcome = decode("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0  \r\n\r\n")
        #expect(outcome.body == "abc")
        #expect(outcome.ended)
    }

    @Test func `a server that never comes to its answer is given up`() {
        let text = String(repeating: "HTTP/1.1 103 Early\r\n\r\n", count: 40)
        #expect(decode(text, closes: false).error == .tooManyFields)
    }
}
