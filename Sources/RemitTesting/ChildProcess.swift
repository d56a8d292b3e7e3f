// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// How a program ended.
package enum Termination: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    package var description: String {
        switch self {
        case .exited(let status): "exited with \(status)"
        case .signalled(let signal): "killed by signal \(signal)"
        }
    }
}

/// A child of the test process. It is waited for exactly once.
package final class ChildProcess {
    package let pid: Int32
    private var termination: Termination?

    init(pid: Int32) { self.pid = pid }

    /// Sends a signal, unless it has ended.
    package func signal(_ number: Int32) {
        if termination == nil { kill(pid, number) }
    }

    /// Waits for the end, for `limit` at most (see ``patience``).
    ///
    /// - Returns: nil when the time was over first.
    package func wait(within limit: Duration) -> Termination? {
        if let termination { return termination }
        var status: CInt = 0
        let ended = eventually(within: limit) { unsafe waitpid(pid, &status, WNOHANG) == pid }
        guard ended else { return nil }
        let signal = status & 0x7f
        termination = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
        return termination
    }
}
