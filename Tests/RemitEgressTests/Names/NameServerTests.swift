// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import Testing

@testable import RemitEgress

@Suite struct NameServerTests {
    private final class Scene {
        let loop: EventLoop
        let server: NameServer
        let datagrams: SocketAddress
        let streams: SocketAddress

        init() throws {
            loop = try EventLoop()
            server = NameServer(loop: loop) { query in
                query.type == .address ? .addresses([[198, 18, 1, 0]]) : .noSuchName(.prohibited)
            }
            let socket = DescriptorBox(try Sockets.datagrams(on: .loopback()))
            datagrams = try Sockets.localAddress(of: socket.number)
            try server.serve(datagrams: socket)
            let listener = DescriptorBox(try Sockets.listen(on: .loopback()))
            streams = try Sockets.localAddress(of: listener.number)
            try server.serve(connections: listener)
        }
    }

    @Test func `a datagram is answered, a broken one too, and one that is no query is not`() throws {
        let scene = try Scene()
        let client = DescriptorBox(try Sockets.datagrams(on: .loopback()))
        var replies: [[UInt8]] = []
        let watch = try scene.loop.watch(client.number, for: .read) { _ in
            if case .moved(let reply) = Sockets.receiveDatagram(client.number, limit: 600), let bytes = reply.bytes {
                replies.append(bytes)
            }
        }
        let good = QueryBuilder("a.example").bytes
        for message in [[1, 2, 3], good, Array(good.dropLast())] as [[UInt8]] {
            Sockets.sendDatagram(message, to: scene.datagrams, over: client.number)
        }
        try scene.loop.wait { replies.count == 2 }
        #expect(replies[0][3] & 15 == 0)
        #expect(replies[0].suffix(4) == [198, 18, 1, 0])
        #expect(replies[1][3] & 15 == 1)
        scene.loop.unwatch(watch)
    }

    @Test func `several queries of one connection are answered in order, however they are cut`() throws {
        let scene = try Scene()
        let client = try LoopPeer.connect(to: scene.streams, on: scene.loop)
        let messages = [QueryBuilder("a.example").bytes, QueryBuilder("b.example", .https).bytes].map {
            [0, UInt8($0.count)] + $0
        }
        let bytes = Array(messages.joined())
        client.send(Array(bytes[..<7]))
        try scene.loop.run(for: .milliseconds(50))
        client.send(Array(bytes[7...]))
        let lengths = [27 + 16, 27]
        try scene.loop.wait { client.receivedCount == lengths.reduce(0) { $0 + $1 + 2 } }
        #expect(client.received[..<2] == [0, UInt8(lengths[0])])
        #expect(client.received[(2 + lengths[0])...].prefix(2) == [0, UInt8(lengths[1])])
    }

    @Test func `a connection that announces a giant is closed`() throws {
        let scene = try Scene()
        let client = try LoopPeer.connect(to: scene.streams, on: scene.loop)
        client.send([0xFF, 0xFF])
        try scene.loop.wait { client.isOver }
    }

    @Test func `many connections that say nothing do not keep the next from being served`() throws {
        let scene = try Scene()
        let idle = try (0..<40).map { _ in try LoopPeer.connect(to: scene.streams, on: scene.loop) }
        try scene.loop.run(for: .milliseconds(100))
        let client = try LoopPeer.connect(to: scene.streams, on: scene.loop)
        let message = QueryBuilder("a.example").bytes
        client.send([0, UInt8(message.count)] + message)
        try scene.loop.wait { client.receivedCount > 2 }
        #expect(idle.first?.isOver == true)
    }
}
