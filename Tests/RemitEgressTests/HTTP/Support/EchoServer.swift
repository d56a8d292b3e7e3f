// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import RemitNetwork

@testable import RemitEgress

/// A host that tells what it was asked, with an authority of its own, in HTTP/1.1 or HTTP/2.
final class EchoServer: Sendable {
    let port: Int
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// - Parameters:
    ///   - authority: signs for the name; nil for a server without TLS.
    ///   - protocols: what it offers by ALPN.
    ///   - clients: a file of the authority that its clients must have a certificate of; nil when they need none.
    init(
        authority: CertificateAuthority?, name: String = "api.example.com", protocols: [String] = ["http/1.1"],
        clients: String? = nil
    ) throws {
        var context: NIOSSLContext?
        if let authority {
            let leaf = try authority.leaf(for: .name(try HostName(name))).der
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: [.certificate(try NIOSSLCertificate(bytes: leaf, format: .der))],
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(authority.leafKey.utf8), format: .pem))
            )
            configuration.applicationProtocols = protocols
            if let clients {
                configuration.certificateVerification = .noHostnameVerification
                configuration.trustRoots = .file(clients)
            }
            context = try NIOSSLContext(configuration: configuration)
        }
        let channel = try ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [context] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context else { return try Self.http1(channel) }
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    let ready = HandshakeHandler(timeout: 5000) { result in
                        switch result {
                        case .success(.http1): try? Self.http1(channel)
                        case .success(.http2): try? Self.http2(channel)
                        case .failure: channel.close(promise: nil)
                        }
                    }
                    try channel.pipeline.syncOperations.addHandler(ready)
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        port = channel.localAddress?.port ?? 0
    }

    deinit { group.shutdownGracefully { _ in } }

    private static func http1(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
        try channel.pipeline.syncOperations.addHandler(EchoHandler(isHTTP2: false))
    }

    private static func http2(_ channel: any Channel) throws {
        let handler = NIOHTTP2Handler(mode: .server, eventLoop: channel.eventLoop) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
                try stream.pipeline.syncOperations.addHandler(EchoHandler(isHTTP2: true))
            }
        }
        try channel.pipeline.syncOperations.addHandler(handler)
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let isHTTP2: Bool
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var count = 0
    private var trailer: HTTPHeaders?

    init(isHTTP2: Bool) { self.isHTTP2 = isHTTP2 }

    typealias HTTPRequestHead = NIOHTTP1.HTTPRequestHead

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
            count = 0
            if head.headers.contains(name: "expect") {
                context.writeAndFlush(
                    wrapOutboundOut(.head(.init(version: head.version, status: .continue))), promise: nil)
            }
        case .body(var bytes):
            count += bytes.readableBytes
            if body.readableBytes < 65536 { body.writeBuffer(&bytes) }
        case .end(let trailer):
            self.trailer = trailer
            if let head { answer(head, context) }
        }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = head.uri.split(separator: "?").first.map(String.init) ?? "/"
        switch path {
        case "/big": big(head, context)
        case "/events": events(head, context)
        case "/silent":
            start(head, context, ["content-type": "text/event-stream"])
            context.flush()
        case "/none": finish(head, context, status: .noContent, "")
        case "/moved": finish(head, context, status: .found, "", ["location": "https://other.example/"])
        case "/trailer":
            start(head, context, ["trailer": "x-sum"])
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "body")))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(["x-sum": "42"])), promise: nil)
        default:
            var text = "\(head.method) \(head.uri) \(isHTTP2 ? "h2" : "h1")\n"
            for (name, value) in head.headers { text += "\(name.lowercased()): \(value)\n" }
            for (name, value) in trailer ?? [:] { text += "trailer \(name.lowercased()): \(value)\n" }
            text += "\n\(count)\n" + String(buffer: body)
            finish(head, context, status: .ok, text, ["x-back": head.headers.first(name: "x-there") ?? "none"])
        }
    }

    private func start(_ head: HTTPRequestHead, _ context: ChannelHandlerContext, _ fields: HTTPHeaders) {
        context.write(wrapOutboundOut(.head(.init(version: head.version, status: .ok, headers: fields))), promise: nil)
    }

    private func finish(
        _ head: HTTPRequestHead, _ context: ChannelHandlerContext, status: HTTPResponseStatus, _ text: String,
        _ fields: HTTPHeaders = [:]
    ) {
        var fields = fields
        if status != .noContent { fields.add(name: "content-length", value: "\(text.utf8.count)") }
        context.write(
            wrapOutboundOut(.head(.init(version: head.version, status: status, headers: fields))), promise: nil)
        if head.method != .HEAD, !text.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// `/big?N`: N mebibytes, each sent when the one before it is.
    private func big(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let count = head.uri.split(separator: "?").last.flatMap { Int($0) } ?? 1
        start(head, context, ["content-length": "\(count << 20)"])
        let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        @Sendable func send(_ left: Int) {
            let (handler, context) = bound.value
            guard left > 0 else { return context.writeAndFlush(handler.wrapOutboundOut(.end(nil)), promise: nil) }
            context.writeAndFlush(handler.wrapOutboundOut(.body(.byteBuffer(piece)))).whenSuccess { send(left - 1) }
        }
        send(count)
    }

    private func events(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        start(head, context, ["content-type": "text/event-stream"])
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        for number in 1...3 {
            context.eventLoop.scheduleTask(in: .milliseconds(Int64(number) * 100)) {
                let (handler, context) = bound.value
                let text = ByteBuffer(string: "data: \(number)\n\n")
                context.writeAndFlush(handler.wrapOutboundOut(.body(.byteBuffer(text))), promise: nil)
                if number == 3 { context.writeAndFlush(handler.wrapOutboundOut(.end(nil)), promise: nil) }
            }
        }
    }
}
