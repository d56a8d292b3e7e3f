// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import RemitNetwork
import Synchronization
import Testing

@testable import RemitEgress

/// Streams that are reset as soon as they are opened (CVE-2023-44487), and what they cost.
struct RapidResetTests {
    private let trust: CertificateAuthority

    init() throws {
        trust = try CertificateAuthority(session: "upstream", now: GateHarness.now, lifetime: 3600)
    }

    private static let streams = 5000

    /// The client's preface and settings, and then each stream with a whole request and its reset, frame by frame.
    private static var attack: [UInt8] {
        func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
            let count = payload.count
            return [UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF), type, flags]
                + (0..<4).map { UInt8(truncatingIfNeeded: stream >> (24 - 8 * $0)) } + payload
        }
        let authority = Array("api.example.com".utf8)
        // GET, https and / of the static table of HPACK, and the authority as it is.
        let head: [UInt8] = [0x82, 0x87, 0x84, 0x01, UInt8(authority.count)] + authority
        var bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, [])
        for number in 0..<streams {
            let stream = UInt32(number * 2 + 1)
            bytes += frame(1, 5, stream, head) + frame(3, 0, stream, [0, 0, 0, 8])
        }
        return bytes
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    @Test func `a client that resets what it asked for is cut off, and costs its host little`() throws {
        let server = try EchoServer(authority: trust, protocols: ["h2", "http/1.1"])
        let gate = try GateHarness(to: server.port, trust: trust)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(gate.authorityFile)
        configuration.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try ClientBootstrap(group: group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let tls = try NIOSSLClientHandler(context: context, serverHostname: "api.example.com")
                try channel.pipeline.syncOperations.addHandlers([tls, Reader()])
            }
        }.connect(host: "127.0.0.1", port: gate.port).wait()
        channel.writeAndFlush(ByteBuffer(bytes: Self.attack), promise: nil)
        let closed = DispatchSemaphore(value: 0)
        channel.closeFuture.whenComplete { _ in closed.signal() }
        #expect(closed.wait(timeout: .now() + 20) == .success, "the connection is still there")
        // Far fewer than were asked for: some two hundred in half a minute are taken for a client's change of mind.
        #expect(gate.connections.current < 300, "\(gate.connections.current)")
        for _ in 0..<1000 where gate.inspector.open > 0 { usleep(5000) }
        #expect(gate.inspector.open == 0)
        #expect(gate.records(0).count < 1000)
        let result = try gate.curl("--http2", "https://api.example.com/after")
        #expect(result.output.hasPrefix("GET /after "), "\(result.output)")
    }
}
