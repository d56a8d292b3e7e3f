// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitGate
import RemitKernel
import RemitNetwork
import Testing

@testable import RemitEgress

/// Streams of which nobody knows what is spoken: whatever it is passes, and TLS must show its name.
@Suite struct GuardedRelayTests {
    private func hello(_ name: String?) -> [UInt8] { HelloBuilder(serverName: name).records() }
    private let request: [UInt8] = [0, 0, 0, 8, 4, 0xD2, 0x16, 0x2F]
    private let encryption: [UInt8] = [0, 0, 0, 8, 4, 0xD2, 0x16, 0x30]

    private func expectPassed(_ scene: RelayScene, _ client: LoopPeer, _ bytes: [UInt8]) throws {
        let server = try scene.server()
        try scene.loop.wait { server.receivedCount == bytes.count }
        #expect(server.received == bytes)
        server.send("answer")
        try scene.loop.wait { client.text.hasSuffix("answer") }
        client.finish()
        server.finish()
        try scene.loop.wait { scene.relay.open == 0 }
        let record = try #require(scene.records.last)
        #expect(record.isAllowed && record.reason == nil && record.bytesUp == UInt64(bytes.count), "\(record)")
    }

    @Test func `a server that speaks first is heard, and not waited for`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: "guarded.example")
        let server = try scene.server()
        server.send("220 mail.example ESMTP\r\n")
        try scene.loop.wait { client.text == "220 mail.example ESMTP\r\n" }
        client.send("EHLO agent\r\n")
        try expectPassed(scene, client, Array("EHLO agent\r\n".utf8))
    }

    @Test(arguments: [
        Array("SSH-2.0-x\r\n".utf8), [0], [0, 0, 0, 9, 1], [0x16], [0x16, 0, 0, 1], [0x80, 3, 2], [0xFF, 0xFD, 1],
        Array("GET / HTTP/1.1\r\n\r\n".utf8), [0x20, 0, 0, 1, 0x85, 0xA6], [0x80, 5, 1, 0, 0, 0, 0],
    ])
    func `what is no TLS passes at once, byte for byte`(bytes: [UInt8]) throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: "guarded.example")
        client.send(bytes)
        if bytes == [0x16] || bytes == [0] {
            // One byte does not tell; the next one does.
            try scene.loop.run(for: .milliseconds(50))
            #expect(try scene.server().receivedCount == 0)
            client.send([9])
            return try expectPassed(scene, client, bytes + [9])
        }
        try expectPassed(scene, client, bytes)
    }

    @Test func `TLS with the right name passes, in whatever pieces it comes`() throws {
        for size in [1000, 7] {
            let scene = try RelayScene(RelayScene.rules)
            let client = try scene.client(meaning: "guarded.example")
            let bytes = hello("guarded.example")
            for start in stride(from: 0, to: bytes.count, by: size) {
                client.send(Array(bytes[start..<min(start + size, bytes.count)]))
                try scene.loop.run(for: .milliseconds(2))
            }
            try expectPassed(scene, client, bytes)
        }
    }

    private static let refused: [(String, [UInt8])] = [
        ("another name", HelloBuilder(serverName: "a.example").records()),
        ("no name", HelloBuilder(serverName: nil).records()),
        ("an alert before it", [21, 3, 1, 0, 2, 1, 0] + HelloBuilder(serverName: "guarded.example").records()),
        ("the form of SSL 2", [0x80, 0x2E, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10]),
        ("an empty record before it", [22, 3, 1, 0, 0] + HelloBuilder(serverName: "a.example").records()),
        ("another message", [22, 3, 1, 0, 4, 0, 0, 0, 0]),
    ]

    @Test(arguments: refused.map(\.0))
    func `TLS with another name, none, or in a form that hides it is cut, and nothing of it arrives`(
        what: String
    ) throws {
        let bytes = try #require(Self.refused.first { $0.0 == what }?.1)
        for request in [[], request, encryption, encryption + self.request] {
            let scene = try RelayScene(RelayScene.rules)
            let client = try scene.client(meaning: "guarded.example")
            // At once, so that an impatient reader takes both together.
            client.send(request + bytes)
            try scene.loop.wait { client.isOver }
            #expect(client.failure?.code == ECONNRESET)
            let server = try scene.server()
            try scene.loop.wait { server.isOver }
            #expect(server.received == request)
            let record = try #require(scene.records.last)
            #expect(!record.isAllowed && record.rule == "guarded" && record.reason != nil, "\(record)")
            #expect(scene.relay.open == 0)
        }
    }

    @Test func `a database that is asked for TLS first gets it with the right name, or in the clear`() throws {
        for following in [hello("guarded.example"), [0, 0, 0, 16, 0, 3, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]] {
            let scene = try RelayScene(RelayScene.rules)
            let client = try scene.client(meaning: "guarded.example")
            client.send(Array(request.prefix(3)))
            try scene.loop.run(for: .milliseconds(20))
            client.send(Array(request.dropFirst(3)))
            let server = try scene.server()
            try scene.loop.wait { server.receivedCount == 8 }
            server.send(following.first == 0 ? "N" : "S")
            try scene.loop.wait { client.text.count == 1 }
            client.send(following)
            try expectPassed(scene, client, request + following)
        }
    }

    @Test func `a hello that is never finished is cut, when it ends and when it does not`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let half = try scene.client(meaning: "guarded.example")
        half.send(Array(hello("guarded.example").prefix(30)))
        half.finish()
        try scene.loop.wait(within: .seconds(3)) { half.isOver }
        #expect(scene.records.last?.isAllowed == false)
        let silent = try scene.client(meaning: "guarded.example")
        silent.send([0x16, 3])
        try scene.loop.wait(within: .seconds(15)) { silent.isOver }
        #expect(scene.records.last?.reason == "the client began like TLS and did not go on")
    }

    @Test func `a client that only listens is served, and one that has ended is passed on`() throws {
        let scene = try RelayScene(RelayScene.rules)
        let client = try scene.client(meaning: "guarded.example")
        client.finish()
        let server = try scene.server()
        server.send("all there is")
        server.finish()
        try scene.loop.wait { client.isOver && scene.relay.open == 0 }
        #expect(client.text == "all there is")
        #expect(scene.records.last?.isAllowed == true && scene.records.last?.reason == nil)
    }

    @Test func `a rule without a name to show takes TLS without one, and no other`() throws {
        for (name, passes) in [(nil, true), ("a.example", false)] as [(String?, Bool)] {
            let scene = try RelayScene { port in
                var rules = try RelayScene.rules(port)
                for index in rules.indices where rules[index].label == "guarded" { rules[index].sni = .optional }
                return rules
            }
            let client = try scene.client(meaning: "guarded.example")
            client.send(hello(name))
            if passes {
                try expectPassed(scene, client, hello(name))
            } else {
                try scene.loop.wait { client.isOver }
                #expect(scene.records.last?.isAllowed == false)
            }
        }
    }
}
