// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitGate
import RemitKernel
import RemitNetwork
import Testing

@testable import RemitEgress

@Suite struct RelayTests {
    private func hello(_ name: String?) -> [UInt8] { HelloBuilder(serverName: name).records() }

    @Test func `TLS with the right name passes, byte for byte`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: "a.example")
        let bytes = hello("a.example")
        client.send(Array(bytes[..<20]))
        try scene.loop.run(for: .milliseconds(50))
        #expect(scene.servers.isEmpty, "nobody is connected to before the name is known")
        client.send(Array(bytes[20...]))
        let server = try scene.server()
        try scene.loop.wait { server.receivedCount == bytes.count }
        #expect(server.received == bytes)
        server.send("answer")
        try scene.loop.wait { client.text == "answer" }
        client.finish()
        server.finish()
        try scene.loop.wait { scene.relay.open == 0 }
        let record = try #require(scene.records.first)
        #expect(record.isAllowed)
        #expect(record.name == "a.example")
        #expect(record.address == "127.0.0.1")
        #expect(record.bytesUp == UInt64(bytes.count))
        #expect(record.bytesDown == 6)
        #expect(record.reason == nil)
    }

    @Test(arguments: ["b.example", nil])
    func `TLS with another name or none is cut before anybody is connected to`(name: String?) throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: "a.example")
        client.send(hello(name))
        try scene.loop.wait { client.isOver }
        #expect(client.failure?.code == ECONNRESET)
        #expect(scene.servers.isEmpty)
        #expect(scene.records.map(\.isAllowed) == [false])
        #expect(scene.relay.open == 0)
    }

    @Test func `a name that no rule names is cut at once`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: "evil.example")
        try scene.loop.wait { client.isOver }
        #expect(scene.records.first?.name == "evil.example")
        #expect(scene.records.first?.isAllowed == false)
    }

    @Test func `a literal address is cut unless a rule names it`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try LoopPeer.connect(to: scene.transparent, on: scene.loop)
        try scene.loop.wait { client.isOver }
        #expect(scene.records.first?.address == "127.0.0.2")
        let proxied = try scene.client()
        proxied.send("CONNECT 127.0.0.1:\(scene.port) HTTP/1.1\r\n\r\n")
        try scene.loop.wait { proxied.isOver }
        #expect(proxied.text.hasPrefix("HTTP/1.1 403 "))
        #expect(scene.servers.isEmpty)
    }

    @Test func `an address that a rule names is reached`() throws {
        let scene = try RelayScene { port in
            [
                EgressRule(
                    label: "range", host: .network(try #require(Network("127.0.0.0/8"))), ports: [port],
                    opaque: .always)
            ]
        }
        let client = try scene.client()
        client.send("CONNECT 127.0.0.1:\(scene.port) HTTP/1.1\r\n\r\n")
        let server = try scene.server()
        server.send("server first")
        try scene.loop.wait { client.text.hasSuffix("server first") }
    }

    @Test func `an address that stands for nothing is cut`() throws {
        let scene = try RelayScene(RelayScene.rules)
        scene.meanings[.v4(0x7F00_0002)] = .nothing
        let client = try LoopPeer.connect(to: scene.transparent, on: scene.loop)
        try scene.loop.wait { client.isOver }
        #expect(scene.records.first?.reason == "the address stands for no name")
    }

    @Test func `a server that speaks first is heard where the rule allows opaque streams`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: "opaque.example")
        let server = try scene.server()
        server.send("SSH-2.0-x\r\n")
        try scene.loop.wait { client.text == "SSH-2.0-x\r\n" }
        client.send([0, 0, 0, 8, 4, 0xD2, 0x16, 0x2F])
        try scene.loop.wait { server.receivedCount == 8 }
    }

    @Test(arguments: ["a.example", "read.example", "clear.example"])
    func `a stream that is neither TLS nor HTTP is cut where none is allowed`(name: String) throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: name)
        client.send("SSH-2.0-x\r\n")
        try scene.loop.wait { client.isOver }
        #expect(scene.records.first?.reason == "neither TLS nor HTTP is spoken")
        #expect(scene.servers.isEmpty)
    }

    @Test func `HTTP in the clear is read where a rule allows it, and cut elsewhere`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: "clear.example")
        client.send("GET / HTTP/1.1\r\n\r\n")
        try scene.loop.wait { scene.inspector.adopted.withLock { $0.count } == 1 }
        let adopted = try #require(scene.inspector.adopted.withLock { $0.first })
        #expect(!adopted.connection.isTLS)
        #expect(adopted.connection.via == .transparent)
        guard case .moved(let bytes) = Sockets.receive(adopted.descriptor, limit: 100) else {
            Issue.record("the request was taken")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "GET / HTTP/1.1\r\n\r\n")
        let other = try scene.client(meaning: "a.example")
        other.send("GET / HTTP/1.1\r\n\r\n")
        try scene.loop.wait { other.isOver }
        #expect(scene.records.last?.isAllowed == false)
    }

    @Test func `what has to be read is given away untouched`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client()
        client.send(scene.connect("read.example"))
        try scene.loop.wait { client.text == "HTTP/1.1 200 Connection established\r\n\r\n" }
        client.send(hello("read.example"))
        try scene.loop.wait { scene.inspector.adopted.withLock { $0.count } == 1 }
        let adopted = try #require(scene.inspector.adopted.withLock { $0.first })
        #expect(adopted.connection.isTLS)
        #expect(adopted.connection.rule.label == "read")
        guard case .moved(let bytes) = Sockets.receive(adopted.descriptor, limit: 4096) else {
            Issue.record("the hello was taken")
            return
        }
        #expect(bytes == hello("read.example"))
        #expect(scene.servers.isEmpty)
    }

    @Test func `CONNECT passes to the name that it names and no other`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client()
        client.send(scene.connect("A.Example"))
        let server = try scene.server()
        try scene.loop.wait { client.text.hasPrefix("HTTP/1.1 200 ") }
        client.send(hello("a.example"))
        try scene.loop.wait { server.received == self.hello("a.example") }
        let fronting = try scene.client()
        fronting.send(scene.connect("a.example"))
        try scene.loop.wait { fronting.text.hasPrefix("HTTP/1.1 200 ") }
        fronting.send(hello("b.example"))
        try scene.loop.wait { fronting.isOver }
        #expect(scene.records.last?.isAllowed == false)
    }

    @Test func `a CONNECT that is refused is told why, for people and for machines`() throws {
        let scene = try RelayScene(RelayScene.rules)
        for (request, status, error) in [
            (scene.connect("evil.example"), "403", "http_request_denied"),
            ("CONNECT a.example:1 HTTP/1.1\r\n\r\n", "403", "http_request_denied"),
            (scene.connect("down.example"), "502", "connection_refused"),
            ("CONNECT a.example HTTP/1.1\r\n\r\n", "400", "http_request_error"),
        ] {
            let client = try scene.client()
            client.send(request)
            try scene.loop.wait { client.isOver }
            #expect(client.isEnded, "an answer, and a proper end")
            #expect(client.text.hasPrefix("HTTP/1.1 \(status) "))
            #expect(client.text.contains("Proxy-Status: remit; error=\(error)"))
            #expect(client.text.contains("{\"error\":{\"message\":"))
        }
    }

    @Test func `SOCKS passes names, and refuses in its own words`() throws {
        let scene = try RelayScene(RelayScene.rules)
        func request(_ name: String) -> [UInt8] {
            [5, 1, 0, 3, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(scene.port >> 8), UInt8(scene.port & 255)]
        }
        let client = try scene.client()
        client.send([5, 1, 0])
        try scene.loop.wait { client.received == [5, 0] }
        client.forget()
        client.send(request("a.example"))
        let server = try scene.server()
        try scene.loop.wait { client.received.count == 10 }
        #expect(client.received[1] == 0)
        client.send(hello("a.example"))
        try scene.loop.wait { server.received == self.hello("a.example") }
        for (name, code) in [("evil.example", 2), ("down.example", 5)] as [(String, UInt8)] {
            let refused = try scene.client()
            refused.send([5, 1, 0] + request(name))
            try scene.loop.wait { refused.isOver }
            #expect(refused.received.count == 12)
            #expect(refused.received.dropFirst(3).first == code)
        }
    }

    @Test func `requests with an absolute target go to whoever reads them, if the host may be reached in the clear`()
        throws
    {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client()
        client.send("GET http://clear.example:\(scene.port)/ HTTP/1.1\r\nHost: clear.example\r\n\r\n")
        try scene.loop.wait { scene.inspector.adopted.withLock { $0.count } == 1 }
        #expect(scene.inspector.adopted.withLock { $0.first?.connection.via } == .absoluteForm)
        for name in ["evil.example", "a.example"] {
            let refused = try scene.client()
            refused.send("POST http://\(name):\(scene.port)/ HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789")
            try scene.loop.wait { refused.isOver }
            #expect(refused.text.hasPrefix("HTTP/1.1 403 "))
        }
    }

    @Test func `the gate's own service needs no rule`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client()
        client.send("GET http://remit.internal/v1/remit HTTP/1.1\r\nHost: remit.internal\r\n\r\n")
        try scene.loop.wait { scene.inspector.adopted.withLock { $0.count } == 1 }
        #expect(scene.inspector.adopted.withLock { $0.first?.connection.via } == .service)
    }

    @Test func `a budget of connections refuses the next`() throws {
        let scene = try RelayScene(
            budgets: BudgetPlan(session: Budget([.connections: 1])), RelayScene.rules)
        let first = try scene.client(meaning: "opaque.example")
        _ = try scene.server()
        let second = try scene.client()
        second.send(scene.connect("opaque.example"))
        try scene.loop.wait { second.isOver }
        #expect(second.text.hasPrefix("HTTP/1.1 429 "))
        #expect(!first.isOver)
    }

    @Test func `a budget of bytes cuts what overdraws it`() throws {
        let scene = try RelayScene(budgets: BudgetPlan(session: Budget([.bytesUp: 100_000])), RelayScene.rules)
        let client = try scene.client(meaning: "opaque.example")
        let server = try scene.server()
        client.send([UInt8](repeating: 1, count: 50_000))
        try scene.loop.wait { server.receivedCount == 50_000 }
        client.send([UInt8](repeating: 1, count: 10_000_000))
        try scene.loop.wait { client.isOver && server.isOver }
        #expect(server.receivedCount < 1_000_000)
        #expect(scene.records.last?.reason == "the budget has no bytesUp left")
    }

    @Test func `more connections than the limit are refused, and the limit is of those that are open`() throws {
        let scene = try RelayScene(limits: GateLimits(connections: 3), RelayScene.rules)
        var clients = try (0..<3).map { _ in try scene.client(meaning: "opaque.example") }
        try scene.loop.wait { scene.servers.count == 3 }
        let fourth = try scene.client(meaning: "opaque.example")
        try scene.loop.wait { fourth.isOver }
        #expect(scene.records.last?.reason == "too many connections are open")
        clients.removeLast().close(resetting: true)
        try scene.loop.wait { scene.relay.open == 2 }
        _ = try scene.client(meaning: "opaque.example")
        try scene.loop.wait { scene.servers.count == 4 }
    }

    @Test func `ten thousand connections that say nothing hold the limit of pending ones, and no more`() throws {
        let scene = try RelayScene(limits: GateLimits(pending: 8), RelayScene.rules)
        let silent = try (0..<100).map { _ in try scene.client() }
        try scene.loop.run(for: .milliseconds(200))
        #expect(scene.relay.open == 8)
        for client in silent.prefix(20) { client.close(resetting: true) }
        try scene.loop.run(for: .milliseconds(200))
        #expect(scene.relay.open == 8)
    }

    @Test func `a hello that comes byte by byte is read, and one that never ends is not waited for`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: "a.example")
        for byte in hello("a.example") {
            client.send([byte])
            try scene.loop.run(for: .milliseconds(1))
        }
        _ = try scene.server()
        let half = try scene.client(meaning: "a.example")
        half.send(Array(hello("a.example").prefix(30)))
        half.finish()
        try scene.loop.wait(within: .seconds(2)) { half.isOver }
    }

    @Test func `narrowing cuts what is no longer allowed, and nothing else`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let kept = try scene.client(meaning: "opaque.example")
        _ = try scene.server()
        let client = try scene.client()
        client.send(scene.connect("a.example"))
        try scene.loop.wait { client.text.hasPrefix("HTTP/1.1 200 ") }
        client.send(hello("a.example"))
        try scene.loop.wait { scene.servers.count == 2 && scene.servers[1].receivedCount > 0 }
        let only = EgressRule(
            label: "only", host: .exact(try HostName("opaque.example")), ports: [scene.port],
            opaque: .always, addresses: [try #require(Network("127.0.0.0/8"))])
        scene.relay.update(
            policy: scene.context.policy.narrowed(
                by: EgressPolicy(layers: [EgressLayer(name: "narrow", rules: [only])])))
        try scene.loop.wait { client.isOver }
        #expect(!kept.isOver)
        #expect(scene.records.last?.reason == "no longer allowed")
    }

    @Test func `an idle connection is cut`() throws {
        let scene = try RelayScene(limits: GateLimits(idleMilliseconds: 100), RelayScene.rules)
        let client = try scene.client(meaning: "opaque.example")
        _ = try scene.server()
        try scene.loop.wait(within: .seconds(12)) { client.isOver }
        #expect(scene.records.last?.reason == "idle")
    }

    @Test func `a fence cuts fifty busy streams in less than five milliseconds of its thread`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let clients = try (0..<50).map { _ in try scene.client(meaning: "opaque.example") }
        try scene.loop.wait { scene.servers.count == 50 }
        for client in clients {
            client.keeps = false
            client.send([UInt8](repeating: 1, count: 1 << 20))
        }
        for server in scene.servers { server.keeps = false }
        try scene.loop.run(for: .milliseconds(20))
        let before = Self.processorTime
        let severed = scene.relay.sever()
        let count = scene.relay.fence()
        let took = Self.processorTime - before
        #expect(count == 50 && severed == 50)
        #expect(scene.relay.open == 0)
        #expect(took < .milliseconds(5), "\(took)")
        try scene.loop.wait { clients.allSatisfy(\.isOver) && scene.servers.allSatisfy(\.isOver) }
        #expect(scene.records.filter { $0.reason == "fenced" }.count == 50)
    }

    /// Of this thread: what the machine does besides is not the fence's.
    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
