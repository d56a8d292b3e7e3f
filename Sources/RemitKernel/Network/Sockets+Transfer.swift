// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// What became of a read or a write that does not wait.
package enum Transfer<Moved> {
    case moved(Moved)
    /// Nothing now: wait until the descriptor is ready.
    case wouldBlock
    /// The other side has said all it will; only of reads.
    case ended
    case failed(Errno)
}

extension Transfer: Sendable where Moved: Sendable {}

extension Sockets {
    /// Reads what has come, at most `limit` bytes.
    ///
    /// The corresponding system call is `recv(2)`.
    package static func receive(_ socket: CInt, limit: Int) -> Transfer<[UInt8]> {
        received(socket, limit: limit, flags: CInt(MSG_DONTWAIT))
    }

    /// The same bytes as the next ``receive(_:limit:)`` would give, which stay where they are (`MSG_PEEK`).
    package static func peek(_ socket: CInt, limit: Int) -> Transfer<[UInt8]> {
        received(socket, limit: limit, flags: CInt(MSG_DONTWAIT) | CInt(MSG_PEEK))
    }

    /// Throws away bytes that have come and were peeked at (`MSG_TRUNC`, see tcp(7)).
    ///
    /// - Returns: whether all of them were there.
    package static func discard(_ count: Int, from socket: CInt) -> Bool {
        guard count > 0 else { return true }
        return recv(socket, nil, count, CInt(MSG_DONTWAIT) | CInt(MSG_TRUNC)) == count
    }

    /// Writes what fits; how many bytes that was.
    ///
    /// The corresponding system call is `send(2)`.
    package static func send(_ bytes: ArraySlice<UInt8>, to socket: CInt) -> Transfer<Int> {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            retried { unsafe Glibc.send(socket, buffer.baseAddress, buffer.count, sendFlags) }
        }
        return count >= 0 ? .moved(count) : failure()
    }

    /// One datagram and its sender; `nil` in place of one that is longer than `limit`.
    ///
    /// The corresponding system call is `recvfrom(2)`.
    package static func receiveDatagram(
        _ socket: CInt,
        limit: Int
    ) -> Transfer<(bytes: [UInt8]?, sender: SocketAddress)> {
        var sender = linux_address()
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            count = retried { unsafe linux_receive_from(socket, buffer.baseAddress, limit, &sender) }
            filled = min(max(count, 0), limit)
        }
        guard count >= 0 else { return failure() }
        return .moved((bytes: count <= limit ? bytes : nil, sender: SocketAddress(sender)))
    }

    /// Sends one datagram. One that does not fit into the socket's buffer is lost, as datagrams are.
    ///
    /// The corresponding system call is `sendto(2)`.
    package static func sendDatagram(_ bytes: [UInt8], to receiver: SocketAddress, over socket: CInt) {
        var raw = receiver.raw
        _ = retried { unsafe linux_send_to(socket, bytes, bytes.count, &raw) }
    }

    private static let sendFlags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)

    private static func received(_ socket: CInt, limit: Int, flags: CInt) -> Transfer<[UInt8]> {
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            count = retried { unsafe recv(socket, buffer.baseAddress, limit, flags) }
            filled = max(count, 0)
        }
        guard count >= 0 else { return failure() }
        return count == 0 ? .ended : .moved(bytes)
    }

    static func failure<Moved>() -> Transfer<Moved> {
        let failure = Errno.last
        return failure == .again ? .wouldBlock : .failed(failure)
    }

    static func retried(_ call: () -> Int) -> Int {
        while true {
            let count = call()
            if count >= 0 || Errno.last != .interrupted { return count }
        }
    }
}
