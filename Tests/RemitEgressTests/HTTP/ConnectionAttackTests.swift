// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitGate
import RemitNetwork
import Synchronization
import Testing

@testable import RemitEgress

/// What an agent may try on a connection in the clear, seen from the host: nothing but the one request it may make arrives.
struct ConnectionAttackTests {
    private func gate(
        _ server: Int, via: GateConnection.Via = .transparent, limits: HTTPLimits = HTTPLimits(), http: HTTPRule? = nil
    ) throws -> GateHarness {
        try GateHarness(
            to: server, host: "a.example", port: 80, isTLS: false, via: via, http: http, limits: limits
        )
    }

    /// A host that keeps everything it hears, and answers each head with `ok`.
    private final class Recorder: Sendable {
        private final class Heard: Sendable {
            let bytes = Mutex<[UInt8]>([])
        }

        private let heard = Heard()
        private let listener: Listener
        var port: Int { listener.port }
        var text: String { heard.bytes.withLock { String(decoding: $0, as: UTF8.self) } }

        init(_ answer: String = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") {
            listener = Listener { [heard] descriptor in
                Thread.detachNewThread {
                    var buffer = [UInt8](repeating: 0, count: 65536)
                    while true {
                        let count = recv(descriptor, &buffer, buffer.count, 0)
                        guard count > 0 else { break }
                        let piece = Array(buffer[..<count])
                        heard.bytes.withLock { $0 += piece }
                        let heads = String(decoding: piece, as: UTF8.self).components(separatedBy: "\r\n\r\n").count - 1
                        for _ in 0..<heads { descriptor.say(answer) }
                    }
                    close(descriptor)
                }
            }
        }
    }

    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /secret HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nX: y\rHost: b.example\r\n\r\n",
        "GET / HTTP/1.1\nHost: a.example\n\n", "GET /\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
    ])
    func `a smuggling shape is refused, and its connection ends`(_ text: String) throws {
        let host = Recorder()
        let gate = try gate(host.port)
        let client = try RawClient(gate.port)
        client.send(text + "GET /after HTTP/1.1\r\nHost: a.example\r\n\r\n")
        let answer = client.read()
        #expect(answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.1 5"), "\(answer)")
        #expect(answer.components(separatedBy: "HTTP/1.1 ").count == 2)
        #expect(answer.contains("Connection: close"))
        #expect(host.text.isEmpty)
        #expect(gate.records(1).allSatisfy { !$0.isAllowed })
    }

    @Test func `every request of a connection must name its host and port`() throws {
        let host = Recorder()
        let gate = try gate(host.port)
        for other in ["b.example", "a.example:81", "a.example.b.example", "127.0.0.1"] {
            let client = try RawClient(gate.port)
            client.send("GET /first HTTP/1.1\r\nHost: a.example\r\n\r\n")
            #expect(client.read(until: "ok").contains("200 OK"))
            client.send("GET /fronted HTTP/1.1\r\nHost: \(other)\r\n\r\n")
            let answer = client.read(until: "}}")
            #expect(answer.contains("421"), "\(answer)")
        }
        #expect(!host.text.contains("fronted"))
        let same = try RawClient(gate.port)
        same.send("GET /same HTTP/1.1\r\nHost: A.EXAMPLE.:80\r\n\r\n")
        #expect(same.read(until: "ok").contains("200 OK"))
        #expect(host.text.contains("GET /same HTTP/1.1\r\nHost: a.example\r\n"))
    }

    @Test func `pipelined requests are answered in order, and each is decided on`() throws {
        let host = Recorder()
        let gate = try gate(host.port, http: HTTPRule(methods: ["GET"]))
        let client = try RawClient(gate.port)
        client.send(
            "GET /1 HTTP/1.1\r\nHost: a.example\r\n\r\nDELETE /2 HTTP/1.1\r\nHost: a.example\r\n\r\n"
                + "GET /3 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
        )
        let answer = client.read()
        let statuses = answer.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
        #expect(statuses == ["200", "403", "200"], "\(answer)")
        #expect(!host.text.contains("/2"))
    }

    @Test func `fields of the connection to the gate do not leave it`() throws {
        let host = Recorder()
        let gate = try gate(host.port, via: .absoluteForm)
        let client = try RawClient(gate.port)
        client.send(
            "GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\n"
                + "Connection: keep-alive\r\nTE: trailers\r\nAccept: */*\r\n\r\nGET http://b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n"
        )
        let answer = client.read()
        #expect(answer.contains("200 OK"))
        #expect(answer.contains("Connection: close"))
        #expect(host.text == "GET /x?y HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n")
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nok",
    ])
    func `a host's malformed response is not passed on`(_ text: String) throws {
        let host = Recorder(text)
        let gate = try gate(host.port)
        let client = try RawClient(gate.port)
        client.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        let answer = client.read()
        #expect(answer.hasPrefix("HTTP/1.1 502"), "\(answer)")
        #expect(answer.contains("malformed"))
    }

    @Test func `what a host says unasked is nobody's answer`() throws {
        let host = Recorder(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        let gate = try gate(host.port)
        let client = try RawClient(gate.port)
        for _ in 0..<3 {
            client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
            #expect(!client.read(until: "ok").contains("evil"))
        }
        #expect(gate.connections.current == 3)
    }

    @Test func `a head that comes too slowly is answered 408, and a silent client is closed`() throws {
        let host = Recorder()
        var limits = HTTPLimits()
        limits.headTime = 300
        limits.idleTime = 300
        let gate = try gate(host.port, limits: limits)
        let slow = try RawClient(gate.port)
        let start = Date()
        for letter in "GET / HTTP/1.1\r\nHost: a.ex" {
            slow.send(String(letter))
            usleep(40_000)
            if Date().timeIntervalSince(start) > 0.9 { break }
        }
        #expect(slow.read().contains("408"))
        let silent = try RawClient(gate.port)
        #expect(silent.read() == "")
        #expect(host.text.isEmpty)
    }

    @Test(arguments: [
        "X-HTTP-Method-Override: delete", "X-Method-Override: DELETE", "X-Original-URL: /other",
        "X-Rewrite-Url: /a/../other",
    ])
    func `a field that makes another request of it has to be allowed too`(_ field: String) throws {
        let host = Recorder()
        let rule = HTTPRule(methods: ["POST"], paths: [try #require(RequestPathPattern("/a/**"))])
        let gate = try gate(host.port, http: rule)
        let client = try RawClient(gate.port)
        client.send("POST /a/b HTTP/1.1\r\nHost: a.example\r\n\(field)\r\n\r\n")
        #expect(client.read(until: "}}").hasPrefix("HTTP/1.1 403"))
        client.send("POST /a/b HTTP/1.1\r\nHost: a.example\r\nX-HTTP-Method-Override: POST\r\n\r\n")
        #expect(client.read(until: "ok").hasPrefix("HTTP/1.1 200"))
    }

    @Test func `a client of HTTP/1.0 gets a body that ends with the connection`() throws {
        let host = Recorder("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        let gate = try gate(host.port)
        let client = try RawClient(gate.port)
        client.send("GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n")
        let answer = client.read()
        #expect(answer.hasSuffix("\r\n\r\nhello"))
        #expect(!answer.contains("Transfer-Encoding"))
    }

    @Test func `narrowing cuts what is not allowed any more`() throws {
        let server = try EchoServer(authority: nil)
        let gate = try gate(server.port)
        let client = try RawClient(gate.port)
        client.send("GET /silent HTTP/1.1\r\nHost: a.example\r\n\r\n")
        #expect(client.read(until: "event-stream").contains("200 OK"))
        gate.inspector.update(policy: .none)
        while client.bytes() != nil {}
        // The socket closes a moment before it is counted out.
        for _ in 0..<200 where gate.inspector.open > 0 { usleep(5000) }
        #expect(gate.inspector.open == 0)
    }

    @Test func `an interim answer comes before the body that waits for it`() throws {
        let server = try EchoServer(authority: nil)
        let gate = try gate(server.port)
        let client = try RawClient(gate.port)
        client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue"))
        client.send("hello")
        #expect(client.read(until: "hello").contains("200 OK"))
    }

    @Test func `a body that nobody reads is not taken in`() throws {
        let stuck = Mutex<[CInt]>([])
        let host = Listener { descriptor in stuck.withLock { $0.append(descriptor) } }
        let gate = try gate(host.port)
        let client = try RawClient(gate.port)
        client.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000000\r\n\r\n")
        let sent = Mutex(0)
        let before = residentKilobytes()
        let done = DispatchSemaphore(value: 0)
        let box = UncheckedBox(client)
        Thread.detachNewThread {
            let piece = [UInt8](repeating: 0, count: 65536)
            for _ in 0..<2000 {
                box.value.send(piece)
                sent.withLock { $0 += piece.count }
            }
            done.signal()
        }
        usleep(1_500_000)
        // The kernel's buffers on both sides take some megabytes, and then the client waits.
        #expect(sent.withLock { $0 } < 64 << 20)
        #expect(residentKilobytes() - before < 30_000)
        for descriptor in stuck.withLock({ $0 }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
        _ = done.wait(timeout: .now() + 10)
    }

    private final class UncheckedBox: @unchecked Sendable {
        let value: RawClient
        init(_ value: RawClient) { self.value = value }
    }

    private func residentKilobytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return line.split(separator: " ").compactMap { Int($0) }.first ?? 0
    }
}
