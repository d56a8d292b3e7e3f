// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore

/// Ends a connection at once: no farewell of TLS, no waiting for the peer, and nothing that is still in the kernel's buffer.
///
/// It stands next to the socket, because a handler of TLS answers a close with a farewell that takes seconds.
final class Cutter: ChannelOutboundHandler {
    typealias OutboundIn = Never

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Cuts.
    func cut() {
        guard let context else { return }
        if let socket = context.channel as? any SocketOptionProvider {
            // A reset: the peer learns that it was cut, and what was queued is dropped.
            socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        }
        context.close(promise: nil)
    }
}
