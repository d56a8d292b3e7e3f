// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// The host's side of a connection of HTTP/1.1: one exchange at a time.
final class HTTP1HostHandler: ChannelInboundHandler, HostStream {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Between exchanges: whatever comes now is nobody's answer, and ends the connection.
        case idle
        /// A response is being read, on demand.
        case response(HTTP1ResponseDecoder)
        /// Another protocol: bytes, on demand.
        case raw
        case closed
    }

    let address: String
    private(set) var isReused = false
    private let pool: HostPool
    private let limits: HTTPLimits
    private let cutter: Cutter
    private var context: ChannelHandlerContext?
    private var watch: Watch?
    private var state = State.idle
    private var buffer = ByteBuffer()
    private var gathered = GatheredWrites()
    private var exchange: Exchange?
    private var isBusy = false
    private var isPulled = false
    private var isReading = false
    private var isDraining = false
    private var isEnded = false
    private var isRequestSent = false
    private var keepsAlive = true
    private var isChunked = false
    private var left: UInt64?

    init(pool: HostPool, cutter: Cutter, address: String, limits: HTTPLimits) {
        self.pool = pool
        self.cutter = cutter
        self.address = address
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        watch = Watch(context.eventLoop) { [unowned self] in fail(UpstreamError("timeout", "the host went silent")) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watch?.end()
        self.context = nil
    }

    /// Serves an exchange from now on.
    func attach(_ exchange: Exchange) {
        self.exchange = exchange
        isBusy = true
        isRequestSent = false
        watch?.arm(limits.stallTime)
    }

    /// Serves nobody any more; gives whether it did.
    func leave() -> Bool {
        defer { isBusy = false }
        return isBusy
    }

    /// Waits for the next exchange, and for the host to close.
    func rest() {
        watch?.arm(60_000)
        read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if case .idle = state { return cutter.cut() }
        if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeBuffer(&bytes) }
        drain()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        drain()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.hostIsWritable() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(UpstreamError("broken", "the connection to the host broke"))
    }

    func channelInactive(context: ChannelHandlerContext) {
        isEnded = true
        drain()
        if exchange == nil {
            state = .closed
            pool.isGone(self)
        }
    }

    private func fail(_ error: UpstreamError) {
        state = .closed
        cutter.cut()
        pool.isGone(self)
        let exchange = self.exchange
        self.exchange = nil
        exchange?.hostIsGone(error)
    }

    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        while step() {}
        isDraining = false
        exchange?.flushAgent()
    }

    private func step() -> Bool {
        switch state {
        case .response(var decoder):
            guard isPulled else { return false }
            do {
                var part = try decoder.next(&buffer)
                if part == nil, isEnded { part = try decoder.finish() }
                state = .response(decoder)
                guard let part else {
                    read()
                    return false
                }
                watch?.arm(limits.stallTime)
                isPulled = false
                take(part)
                return true
            } catch {
                let reason = error == .truncated ? "the host stopped within its response" : "the response is malformed"
                fail(UpstreamError(error == .truncated ? "truncated" : "malformed", "\(reason) (\(error.rawValue))"))
                return false
            }
        case .raw:
            guard isPulled else { return false }
            guard buffer.readableBytes > 0 else {
                guard isEnded else {
                    read()
                    return false
                }
                isPulled = false
                end(HeaderFields([]))
                return false
            }
            watch?.arm(limits.stallTime)
            isPulled = false
            let data = buffer
            buffer = ByteBuffer()
            exchange?.responseBody(data)
            return true
        case .idle, .closed: return false
        }
    }

    private func take(_ part: HTTP1ResponseDecoder.Part) {
        switch part {
        case .head(let head):
            if head.status == 101 { state = .raw }
            if !head.isInformational { keepsAlive = head.keepsAlive }
            exchange?.responseHead(head)
        case .body(let data): exchange?.responseBody(data)
        case .end(let trailer): end(trailer)
        }
    }

    private func end(_ trailer: HeaderFields) {
        let exchange = self.exchange
        self.exchange = nil
        isReused = true
        // What follows a response that nobody asked for would be taken for the next one's.
        if keepsAlive, isRequestSent, !isEnded, buffer.readableBytes == 0, case .response = state {
            state = .idle
            // First: the agent's next request may already be there, and wants this connection.
            pool.release(self)
            exchange?.responseEnd(trailer)
        } else {
            state = .closed
            cutter.cut()
            pool.isGone(self)
            exchange?.responseEnd(trailer)
        }
    }

    private func read() {
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        guard !isReading, !isEnded, let context else { return }
        isReading = true
        context.read()
    }

    // MARK: - What an exchange asks for

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func pull() {
        isPulled = true
        drain()
    }

    func send(_ head: HTTPRequestHead, host: String) {
        guard context != nil else { return }
        keepsAlive = true
        isChunked = head.framing == .chunked
        left = isChunked ? nil : head.framing.length
        state = .response(HTTP1ResponseDecoder(method: head.method, maySwitch: head.isWebSocket, limits: limits))
        gathered.encode { HTTP1Encoder.request(head, host: host, into: &$0) }
    }

    func send(_ body: ByteBuffer) {
        guard context != nil, body.readableBytes > 0 else { return }
        watch?.arm(limits.stallTime)
        if case .raw = state {
            write(body)
        } else if isChunked {
            write(HTTP1Encoder.chunk(body))
        } else {
            // More than was announced would be the host's next request.
            guard let rest = left, rest >= UInt64(body.readableBytes) else { return cut() }
            left = rest - UInt64(body.readableBytes)
            write(body)
        }
    }

    private func write(_ bytes: ByteBuffer) {
        guard !gathered.gather(bytes) else { return }
        handOn()
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    private func handOn() {
        if let bytes = gathered.take() { context?.write(wrapOutboundOut(bytes), promise: nil) }
    }

    func finish(_ trailer: HeaderFields) {
        guard context != nil else { return }
        if isChunked {
            gathered.encode { HTTP1Encoder.lastChunk(trailer, into: &$0) }
        } else if let left, left > 0 {
            return cut()
        }
        flush()
        isRequestSent = true
    }

    func flush() {
        handOn()
        context?.flush()
    }

    func cut() {
        exchange = nil
        state = .closed
        cutter.cut()
        pool.isGone(self)
    }
}
