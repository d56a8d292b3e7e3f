// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitKernel
import Testing

@testable import RemitEgress

@Suite struct OpenSocketsTests {
    /// Two ends of a connection on the loopback.
    private static func connection() throws -> (DescriptorBox, DescriptorBox) {
        let listener = DescriptorBox(try Sockets.listen(on: SocketAddress([127, 0, 0, 1], port: 0)))
        let client = DescriptorBox(try Sockets.connect(to: try Sockets.localAddress(of: listener.number)))
        try #require(isReadable(listener.number))
        return (client, DescriptorBox(OwnedDescriptor(adopting: accept(listener.number, nil, nil))))
    }

    private static func isReadable(_ number: CInt) -> Bool {
        var poller = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, 20_000) == 1
    }

    /// Whether a reset comes and not an end; what had arrived before may still be read.
    private static func isReset(_ number: CInt) -> Bool {
        var piece = [UInt8](repeating: 0, count: 65_536)
        var result = 1
        while result > 0, isReadable(number) { result = recv(number, &piece, piece.count, 0) }
        return result < 0 && errno == ECONNRESET
    }

    @Test func `what is cut is reset at once, drops what waits, and nothing is taken in any more`() throws {
        let sockets = OpenSockets()
        let (client, server) = try Self.connection()
        let (other, kept) = try Self.connection()
        #expect(sockets.add(server.number, isHosts: true) != nil)
        sockets.remove(try #require(sockets.add(kept.number, isHosts: true)))
        #expect(write(server.number, "queued", 6) == 6)
        sockets.cutAll()
        var byte: UInt8 = 0
        #expect(recv(server.number, &byte, 1, 0) < 0, "it is open, and no connection any more")
        #expect(fcntl(server.number, F_GETFD) >= 0)
        #expect(Self.isReset(client.number))
        #expect(write(kept.number, "x", 1) == 1)
        #expect(Self.isReadable(other.number) && recv(other.number, &byte, 1, 0) == 1, "what was removed is not cut")
        #expect(sockets.add(kept.number, isHosts: true) == nil)
    }

    @Test func `hosts are severed first, and closed by whoever serves them`() throws {
        let sockets = OpenSockets()
        let (host, toHost) = try Self.connection()
        let (agent, toAgent) = try Self.connection()
        let member = try #require(sockets.add(toHost.number, isHosts: true))
        #expect(sockets.add(toAgent.number, isHosts: false) != nil)
        var isTold = false
        sockets.severHosts { isTold = true }
        #expect(isTold)
        #expect(send(toHost.number, "x", 1, CInt(MSG_NOSIGNAL)) < 0 && errno == EPIPE)
        #expect(sockets.add(toHost.number, isHosts: false) == nil)
        var byte: UInt8 = 0
        #expect(Self.isReadable(host.number) && recv(host.number, &byte, 1, 0) == 0)
        #expect(write(toAgent.number, "x", 1) == 1)
        #expect(Self.isReadable(agent.number) && recv(agent.number, &byte, 1, 0) == 1)
        sockets.cut(member)
        var poller = pollfd(fd: host.number, events: 0, revents: 0)
        #expect(poll(&poller, 1, 20_000) == 1, "it is reset, too")
        sockets.cutAll()
        #expect(Self.isReset(agent.number))
    }

    @Test func `what waited when a stream was severed never leaves, and the stream does not look whole`() throws {
        let sockets = OpenSockets()
        let (peer, own) = try Self.connection()
        #expect(sockets.add(own.number, isHosts: true) != nil)
        // Until the peer's end is full as well, and has no room for what then waits.
        let piece = [UInt8](repeating: 1, count: 65_536)
        var queued: UInt64 = 0
        while case let count = send(own.number, piece, piece.count, CInt(MSG_DONTWAIT)), count > 0 {
            queued += UInt64(count)
        }
        #expect(try Self.sent(by: own.number) < queued)
        sockets.severHosts {}
        #expect(Self.isReset(peer.number))
    }

    @Test func `nothing leaves after streams were severed while another thread writes to them`() throws {
        let sockets = OpenSockets()
        let connections = try (0..<8).map { _ in try Self.connection() }
        for (_, own) in connections { #expect(sockets.add(own.number, isHosts: true) != nil) }
        let numbers = connections.map { (peer: $0.0.number, own: $0.1.number) }
        let isOver = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            var piece = [UInt8](repeating: 1, count: 65_536)
            var open = numbers
            while !open.isEmpty {
                open.removeAll { number in
                    // Half of the streams are read as fast as they are written, and the others are stuck before long.
                    if number.peer & 2 == 0 { _ = recv(number.peer, &piece, piece.count, CInt(MSG_DONTWAIT)) }
                    let flags = CInt(MSG_DONTWAIT | MSG_NOSIGNAL)
                    return send(number.own, piece, piece.count, flags) < 0 && errno != EAGAIN
                }
            }
            isOver.signal()
        }
        for (_, own) in connections { while try Self.sent(by: own.number) == 0 { usleep(1000) } }
        sockets.severHosts {}
        let sent = try connections.map { try Self.sent(by: $0.1.number) }
        #expect(isOver.wait(timeout: .now() + 20) == .success, "nobody can write any more")
        usleep(50_000)
        #expect(try connections.map { try Self.sent(by: $0.1.number) } == sent)
    }

    /// Bytes that have left a socket, each counted once (`tcpi_bytes_sent` and `tcpi_bytes_retrans`).
    private static func sent(by number: CInt) throws -> UInt64 {
        var information = [UInt64](repeating: 0, count: 27)
        var size = socklen_t(216)
        try #require(getsockopt(number, CInt(IPPROTO_TCP), TCP_INFO, &information, &size) == 0 && size == 216)
        return information[25] - information[26]
    }

    @Test func `a number that stands for another socket by now is not cut`() throws {
        let sockets = OpenSockets()
        let (client, server) = try Self.connection()
        let (other, kept) = try Self.connection()
        #expect(sockets.add(server.number, isHosts: true) != nil)
        // The owner closes its descriptor, and the number becomes another connection's before it is removed.
        #expect(dup2(kept.number, server.number) == server.number)
        var poller = pollfd(fd: client.number, events: Int16(POLLIN), revents: 0)
        #expect(poll(&poller, 1, 0) == 0, "the duplicate holds it")
        sockets.cutAll()
        #expect(Self.isReset(client.number))
        var byte: UInt8 = 0
        #expect(write(server.number, "x", 1) == 1)
        #expect(Self.isReadable(other.number) && recv(other.number, &byte, 1, 0) == 1)
    }

    @Test func `a socket that is closed and removed ends in good order, one that is cut does not`() throws {
        let sockets = OpenSockets()
        let (client, server) = try Self.connection()
        let member = try #require(sockets.add(server.number, isHosts: true))
        #expect(write(server.number, "x", 1) == 1)
        server.close()
        sockets.remove(member)
        var byte: UInt8 = 0
        #expect(Self.isReadable(client.number) && recv(client.number, &byte, 1, 0) == 1)
        #expect(Self.isReadable(client.number) && recv(client.number, &byte, 1, 0) == 0)
        sockets.cut(member)
        sockets.remove(member)

        let (second, cut) = try Self.connection()
        sockets.cut(try #require(sockets.add(cut.number, isHosts: true)))
        #expect(Self.isReset(second.number))
        let usable = try Self.connection()
        #expect(sockets.add(usable.1.number, isHosts: true) != nil, "one that was cut keeps nobody else out")
    }

    @Test func `nothing is left open when it is gone, and a number without a file is not taken in`() throws {
        let (client, server) = try Self.connection()
        do {
            let sockets = OpenSockets()
            #expect(sockets.add(server.number, isHosts: true) != nil)
            #expect(sockets.add(-1, isHosts: true) == nil)
            server.close()
        }
        var byte: UInt8 = 0
        #expect(Self.isReadable(client.number) && recv(client.number, &byte, 1, 0) == 0)
    }
}
