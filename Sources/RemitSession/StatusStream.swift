// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import RemitJournal
internal import RemitKernel

/// The machine-readable events of `--status-fd`: JSON Lines.
package final class StatusStream {
    private let descriptor: CInt
    private var isBroken = false

    /// - Throws: ``SessionError`` when the descriptor is a standard stream, or not open for writing.
    package init(_ descriptor: CInt) throws(SessionError) {
        guard descriptor > 2 else {
            throw SessionError(
                .usage, "descriptor `\(descriptor)` of `--status-fd` is a standard stream, which is the agent's",
                hint: "name another one, for example `--status-fd 3 3>status.jsonl`")
        }
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, flags & O_ACCMODE != O_RDONLY else {
            throw SessionError(.usage, "descriptor `\(descriptor)` of `--status-fd` is not open for writing")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.descriptor = descriptor
    }

    /// Writes one event; a reader that is gone or too slow loses events, never holds the session up.
    package func send(_ event: String, _ members: [String: JSONValue] = [:]) {
        guard !isBroken else { return }
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&poller, 1, 0) > 0 else { return }
        let line = JSONValue.object(members.merging(["event": .string(event)]) { $1 }).canonicalBytes + [10]
        isBroken = (try? FileSystem.writeAll(descriptor, line, name: "status")) == nil
    }
}
