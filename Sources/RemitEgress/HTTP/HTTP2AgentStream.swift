// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP2

/// The agent's side of one stream of HTTP/2.
final class HTTP2AgentStream: ChannelInboundHandler, AgentStream {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private enum Part {
        case data(ByteBuffer)
        case end(HeaderFields)
    }

    private let connection: AgentConnection
    private let limits: HTTPLimits
    private var context: ChannelHandlerContext?
    private var watch: Watch?
    private var exchange: Exchange?
    private var parts: CircularBuffer<Part> = []
    private var hasHead = false
    private var isRequestOver = false
    private var isPulled = false
    private var isReading = false
    private var isDraining = false
    private var isInputOver = false
    private var isOutputOver = false

    init(connection: AgentConnection) {
        self.connection = connection
        limits = connection.core.limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        watch = Watch(context.eventLoop) { [unowned self] in cut() }
        watch?.arm(limits.headTime)
        if context.channel.isActive { read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watch?.end()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) { read() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            isInputOver = frame.endStream
            if hasHead {
                do {
                    parts.append(.end(try HeaderFields(http2Trailer: frame.headers, limits: limits)))
                } catch {
                    exchange?.requestIsMalformed(error)
                }
            } else {
                hasHead = true
                begin(frame)
            }
        case .data(let frame):
            isInputOver = frame.endStream
            if case .byteBuffer(let bytes) = frame.data, bytes.readableBytes > 0 { parts.append(.data(bytes)) }
            if frame.endStream { parts.append(.end(HeaderFields([]))) }
        default: return
        }
        drain()
    }

    private func begin(_ frame: HTTP2Frame.FramePayload.Headers) {
        watch?.arm(limits.stallTime)
        if frame.endStream { parts.append(.end(HeaderFields([]))) }
        do {
            let head = try HTTPRequestHead(http2: frame.headers, isEnd: frame.endStream, limits: limits)
            let exchange = Exchange(head, agent: self, connection: connection)
            self.exchange = exchange
            exchange.begin()
        } catch {
            connection.core.recordMalformed(connection, reason: error.rawValue, status: error.status)
            let (head, body) = Refusal.malformed(error.rawValue, status: error.status).response
            send(head)
            send(body)
            finish(HeaderFields([]))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        drain()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.agentIsWritable() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        watch?.end()
        exchange?.agentIsGone()
        exchange = nil
    }

    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        while isPulled, exchange != nil, let part = parts.popFirst() {
            isPulled = false
            watch?.arm(limits.stallTime)
            switch part {
            case .data(let bytes): exchange?.requestBody(bytes)
            case .end(let trailer):
                isRequestOver = true
                exchange?.requestEnd(trailer)
            }
        }
        isDraining = false
        exchange?.flushHost()
        if isPulled, exchange != nil, !isRequestOver {
            watch?.arm(limits.bodyTime)
            read()
        }
    }

    private func read() {
        guard !isReading, let context else { return }
        isReading = true
        context.read()
    }

    // MARK: - What an exchange asks for

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func pull() {
        isPulled = true
        drain()
    }

    func send(_ head: HTTPResponseHead) {
        guard let context else { return }
        isOutputOver = head.framing == .none && !head.isInformational
        let headers = HTTP2Frame.FramePayload.Headers(headers: head.http2, endStream: isOutputOver)
        context.write(wrapOutboundOut(.headers(headers)), promise: nil)
    }

    func send(_ body: ByteBuffer) {
        guard let context, body.readableBytes > 0, !isOutputOver else { return }
        watch?.arm(limits.stallTime)
        context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(body)))), promise: nil)
    }

    func finish(_ trailer: HeaderFields) {
        guard let context else { return }
        exchange = nil
        parts = []
        if isOutputOver {
            // The head was all there is.
        } else if trailer.fields.isEmpty {
            let end = HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer()), endStream: true)
            context.write(wrapOutboundOut(.data(end)), promise: nil)
        } else {
            context.write(wrapOutboundOut(.headers(.init(headers: trailer.http2, endStream: true))), promise: nil)
        }
        isOutputOver = true
        if isInputOver {
            context.flush()
        } else {
            // The rest of the request is not wanted (RFC 9113 §8.1): the client may stop, and keep the response.
            context.writeAndFlush(wrapOutboundOut(.rstStream(.noError)), promise: nil)
        }
    }

    func flush() { context?.flush() }

    func cut() {
        exchange = nil
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(.rstStream(.internalError)), promise: nil)
    }
}
