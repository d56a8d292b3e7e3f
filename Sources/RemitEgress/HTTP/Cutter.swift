// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Ends a connection at once: no farewell of TLS, no waiting for the peer, and nothing that is still in the kernel's buffer.
///
/// It stands next to the socket, because a handler of TLS answers a close with a farewell that takes seconds.
final class Cutter: ChannelOutboundHandler {
    typealias OutboundIn = Never

    private let socket: OpenSockets.Member
    private let sockets: OpenSockets
    private var context: ChannelHandlerContext?

    init(_ socket: OpenSockets.Member, of sockets: OpenSockets) {
        self.socket = socket
        self.sockets = sockets
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Cuts: the peer learns by a reset that this was no proper end.
    func cut() {
        sockets.cut(socket)
        context?.close(promise: nil)
    }

    /// The channel has closed its descriptor: the other one is not needed any more.
    func isClosed() { sockets.remove(socket) }
}
