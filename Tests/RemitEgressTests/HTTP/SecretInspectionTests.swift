// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitGate
import RemitKernel
import RemitNetwork
import Synchronization
import Testing

@testable import RemitEgress

/// Secrets through a whole gate: in toward the host, and out of what comes back.
struct SecretInspectionTests {
    private let trust: CertificateAuthority

    init() throws {
        trust = try CertificateAuthority(session: "upstream", now: GateHarness.now, lifetime: 3600)
    }

    private let placeholder = "sk-ant-remit0placeholder0placeholder0"
    private let real = "sk-ant-real00secret00000secret00000xx"

    private func binding(
        _ host: String = "api.example.com", port: UInt16 = 443, slot: SecretSlot = .header("x-api-key"),
        clear: Bool = false
    ) throws -> SecretBinding {
        SecretBinding(lease: "model", hosts: try HostPattern(host), ports: [port], slot: slot, allowsClearText: clear)
    }

    private func bind(_ gate: GateHarness, _ bindings: [SecretBinding]) {
        let grant = SecretGrant(
            lease: "model", bindings: bindings,
            parts: [SecretPart(placeholder: placeholder, value: Secret(Array(real.utf8)))]
        )
        gate.inspector.bind(grant)
    }

    @Test(arguments: ["--http1.1", "--http2"], [["http/1.1"], ["h2", "http/1.1"]])
    func `the host gets the secret, and the agent never sees it come back`(version: String, protocols: [String]) throws
    {
        let server = try EchoServer(authority: trust, protocols: protocols)
        let bindings = [try binding()]
        let gate = try GateHarness(to: server.port, trust: trust, bindings: bindings)
        bind(gate, bindings)
        // The server echoes its fields: the body holds the secret unless it is scrubbed.
        let result = try gate.curl(version, "-H", "X-Api-Key: \(placeholder)", "https://api.example.com/")
        #expect(result.output.contains("x-api-key: \(placeholder)"), "\(result.output)")
        #expect(!result.output.contains(real))
        let record = try #require(gate.records(1).first)
        #expect(record.leases == ["model"])
    }

    @Test func `the host really got the secret`() throws {
        let heard = Mutex("")
        let host = Listener { descriptor in
            let text = descriptor.hear(until: "\r\n\r\n")
            heard.withLock { $0 = text }
            descriptor.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        let bindings = [try binding("a.example", port: 80, clear: true)]
        let gate = try GateHarness(to: host.port, host: "a.example", port: 80, isTLS: false, bindings: bindings)
        bind(gate, bindings)
        let client = try RawClient(gate.port)
        client.send(
            "GET / HTTP/1.1\r\nHost: a.example\r\nX-Api-Key: \(placeholder)\r\nAccept-Encoding: zstd, gzip\r\n\r\n")
        #expect(client.read(until: "ok").contains("200"))
        #expect(heard.withLock { $0 }.contains("X-Api-Key: \(real)\r\n"))
        #expect(!heard.withLock { $0 }.contains("zstd"))
    }

    @Test(arguments: [
        ("a query", ["https://api.example.com/?k=PLACEHOLDER"]),
        ("another field", ["-H", "X-Other: PLACEHOLDER", "https://api.example.com/"]),
        ("TRACE", ["-X", "TRACE", "-H", "X-Api-Key: PLACEHOLDER", "https://api.example.com/"]),
    ])
    func `a placeholder elsewhere is stopped`(place: String, arguments: [String]) throws {
        let server = try EchoServer(authority: trust)
        let bindings = [try binding()]
        let gate = try GateHarness(to: server.port, trust: trust, bindings: bindings)
        bind(gate, bindings)
        let result = try run(
            [
                "curl", "-sS", "--noproxy", "*", "--cacert", gate.authorityFile, "-w", "%{http_code}", "--connect-to",
                "api.example.com:443:127.0.0.1:\(gate.port)",
            ] + arguments.map { $0.replacing("PLACEHOLDER", with: placeholder) }
        )
        #expect(result.output.hasSuffix("403"), "\(place): \(result.output)")
        #expect(!result.output.contains(real))
        #expect(gate.connections.current == 0)
    }

    @Test func `a placeholder for another host trips the wire, and nothing leaves`() throws {
        let server = try EchoServer(authority: trust)
        let bindings = [try binding("other.example")]
        let gate = try GateHarness(to: server.port, trust: trust, bindings: bindings)
        bind(gate, bindings)
        let body = try gate.curl("-d", "key=\(placeholder)", "https://api.example.com/post")
        #expect(!body.output.contains("POST /post"), "\(body.output)")
        let encoded = Data(placeholder.utf8).base64EncodedString()
        let field = try gate.curl("-H", "Authorization: Basic \(encoded)", "https://api.example.com/")
        #expect(field.output.contains(#""reason":"placeholder""#), "\(field.output)")
        let trips = gate.told.compactMap { if case .tripwire(let trip) = $0 { trip } else { nil } }
        #expect(trips.count == 2)
        #expect(trips.allSatisfy { $0.lease == "model" && $0.host == "api.example.com" })
    }

    @Test(arguments: [50])
    func `a fence cuts open streams of its lease within milliseconds, and no others`(count: Int) throws {
        let server = try EchoServer(authority: trust, protocols: ["h2", "http/1.1"])
        let bindings = [try binding("a.example", port: 80, clear: true)]
        let plain = try EchoServer(authority: nil)
        let gate = try GateHarness(to: plain.port, host: "a.example", port: 80, isTLS: false, bindings: bindings)
        bind(gate, bindings)
        let clients = try (0..<count).map { _ in try RawClient(gate.port) }
        for client in clients {
            client.send("GET /silent HTTP/1.1\r\nHost: a.example\r\nX-Api-Key: \(placeholder)\r\n\r\n")
        }
        for client in clients { #expect(client.read(until: "event-stream").contains("200 OK")) }
        let other = try RawClient(gate.port)
        other.send("GET /silent HTTP/1.1\r\nHost: a.example\r\n\r\n")
        #expect(other.read(until: "event-stream").contains("200 OK"))

        let clock = ContinuousClock()
        let start = clock.now
        let fenced = DispatchSemaphore(value: 0)
        let cut = Mutex(0)
        gate.inspector.fence(lease: "model") { number in
            cut.withLock { $0 = number }
            fenced.signal()
        }
        fenced.wait()
        let took = clock.now - start
        #expect(cut.withLock { $0 } == count)
        for client in clients { while client.bytes() != nil {} }
        print("fence of \(count) streams: \(took)")
        #expect(took < .milliseconds(50), "5 ms is the target; this host is shared")

        other.setTimeout(100)
        #expect(other.bytes() != [])
        let after = try RawClient(gate.port)
        after.send("GET / HTTP/1.1\r\nHost: a.example\r\nX-Api-Key: \(placeholder)\r\n\r\n")
        #expect(after.read(until: "}}").contains(#""reason":"fenced""#))
        _ = server
    }
}
