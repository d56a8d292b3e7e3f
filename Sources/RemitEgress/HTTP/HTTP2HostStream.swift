// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP2

/// The host's side of one stream of HTTP/2.
final class HTTP2HostStream: ChannelInboundHandler, HostStream {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private enum Part {
        case head(HTTPResponseHead)
        case data(ByteBuffer)
        case end(HeaderFields)
        case failure(UpstreamError)
    }

    let address: String
    let isReused: Bool
    private let limits: HTTPLimits
    private var context: ChannelHandlerContext?
    private var watch: Watch?
    private var exchange: Exchange?
    private var parts: CircularBuffer<Part> = []
    private var method = ""
    private var hasHead = false
    private var informational = 0
    private var isPulled = false
    private var isReading = false
    private var isDraining = false
    private var isRequestOver = false
    private var isOver = false

    init(address: String, isReused: Bool, limits: HTTPLimits) {
        self.address = address
        self.isReused = isReused
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

    /// Serves an exchange.
    func attach(_ exchange: Exchange) {
        self.exchange = exchange
        watch?.arm(limits.stallTime)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            do {
                if hasHead {
                    parts.append(.end(try HeaderFields(http2Trailer: frame.headers, limits: limits)))
                } else {
                    let head = try HTTPResponseHead(
                        http2: frame.headers, isEnd: frame.endStream, method: method, limits: limits
                    )
                    hasHead = !head.isInformational
                    informational += 1
                    guard informational <= 32 else { throw FramingError.tooManyFields }
                    parts.append(.head(head))
                    if frame.endStream { parts.append(.end(HeaderFields([]))) }
                }
            } catch {
                let code = (error as? FramingError)?.rawValue ?? "malformed"
                parts.append(.failure(UpstreamError("malformed", "the response is malformed (\(code))")))
            }
        case .data(let frame):
            if case .byteBuffer(let bytes) = frame.data, bytes.readableBytes > 0 { parts.append(.data(bytes)) }
            if frame.endStream { parts.append(.end(HeaderFields([]))) }
        default: return
        }
        drain()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        drain()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.hostIsWritable() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        if !isOver { parts.append(.failure(UpstreamError("broken", "the host ended the stream"))) }
        isPulled = true
        drain()
    }

    private func fail(_ error: UpstreamError) {
        isOver = true
        watch?.end()
        context?.writeAndFlush(wrapOutboundOut(.rstStream(.cancel)), promise: nil)
        let exchange = self.exchange
        self.exchange = nil
        exchange?.hostIsGone(error)
    }

    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        while isPulled, exchange != nil, let part = parts.popFirst() {
            isPulled = false
            watch?.arm(limits.stallTime)
            take(part)
        }
        isDraining = false
        exchange?.flushAgent()
        if isPulled, exchange != nil { read() }
    }

    private func take(_ part: Part) {
        switch part {
        case .head(let head): exchange?.responseHead(head)
        case .data(let bytes): exchange?.responseBody(bytes)
        case .end(let trailer):
            isOver = true
            watch?.end()
            let exchange = self.exchange
            self.exchange = nil
            exchange?.responseEnd(trailer)
        case .failure(let error): fail(error)
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

    func send(_ head: HTTPRequestHead, host: String) {
        guard let context else { return }
        method = head.method
        isRequestOver = head.framing == .none
        let headers = HTTP2Frame.FramePayload.Headers(
            headers: head.http2(scheme: "https", host: host), endStream: isRequestOver
        )
        context.write(wrapOutboundOut(.headers(headers)), promise: nil)
    }

    func send(_ body: ByteBuffer) {
        guard let context, body.readableBytes > 0, !isRequestOver else { return }
        watch?.arm(limits.stallTime)
        context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(body)))), promise: nil)
    }

    func finish(_ trailer: HeaderFields) {
        guard let context else { return }
        guard !isRequestOver else { return context.flush() }
        isRequestOver = true
        if trailer.fields.isEmpty {
            let end = HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer()), endStream: true)
            context.writeAndFlush(wrapOutboundOut(.data(end)), promise: nil)
        } else {
            context.writeAndFlush(
                wrapOutboundOut(.headers(.init(headers: trailer.http2, endStream: true))), promise: nil)
        }
    }

    func flush() { context?.flush() }

    func cut() {
        exchange = nil
        parts = []
        guard !isOver, let context else { return }
        isOver = true
        context.writeAndFlush(wrapOutboundOut(.rstStream(.cancel)), promise: nil)
    }
}
