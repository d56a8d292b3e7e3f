// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// The agent's side of one exchange: what a request comes from, and what its response goes to.
///
/// It gives one part of the request for each ``pull()``, so that nobody reads faster than the other side takes.
protocol AgentStream: AnyObject {
    /// Whether more may be sent before it is told that it may.
    var isWritable: Bool { get }
    /// Asks for the next part of the request.
    func pull()
    /// Sends an informational head, or the final one. After 101 the bytes are nobody's message any more.
    func send(_ head: HTTPResponseHead)
    /// Sends bytes of the body.
    func send(_ body: ByteBuffer)
    /// Ends the response. A request that is not over yet is not read to its end.
    func finish(_ trailer: HeaderFields)
    /// Hands to the kernel what was sent.
    func flush()
    /// Gives up: what was sent is not a whole response, and must not look like one.
    func cut()
}

/// The host's side of one exchange: what a request goes to, and what its response comes from.
protocol HostStream: AnyObject {
    /// Whether more may be sent before it is told that it may.
    var isWritable: Bool { get }
    /// Whether an exchange was made on this connection before.
    var isReused: Bool { get }
    /// The address it is connected to.
    var address: String { get }
    /// Asks for the next part of the response.
    func pull()
    /// Sends the head; `host` is the value of `Host`.
    func send(_ head: HTTPRequestHead, host: String)
    /// Sends bytes of the body.
    func send(_ body: ByteBuffer)
    /// Ends the request.
    func finish(_ trailer: HeaderFields)
    /// Hands to the kernel what was sent.
    func flush()
    /// Gives up: what was sent is not a whole request, and must not look like one.
    func cut()
}
