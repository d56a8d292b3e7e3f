// SPDX-License-Identifier: Apache-2.0
// Internet sockets that never wait. Each function is one system call; who waits for readiness is the loop.

internal import CLinux
internal import Glibc

/// Internet sockets, see socket(7), ip(7) and tcp(7).
package enum Sockets {
    /// Takes a waiting connection: its socket never waits and is closed on exec.
    ///
    /// The corresponding system call is `accept4(2)`.
    /// - Throws: ``SystemCallError`` with ``Errno/again`` when none is waiting, or when the process has no descriptor left.
    package static func accept(_ listener: CInt) throws(SystemCallError) -> Accepted {
        var peer = linux_address()
        let number = try check("accept a connection") { unsafe linux_accept(listener, &peer) }
        return Accepted(socket: DescriptorBox(OwnedDescriptor(adopting: number)), peer: SocketAddress(peer))
    }

    /// A connection that was accepted, and where it comes from.
    package struct Accepted {
        package let socket: DescriptorBox
        package let peer: SocketAddress
    }

    /// A stream socket that listens.
    ///
    /// The corresponding system calls are `socket(2)`, `bind(2)` and `listen(2)`.
    package static func listen(
        on address: SocketAddress, backlog: CInt = 128
    ) throws(SystemCallError)
        -> OwnedDescriptor
    {
        var raw = address.raw
        return OwnedDescriptor(
            adopting: try check("listen on port \(address.port)") { unsafe linux_listen(&raw, backlog) }
        )
    }

    /// A datagram socket with an address of its own.
    ///
    /// The corresponding system calls are `socket(2)` and `bind(2)`.
    package static func datagrams(on address: SocketAddress) throws(SystemCallError) -> OwnedDescriptor {
        var raw = address.raw
        return OwnedDescriptor(
            adopting: try check("bind port \(address.port)") { unsafe linux_bind_datagram(&raw) }
        )
    }

    /// Begins to connect; the socket becomes writable when that has ended, and ``pendingError(of:)`` says how.
    ///
    /// The corresponding system calls are `socket(2)` and `connect(2)`.
    package static func connect(to address: SocketAddress) throws(SystemCallError) -> OwnedDescriptor {
        var raw = address.raw
        return OwnedDescriptor(adopting: try check("connect") { unsafe linux_connect(&raw) })
    }

    /// The error a socket holds, `nil` when there is none; asking clears it (`SO_ERROR`).
    package static func pendingError(of socket: CInt) -> Errno? {
        let code = linux_socket_error(socket)
        return code == 0 ? nil : Errno(code: code)
    }

    /// The corresponding system call is `getsockname(2)`.
    package static func localAddress(of socket: CInt) throws(SystemCallError) -> SocketAddress {
        var raw = linux_address()
        try check("ask a socket for its address") { unsafe linux_local_address(socket, &raw) }
        return SocketAddress(raw)
    }

    /// Whether a connection to an address would end on this host: the kernel would make it from that address itself, or
    /// from the loopback's.
    ///
    /// No packet is sent. Other than a list of the interfaces' addresses (getifaddrs(3)) this is the routing table's own
    /// word, for ranges that are routed to this host as well, and of this moment.
    ///
    /// The corresponding system calls are `socket(2)`, `connect(2)` and `getsockname(2)`.
    package static func isOwnAddress(_ address: [UInt8]) -> Bool {
        let version6 = address.count == 16
        let number = socket(version6 ? AF_INET6 : AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        // Without a descriptor there is no connection either.
        guard number >= 0 else { return false }
        let probe = OwnedDescriptor(adopting: number)
        // The discard service; a datagram socket's connect only looks for the way.
        let target = SocketAddress(address, port: 9).bytes
        let isRouted = unsafe target.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return false }
            return unsafe Glibc.connect(
                probe.number, start.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
        }
        guard isRouted, let source = try? localAddress(of: probe.number).address else { return false }
        // From the loopback's address nothing leaves this host.
        let loopback = [UInt8](repeating: 0, count: 15) + [1]
        return source == address || source == loopback || (source.count == 4 && source[0] == 127)
    }

    /// The corresponding system call is `getpeername(2)`.
    package static func peerAddress(of socket: CInt) throws(SystemCallError) -> SocketAddress {
        var raw = linux_address()
        try check("ask a socket for its peer") { unsafe linux_peer_address(socket, &raw) }
        return SocketAddress(raw)
    }

    /// Where a connection that netfilter redirected was meant to go (`SO_ORIGINAL_DST`); `nil` when none was.
    package static func originalDestination(of socket: CInt) -> SocketAddress? {
        var raw = linux_address()
        return unsafe linux_original_destination(socket, &raw) == 0 ? SocketAddress(raw) : nil
    }

    /// A socket that somebody else made, and may have made to wait, waits no more (`O_NONBLOCK`).
    package static func setNonBlocking(_ socket: CInt) {
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL, 0) | O_NONBLOCK)
    }

    /// What is written leaves at once (`TCP_NODELAY`): a relay has no better idea than its client of what belongs together.
    package static func setNoDelay(_ socket: CInt) {
        _ = linux_set_option(socket, CInt(IPPROTO_TCP), 1, 1)
    }

    /// A peer that vanished is noticed within about two minutes (`SO_KEEPALIVE`).
    package static func setKeepAlive(_ socket: CInt) {
        let tcp = CInt(IPPROTO_TCP)
        _ = linux_set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1)
        // TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT.
        for (option, value): (CInt, CInt) in [(4, 60), (5, 15), (6, 4)] {
            _ = linux_set_option(socket, tcp, option, value)
        }
    }

    /// How many bytes must have come before the socket counts as readable (`SO_RCVLOWAT`): a reader that only peeks would
    /// otherwise be told again and again of the bytes it knows.
    package static func setReadableAt(_ count: Int, _ socket: CInt) {
        _ = linux_set_option(socket, SOL_SOCKET, SO_RCVLOWAT, CInt(clamping: max(1, count)))
    }

    /// Makes the close of this socket a reset, so that the peer does not take it for a proper end (`SO_LINGER`).
    package static func resetOnClose(_ socket: CInt) { _ = linux_reset_on_close(socket) }

    /// Breaks a TCP connection off: what waits to be sent or read is dropped, the peer gets a reset. The descriptor stays
    /// open, so this may be done while another thread uses it. The corresponding system call is `connect(2)` with
    /// `AF_UNSPEC`.
    package static func abort(_ socket: CInt) { _ = linux_abort(socket) }

    /// Breaks a TCP connection off if bytes wait that would still leave (`SIOCOUTQNSD`), or if that is not known. What was
    /// sent once may be sent again.
    package static func abortUnlessSent(_ socket: CInt) {
        if linux_unsent(socket) != 0 { abort(socket) }
    }

    /// Lets nothing leave on a TCP connection any more, also of what another thread is about to write: the peer sees the
    /// stream end, or a reset where bytes waited. It costs microseconds, where ``abort(_:)`` has both ends' queues freed
    /// before it returns. The corresponding system call is `shutdown(2)`.
    package static func silence(_ socket: CInt) {
        _ = shutdown(socket, CInt(SHUT_WR))
        // Only now: until then another thread could still add to what waits.
        abortUnlessSent(socket)
    }

    /// No more than about 128 KiB wait that have not been sent (`TCP_NOTSENT_LOWAT`), where the kernel would take megabytes:
    /// whoever breaks the connection off has to take them back.
    package static func limitUnsent(_ socket: CInt) {
        _ = linux_set_option(socket, CInt(IPPROTO_TCP), 25, 1 << 17)
    }

    /// Whether the peer has ended its stream, though bytes of it may still wait. The corresponding system call is `poll(2)`.
    package static func isEnded(_ socket: CInt) -> Bool {
        // POLLRDHUP, which the headers keep from Swift.
        var poller = pollfd(fd: socket, events: 0x2000, revents: 0)
        return unsafe poll(&poller, 1, 0) == 1
    }

    /// Says that nothing more will be written. The corresponding system call is `shutdown(2)`.
    package static func finishWriting(_ socket: CInt) { _ = shutdown(socket, CInt(SHUT_WR)) }

    /// Whether a descriptor is a socket of this family (`SO_DOMAIN`) and type (`SO_TYPE`).
    package static func isSocket(_ descriptor: CInt, _ kind: Kind) -> Bool {
        option(39, of: descriptor) == kind.family && option(SO_TYPE, of: descriptor) == kind.type
    }

    /// Whether a stream socket listens (`SO_ACCEPTCONN`).
    package static func isListening(_ descriptor: CInt) -> Bool { option(SO_ACCEPTCONN, of: descriptor) == 1 }

    /// A family and a type of sockets.
    package struct Kind: Hashable, Sendable {
        let family: CInt
        let type: CInt
        package static let unixStream = Kind(family: AF_UNIX, type: CInt(SOCK_STREAM.rawValue))
        package static let stream = Kind(family: AF_INET, type: CInt(SOCK_STREAM.rawValue))
        package static let streamV6 = Kind(family: AF_INET6, type: CInt(SOCK_STREAM.rawValue))
        package static let datagrams = Kind(family: AF_INET, type: CInt(SOCK_DGRAM.rawValue))
    }

    private static func option(_ option: CInt, of socket: CInt) -> CInt? {
        var value: CInt = 0
        return unsafe linux_get_option(socket, SOL_SOCKET, option, &value) == 0 ? value : nil
    }
}
