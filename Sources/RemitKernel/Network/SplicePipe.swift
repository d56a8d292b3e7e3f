// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A pipe through which bytes go from one socket to another without ever being copied to this process, see splice(2).
package final class SplicePipe {
    private let ends: Pipe
    /// How many bytes fit, in the kernel's pages: an approximation, for pages of sockets are rarely full.
    package let capacity: Int
    /// How many bytes wait in it.
    package private(set) var count = 0

    /// - Parameter capacity: what is wished for; the kernel gives an ordinary user less when it has many pipes (pipe(7)).
    /// - Throws: ``SystemCallError`` when the process has no descriptors left.
    package init(capacity wished: Int) throws(SystemCallError) {
        ends = try pipe()
        let granted = linux_set_pipe_size(ends.write.number, CInt(clamping: wished))
        capacity = granted > 0 ? Int(granted) : 65_536
    }

    /// Takes bytes from a socket. Only into an empty pipe: of a filled one the kernel does not tell whether it is the pipe
    /// that has no room, or the socket that has no bytes.
    package func fill(from socket: CInt) -> Transfer<Int> {
        precondition(count == 0, "a pipe is filled when it is empty")
        let moved = Sockets.retried { linux_splice(socket, ends.write.number, capacity) }
        guard moved >= 0 else { return Sockets.failure() }
        count = moved
        return moved == 0 ? .ended : .moved(moved)
    }

    /// Gives bytes to a socket.
    package func drain(to socket: CInt) -> Transfer<Int> {
        let moved = Sockets.retried { linux_splice(ends.read.number, socket, count) }
        guard moved >= 0 else { return Sockets.failure() }
        count -= moved
        return .moved(moved)
    }
}
