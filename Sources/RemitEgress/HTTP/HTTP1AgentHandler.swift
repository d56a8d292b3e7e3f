// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// The agent's side of a connection of HTTP/1.1: one exchange after the other, in the order of their requests.
final class HTTP1AgentHandler: ChannelInboundHandler, AgentStream {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Input {
        /// Between requests, or within a head.
        case head
        /// A request is being read, on demand.
        case request
        /// The request was read to its end.
        case response
        /// Another protocol: bytes, on demand.
        case raw
        /// What comes is thrown away, up to so many bytes, so that the last response is not lost with the connection.
        case discard(left: Int)
        /// Nothing is read any more.
        case closed
    }

    private let connection: AgentConnection
    private let limits: HTTPLimits
    private var context: ChannelHandlerContext?
    private var watch: Watch?
    private var decoder: HTTP1RequestDecoder
    private var buffer = ByteBuffer()
    private var gathered = GatheredWrites()
    private var input = Input.head
    private var exchange: Exchange?
    /// Whether the request is over, for lack of a body, and its exchange was not told yet.
    private var hasPendingEnd = false
    private var isPulled = false
    private var isReading = false
    private var isDraining = false
    private var closesAfter = false
    private var isHTTP10 = false
    private var isChunked = false

    init(connection: AgentConnection) {
        self.connection = connection
        limits = connection.core.limits
        decoder = HTTP1RequestDecoder(limits: limits)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        watch = Watch(context.eventLoop) { [unowned self] in expired() }
        watch?.arm(limits.idleTime)
        if context.channel.isActive { drain() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watch?.end()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) { drain() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch input {
        case .closed: return
        case .discard(let left):
            let rest = left - bytes.readableBytes
            input = .discard(left: rest)
            if rest <= 0 { connection.cut() }
            return
        case .head, .request, .response, .raw: break
        }
        if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeBuffer(&bytes) }
        drain()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        drain()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.agentIsWritable() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.cut()
    }

    func channelInactive(context: ChannelHandlerContext) {
        input = .closed
        exchange?.agentIsGone()
        exchange = nil
        watch?.end()
    }

    private func expired() {
        switch input {
        case .head where decoder.isIdle: connection.close()
        case .head: refuse(408, "timeout")
        default: connection.cut()
        }
    }

    /// Takes from the buffer what may be taken, and asks for more where that is not enough.
    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        while step() {}
        isDraining = false
        exchange?.flushHost()
    }

    /// Whether there may be another step.
    private func step() -> Bool {
        do {
            switch input {
            case .head:
                guard let part = try decoder.next(&buffer) else {
                    if !decoder.isIdle { watch?.armOnce(limits.headTime) }
                    read()
                    return false
                }
                guard case .head(let head) = part else { return true }
                if head.framing == .none {
                    _ = try decoder.next(&buffer)
                    hasPendingEnd = true
                }
                begin(head)
                return true
            case .request:
                guard isPulled else { return false }
                guard let part = try decoder.next(&buffer) else {
                    watch?.arm(limits.bodyTime)
                    read()
                    return false
                }
                watch?.arm(limits.stallTime)
                isPulled = false
                switch part {
                case .head: return false
                case .body(let data): exchange?.requestBody(data)
                case .end(let trailer):
                    input = .response
                    exchange?.requestEnd(trailer)
                }
                return true
            case .raw:
                guard isPulled else { return false }
                guard buffer.readableBytes > 0 else {
                    read()
                    return false
                }
                isPulled = false
                let data = buffer
                buffer = ByteBuffer()
                exchange?.requestBody(data)
                return true
            case .discard:
                read()
                return false
            case .response, .closed: return false
            }
        } catch {
            malformed(error)
            return false
        }
    }

    private func read() {
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        guard !isReading, let context else { return }
        isReading = true
        context.read()
    }

    private func begin(_ head: HTTPRequestHead) {
        input = hasPendingEnd ? .response : .request
        isPulled = false
        isChunked = false
        isHTTP10 = head.isHTTP10
        // A proxy's connection serves one host here: the next request may be for another one.
        closesAfter = !head.keepsAlive || connection.gate.via == .absoluteForm
        watch?.arm(limits.stallTime)
        let exchange = Exchange(head, agent: self, connection: connection)
        self.exchange = exchange
        exchange.begin()
    }

    /// A request that cannot be read ends the connection: nobody knows where the next one begins.
    private func malformed(_ error: FramingError) {
        if let exchange {
            exchange.requestIsMalformed(error)
        } else {
            refuse(error.status, error.rawValue)
        }
    }

    private func refuse(_ status: Int, _ reason: String) {
        closesAfter = true
        connection.core.recordMalformed(connection, reason: reason, status: status)
        let (head, body) = Refusal.malformed(reason, status: status).response
        input = .request
        send(head)
        send(body)
        finish(HeaderFields([]))
    }

    // MARK: - What an exchange asks for

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func pull() {
        if hasPendingEnd {
            hasPendingEnd = false
            exchange?.requestEnd(HeaderFields([]))
            return
        }
        isPulled = true
        drain()
    }

    func send(_ head: HTTPResponseHead) {
        guard context != nil else { return }
        var head = head
        var connectionOption: String?
        if head.status == 101 {
            input = .raw
            connectionOption = "Upgrade"
        } else if !head.isInformational {
            if case .response = input {} else { closesAfter = true }
            isChunked = head.framing == .chunked || head.framing == .untilClose
            if isChunked {
                head.framing = isHTTP10 ? .untilClose : .chunked
                if isHTTP10 {
                    isChunked = false
                    closesAfter = true
                }
            }
            connectionOption = closesAfter ? "close" : isHTTP10 ? "keep-alive" : nil
        } else if isHTTP10 {
            return
        }
        gathered.encode { HTTP1Encoder.response(head, connection: connectionOption, into: &$0) }
    }

    func send(_ body: ByteBuffer) {
        guard context != nil, body.readableBytes > 0 else { return }
        watch?.arm(limits.stallTime)
        write(isChunked ? HTTP1Encoder.chunk(body) : body)
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
        if isChunked { gathered.encode { HTTP1Encoder.lastChunk(trailer, into: &$0) } }
        flush()
        exchange = nil
        isChunked = false
        hasPendingEnd = false
        switch input {
        case .response where !closesAfter:
            input = .head
            watch?.arm(limits.idleTime)
            drain()
        case .raw, .response:
            input = .closed
            afterFlush { [connection] in connection.close() }
        default:
            linger()
        }
    }

    /// The request is not over and nobody wants the rest of it: closing now could take the response back.
    private func linger() {
        input = .discard(left: max(1, 256 * 1024 - buffer.readableBytes))
        buffer = ByteBuffer()
        watch?.arm(2000)
        afterFlush { [weak self] in self?.context?.close(mode: .output, promise: nil) }
        drain()
    }

    /// A close takes back what is not in the kernel yet.
    private func afterFlush(_ close: @escaping () -> Void) {
        guard let context else { return }
        handOn()
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in close() }
    }

    func flush() {
        handOn()
        context?.flush()
    }

    func cut() {
        exchange = nil
        connection.cut()
    }
}
