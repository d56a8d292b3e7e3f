// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@Suite struct SocketTests {
    @Test func `a connection knows both its ends`() throws {
        let listener = try Sockets.listen(on: .loopback())
        let address = try Sockets.localAddress(of: listener.number)
        #expect(address.port != 0)
        let client = try Sockets.connect(to: address)
        try waitUntilReadable(listener.number)
        let accepted = try Sockets.accept(listener.number)
        #expect(try Sockets.localAddress(of: accepted.socket.number) == address)
        #expect(try Sockets.peerAddress(of: client.number) == address)
        #expect(try Sockets.localAddress(of: client.number) == accepted.peer)
        #expect(Sockets.pendingError(of: client.number) == nil)
        #expect(Sockets.originalDestination(of: accepted.socket.number) == nil)
        #expect(Sockets.isListening(listener.number))
        #expect(!Sockets.isListening(client.number))
        #expect(Sockets.isSocket(client.number, .stream))
        #expect(!Sockets.isSocket(client.number, .datagrams))
    }

    @Test func `this host knows its own addresses from others`() {
        #expect(Sockets.isOwnAddress([127, 0, 0, 1]))
        // Routed to the loopback without being an address of any interface.
        #expect(Sockets.isOwnAddress([127, 9, 8, 7]))
        #expect(!Sockets.isOwnAddress([192, 0, 2, 1]))
        #expect(!Sockets.isOwnAddress([8, 8, 8, 8]))
        #expect(!Sockets.isOwnAddress([0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]))
        if FileSystem.exists("/proc/net/if_inet6") {
            let loopback = [UInt8](repeating: 0, count: 15) + [1]
            let hasLoopback = String(
                decoding: (try? FileSystem.read("/proc/net/if_inet6", limit: 65_536)) ?? [], as: UTF8.self
            )
            .contains("00000000000000000000000000000001")
            if hasLoopback { #expect(Sockets.isOwnAddress(loopback)) }
        }
    }

    @Test func `a listener without callers would block`() throws {
        let listener = try Sockets.listen(on: .loopback())
        #expect(throws: SystemCallError("accept a connection", .again)) { _ = try Sockets.accept(listener.number) }
    }

    @Test func `a refused connection says so when it has ended`() throws {
        let address: SocketAddress
        do {
            let listener = try Sockets.listen(on: .loopback())
            address = try Sockets.localAddress(of: listener.number)
        }
        let client = try Sockets.connect(to: address)
        try waitUntilReadable(client.number)
        #expect(Sockets.pendingError(of: client.number)?.code == ECONNREFUSED)
    }

    @Test func `what is peeked at stays until it is discarded`() throws {
        let (client, server) = try connected()
        guard case .moved(5) = Sockets.send(Array("hello".utf8)[...], to: client.number) else {
            Issue.record("not sent")
            return
        }
        try waitUntilReadable(server.number)
        for _ in 0..<2 { #expect(bytes(Sockets.peek(server.number, limit: 100)) == Array("hello".utf8)) }
        #expect(Sockets.discard(2, from: server.number))
        #expect(bytes(Sockets.receive(server.number, limit: 100)) == Array("llo".utf8))
        #expect(!Sockets.discard(1, from: server.number))
    }

    @Test func `a reader that asked for more bytes is not woken by fewer`() throws {
        let (client, server) = try connected()
        Sockets.setReadableAt(4, server.number)
        _ = Sockets.send([1, 2, 3], to: client.number)
        #expect(!isReadable(server.number, within: 50))
        _ = Sockets.send([4], to: client.number)
        #expect(isReadable(server.number, within: 5000))
    }

    @Test func `descriptors travel with the first byte and are closed on exec`() throws {
        let pair = try Sockets.pair()
        let sent = try (0..<3).map { _ in DescriptorBox(try pipe().read.duplicate()) }
        guard case .moved(2) = Sockets.send([7, 8], with: sent.map(\.number), to: pair.near.number) else {
            Issue.record("not sent")
            return
        }
        guard case .moved(let received) = Sockets.receiveDescriptors(pair.far.number, limit: 100) else {
            Issue.record("not received")
            return
        }
        #expect(received.bytes == [7, 8])
        #expect(received.descriptors.count == 3)
        for box in received.descriptors { #expect(fcntl(box.number, F_GETFD) & FD_CLOEXEC != 0) }
    }

    @Test func `a datagram that is too long is not taken for a short one`() throws {
        let server = try Sockets.datagrams(on: .loopback())
        let client = try Sockets.datagrams(on: .loopback())
        let address = try Sockets.localAddress(of: server.number)
        Sockets.sendDatagram([UInt8](repeating: 1, count: 100), to: address, over: client.number)
        Sockets.sendDatagram([1, 2], to: address, over: client.number)
        try waitUntilReadable(server.number)
        guard case .moved(let long) = Sockets.receiveDatagram(server.number, limit: 50),
            case .moved(let short) = Sockets.receiveDatagram(server.number, limit: 50)
        else {
            Issue.record("not received")
            return
        }
        #expect(long.bytes == nil)
        #expect(short.bytes == [1, 2])
        #expect(try short.sender == Sockets.localAddress(of: client.number))
    }

    @Test func `messages of other threads arrive on the loop in their order`() throws {
        let loop = try EventLoop()
        let mailbox = try LoopMailbox<Int>()
        var received: [Int] = []
        _ = try mailbox.deliver(on: loop) { received.append($0) }
        let count = 1000
        var thread = pthread_t()
        let box = Unmanaged.passRetained(mailbox)
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let mailbox = Unmanaged<LoopMailbox<Int>>.fromOpaque(argument).takeRetainedValue()
                for number in 0..<1000 { mailbox.post(number) }
                return nil
            }, box.toOpaque())
        try loop.run { received.count == count }
        pthread_join(thread, nil)
        #expect(received == Array(0..<count))
    }

    private func connected() throws -> (client: DescriptorBox, server: DescriptorBox) {
        let listener = try Sockets.listen(on: .loopback())
        let client = try Sockets.connect(to: try Sockets.localAddress(of: listener.number))
        try waitUntilReadable(listener.number)
        return (DescriptorBox(client), try Sockets.accept(listener.number).socket)
    }

    private func bytes(_ transfer: Transfer<[UInt8]>) -> [UInt8]? {
        if case .moved(let bytes) = transfer { bytes } else { nil }
    }

    private func waitUntilReadable(_ descriptor: CInt) throws {
        try #require(isReadable(descriptor, within: 5000))
    }

    private func isReadable(_ descriptor: CInt, within milliseconds: CInt) -> Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, milliseconds) == 1
    }
}
