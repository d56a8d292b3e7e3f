// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP2
internal import NIOPosix
internal import NIOSSL
internal import RemitNetwork

/// The connections to the host of one connection of the agent's: one of HTTP/2, or a few of HTTP/1.1.
final class HostPool {
    /// How many connections of HTTP/1.1 the streams of one connection of HTTP/2 may need at once.
    private static let limit = 16

    private unowned let connection: AgentConnection
    private let core: InspectorCore
    private var cutters: [ObjectIdentifier: Cutter] = [:]
    private var idle: [HTTP1HostHandler] = []
    private var busy = 0
    private var dialing = 0
    private var waiting: CircularBuffer<Exchange> = []
    private var http2: HTTP2Host?
    private var isOver = false

    private struct HTTP2Host {
        let channel: any Channel
        let multiplexer: NIOHTTP2Handler.StreamMultiplexer
        let address: String
        var isUsed = false
    }

    init(connection: AgentConnection) {
        self.connection = connection
        core = connection.core
    }

    /// Finds a stream for an exchange, which is told when it is there.
    func acquire(for exchange: Exchange) {
        guard !isOver else { return exchange.failed(UpstreamError("closed", "the connection was closed")) }
        if exchange.request.isWebSocket { return dial(for: exchange) }
        if let http2, http2.channel.isActive { return open(http2, for: exchange) }
        http2 = nil
        if let handler = idle.popLast() { return serve(exchange, with: handler) }
        waiting.append(exchange)
        // The first connection tells which version the host speaks; the others would be too many if it is HTTP/2.
        if dialing == 0 || busy > 0, busy + dialing < Self.limit { dial(for: nil) }
    }

    /// A connection of HTTP/1.1 is free again.
    func release(_ handler: HTTP1HostHandler) {
        if handler.leave() { busy -= 1 }
        if let exchange = waiting.popFirst() {
            serve(exchange, with: handler)
        } else {
            idle.append(handler)
            handler.rest()
        }
    }

    /// A connection of HTTP/1.1 is gone, whatever it was doing.
    func isGone(_ handler: HTTP1HostHandler) {
        if let index = idle.firstIndex(where: { $0 === handler }) {
            idle.remove(at: index)
        } else if handler.leave() {
            busy -= 1
        }
        if !waiting.isEmpty, !isOver, dialing == 0, busy + dialing < Self.limit { dial(for: nil) }
    }

    /// Cuts every connection.
    func cut() {
        guard !isOver else { return }
        isOver = true
        for cutter in cutters.values { cutter.cut() }
        cutters = [:]
        waiting = []
        idle = []
    }

    private func serve(_ exchange: Exchange, with handler: HTTP1HostHandler) {
        busy += 1
        handler.attach(exchange)
        exchange.connected(handler)
    }

    private func open(_ host: HTTP2Host, for exchange: Exchange) {
        let stream = HTTP2HostStream(address: host.address, isReused: host.isUsed, limits: core.limits)
        http2?.isUsed = true
        let bound = NIOLoopBound((stream, exchange), eventLoop: core.loop)
        let promise = core.loop.makePromise(of: (any Channel).self)
        host.multiplexer.createStreamChannel(promise: promise) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.syncOptions?.setOption(.autoRead, value: false)
                try channel.pipeline.syncOperations.addHandler(bound.value.0)
            }
        }
        promise.futureResult.assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                stream.attach(exchange)
                exchange.connected(stream)
            case .failure: exchange.failed(UpstreamError("broken", "the host takes no more streams"))
            }
        }
    }

    // MARK: - Connecting

    /// Connects, for one exchange that needs a connection of its own, or for whoever waits.
    private func dial(for exchange: Exchange?) {
        dialing += 1
        let gate = connection.gate
        let bound = NIOLoopBound((self, exchange), eventLoop: core.loop)
        let loop = core.loop
        core.connector.connect(to: gate.destination, port: gate.port, rule: gate.rule) { result in
            loop.execute {
                let (pool, exchange) = bound.value
                switch result {
                case .success(let socket): pool.start(socket, for: exchange)
                case .failure(let error): pool.failed(error, exchange)
                }
            }
        }
    }

    private func start(_ socket: UpstreamSocket, for exchange: Exchange?) {
        guard !isOver, let member = core.sockets.add(socket.descriptor, isHosts: true) else {
            core.close(socket.descriptor)
            return failed(UpstreamError("broken", "the gate has no room for another connection"), exchange)
        }
        let cutter = Cutter(member, of: core.sockets)
        let bound = NIOLoopBound((self, exchange, cutter), eventLoop: core.loop)
        ClientBootstrap(group: core.loop)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (pool, exchange, cutter) = bound.value
                    try pool.configure(channel, cutter, address: socket.address, for: exchange)
                }
            }
            .withConnectedSocket(socket.descriptor)
            .assumeIsolated()
            .whenFailure { [self] _ in
                cutter.isClosed()
                failed(UpstreamError("broken", "the connection to the host broke"), exchange)
            }
    }

    private func configure(
        _ channel: any Channel, _ cutter: Cutter, address: IPAddress, for exchange: Exchange?
    ) throws {
        let id = ObjectIdentifier(cutter)
        cutters[id] = cutter
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in
            cutter.isClosed()
            cutters[id] = nil
        }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(cutter)
        let gate = connection.gate
        guard gate.isTLS else {
            // The channel becomes active only after this.
            core.loop.assumeIsolated().execute { [self] in
                try? ready(.http1, channel, cutter, "\(address)", for: exchange)
            }
            return
        }
        let context = try core.upstreamContexts.context(
            for: gate.destination, offersHTTP2: exchange == nil
        )
        var name: String?
        if case .name(let host) = gate.destination { name = host.text }
        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
        try pipeline.addHandler(
            HandshakeHandler(timeout: core.limits.headTime) { [self] result in
                switch result {
                case .success(let version): try? ready(version, channel, cutter, "\(address)", for: exchange)
                case .failure(let error):
                    cutter.cut()
                    failed(error, exchange)
                }
            }
        )
    }

    private func ready(
        _ version: HandshakeHandler.Version, _ channel: any Channel, _ cutter: Cutter, _ address: String,
        for exchange: Exchange?
    ) throws {
        dialing -= 1
        switch version {
        case .http1:
            let handler = HTTP1HostHandler(pool: self, cutter: cutter, address: address, limits: core.limits)
            try channel.pipeline.syncOperations.addHandler(handler)
            if let exchange = exchange ?? waiting.popFirst() {
                serve(exchange, with: handler)
            } else {
                idle.append(handler)
                handler.rest()
            }
            while !waiting.isEmpty, busy + dialing < Self.limit { dial(for: nil) }
        case .http2:
            let handler = NIOHTTP2Handler(
                mode: .client, eventLoop: core.loop, connectionConfiguration: HTTP2Tuning.host,
                streamConfiguration: HTTP2Tuning.stream
            ) { stream in stream.close() }
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.pipeline.syncOperations.addHandler(
                HTTP2IdleHandler(milliseconds: core.limits.idleTime) {}
            )
            try channel.syncOptions?.setOption(.autoRead, value: true)
            channel.read()
            let host = HTTP2Host(channel: channel, multiplexer: try handler.syncMultiplexer(), address: address)
            http2 = host
            while let exchange = waiting.popFirst() { open(host, for: exchange) }
        }
    }

    private func failed(_ error: UpstreamError, _ exchange: Exchange?) {
        dialing -= 1
        if let exchange { return exchange.failed(error) }
        // Who waits for a connection that may still come is not told.
        guard dialing == 0, busy == 0 else { return }
        while let exchange = waiting.popFirst() { exchange.failed(error) }
    }
}
