// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Waits for TLS to agree, and tells once which version of HTTP both sides speak.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What is spoken within TLS.
    enum Version {
        case http1
        case http2
    }

    private let timeout: Int
    private var completion: ((Result<Version, UpstreamError>) -> Void)?
    private var watch: Watch?

    /// - Parameter timeout: milliseconds.
    init(timeout: Int, completion: @escaping (Result<Version, UpstreamError>) -> Void) {
        self.timeout = timeout
        self.completion = completion
    }

    func handlerAdded(context: ChannelHandlerContext) {
        watch = Watch(context.eventLoop) { [unowned self] in
            finish(.failure(UpstreamError("timeout", "TLS took too long")))
        }
        watch?.arm(timeout)
        if context.channel.isActive { context.read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) { watch?.end() }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let chosen) = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        finish(.success(chosen == "h2" ? .http2 : .http1))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(Self.reason(error)))
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(UpstreamError("handshake", "the connection ended within the handshake of TLS")))
        context.fireChannelInactive()
    }

    private func finish(_ result: Result<Version, UpstreamError>) {
        watch?.end()
        let completion = self.completion
        self.completion = nil
        completion?(result)
    }

    private static func reason(_ error: any Error) -> UpstreamError {
        // The library tells what it disliked in its description only.
        let text = "\(error)"
        if ["CERTIFICATE_VERIFY_FAILED", "unableToValidateCertificate", "failedToValidateHostname"].contains(
            where: text.contains)
        {
            return UpstreamError("certificate", "the host's certificate is not trusted")
        }
        return UpstreamError("handshake", "TLS failed")
    }
}
