// SPDX-License-Identifier: Apache-2.0

internal import CPostgres
internal import Glibc

/// SIGTERM, SIGINT and SIGHUP as a descriptor, so that waiting for the server and being told to stop are one wait.
struct Signals {
    let descriptor = postgres_signal_descriptor()

    enum Event {
        case ready, stopped, late
    }

    /// Waits until `socket` is ready, a signal comes, or `deadline` passes.
    func wait(for socket: CInt, writing: Bool, until deadline: ContinuousClock.Instant) -> Event {
        while true {
            let left = ContinuousClock.now.duration(to: deadline).components
            let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
            if milliseconds <= 0 { return .late }
            var polled = [
                pollfd(fd: socket, events: Int16(writing ? POLLOUT : POLLIN), revents: 0),
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = unsafe poll(&polled, 2, CInt(clamping: milliseconds))
            if polled[1].revents != 0 { return .stopped }
            if count > 0 { return .ready }
        }
    }
}
