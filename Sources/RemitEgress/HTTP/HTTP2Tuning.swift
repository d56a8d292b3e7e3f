// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

/// How much HTTP/2 may hold: a stream's window is what one exchange buffers, the settings are what a peer may ask for.
enum HTTP2Tuning {
    private static let window = 256 * 1024

    /// For connections of the agent's.
    static let agent = connection(streams: 100)
    /// For connections to hosts, which may not push.
    static let host = connection(streams: 0)

    static let stream: NIOHTTP2Handler.StreamConfiguration = {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.targetWindowSize = window
        configuration.outboundBufferSizeHighWatermark = 64 * 1024
        configuration.outboundBufferSizeLowWatermark = 16 * 1024
        return configuration
    }()

    private static func connection(streams: Int) -> NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        var settings: HTTP2Settings = [
            HTTP2Setting(parameter: .maxHeaderListSize, value: 64 * 1024),
            HTTP2Setting(parameter: .initialWindowSize, value: window),
            HTTP2Setting(parameter: .maxFrameSize, value: 32 * 1024),
        ]
        if streams > 0 {
            settings.append(HTTP2Setting(parameter: .maxConcurrentStreams, value: streams))
        } else {
            settings.append(HTTP2Setting(parameter: .enablePush, value: 0))
        }
        configuration.initialSettings = settings
        configuration.targetWindowSize = 4 * window
        return configuration
    }
}

/// Closes a connection of HTTP/2 on which nothing happens.
final class HTTP2IdleHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private let milliseconds: Int
    private let expire: () -> Void
    private var watch: Watch?

    init(milliseconds: Int, expire: @escaping () -> Void) {
        self.milliseconds = milliseconds
        self.expire = expire
    }

    func handlerAdded(context: ChannelHandlerContext) {
        watch = Watch(context.eventLoop) { [unowned self] in
            watch?.arm(milliseconds)
            expire()
        }
        watch?.arm(milliseconds)
    }

    func handlerRemoved(context: ChannelHandlerContext) { watch?.end() }

    func channelReadComplete(context: ChannelHandlerContext) {
        watch?.arm(milliseconds)
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A stream's error was answered on that stream; the connection's own ends it.
        if !(error is NIOHTTP2Errors.StreamError) { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        watch?.end()
        context.fireChannelInactive()
    }
}
