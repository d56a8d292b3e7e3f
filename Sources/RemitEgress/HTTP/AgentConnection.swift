// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP2
internal import NIOPosix
internal import NIOSSL

/// One connection of the agent's, with the connections to its host that it needs: they belong to nobody else, so cutting it
/// cuts all that a lease was used on.
final class AgentConnection {
    let gate: GateConnection
    let core: InspectorCore
    private(set) lazy var hosts = HostPool(connection: self)
    /// The leases whose secrets were sent on it.
    private(set) var leases: Set<String> = []
    private let cutter: Cutter
    private var channel: (any Channel)?
    private var exchanges: [ObjectIdentifier: Exchange] = [:]
    private var isOver = false

    init(_ gate: GateConnection, core: InspectorCore, socket: OpenSockets.Member) {
        self.gate = gate
        self.core = core
        cutter = Cutter(socket, of: core.sockets)
    }

    /// Takes over the socket, of which nothing was read.
    func start(descriptor: CInt) {
        let bound = NIOLoopBound(self, eventLoop: core.loop)
        ClientBootstrap(group: core.loop)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.configure(channel) }
            }
            .withConnectedSocket(descriptor)
            .assumeIsolated()
            .whenFailure { _ in
                bound.value.cutter.isClosed()
                bound.value.isGone()
            }
    }

    private func configure(_ channel: any Channel) throws {
        self.channel = channel
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in
            cutter.isClosed()
            isGone()
        }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(cutter)
        guard gate.isTLS else {
            try pipeline.addHandler(HTTP1AgentHandler(connection: self))
            return
        }
        let context = try core.serverContexts.context(for: gate.destination)
        try pipeline.addHandler(NIOSSLServerHandler(context: context))
        try pipeline.addHandler(
            HandshakeHandler(timeout: core.limits.headTime) { [self] result in
                switch result {
                case .success(let version): try? secured(version, channel)
                case .failure: cut()
                }
            }
        )
    }

    private func secured(_ version: HandshakeHandler.Version, _ channel: any Channel) throws {
        switch version {
        case .http1: try channel.pipeline.syncOperations.addHandler(HTTP1AgentHandler(connection: self))
        case .http2:
            let bound = NIOLoopBound(self, eventLoop: core.loop)
            let handler = NIOHTTP2Handler(
                mode: .server, eventLoop: core.loop, connectionConfiguration: HTTP2Tuning.agent,
                streamConfiguration: HTTP2Tuning.stream
            ) { stream in
                stream.eventLoop.makeCompletedFuture {
                    try stream.syncOptions?.setOption(.autoRead, value: false)
                    try stream.pipeline.syncOperations.addHandler(HTTP2AgentStream(connection: bound.value))
                }
            }
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.pipeline.syncOperations.addHandler(
                HTTP2IdleHandler(milliseconds: core.limits.idleTime) { [self] in isIdle ? close() : () }
            )
            try channel.syncOptions?.setOption(.autoRead, value: true)
            channel.read()
        }
    }

    private var isIdle: Bool { exchanges.isEmpty }

    /// An exchange begins.
    func begins(_ exchange: Exchange) { exchanges[ObjectIdentifier(exchange)] = exchange }

    /// An exchange is over.
    func ends(_ exchange: Exchange) { exchanges[ObjectIdentifier(exchange)] = nil }

    /// Secrets of these leases are sent.
    func uses(_ leases: Set<String>) {
        if !leases.isEmpty { self.leases.formUnion(leases) }
    }

    /// Whether a lease was used here, or may be by a request that is not over.
    func concerns(lease: String) -> Bool {
        leases.contains(lease) || exchanges.values.contains { $0.concerns(lease: lease) }
    }

    /// Closes in good order.
    func close() {
        guard let channel, !isOver else { return }
        // A farewell of TLS is answered, and somebody has to read the answer.
        try? channel.syncOptions?.setOption(.autoRead, value: true)
        channel.close(promise: nil)
    }

    /// Ends everything at once, on both sides.
    func cut() {
        cutter.cut()
        hosts.cut()
        isGone()
    }

    private func isGone() {
        guard !isOver else { return }
        isOver = true
        for exchange in exchanges.values { exchange.agentIsGone() }
        exchanges = [:]
        hosts.cut()
        core.isGone(self)
    }
}
