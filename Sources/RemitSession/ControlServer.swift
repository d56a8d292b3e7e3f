// SPDX-License-Identifier: Apache-2.0
// The control socket: HTTP/1.1 and JSON over a Unix socket, for this user and root only. The sockets are
// the loop's, so that a session stays one thread.

internal import CLinux
internal import Glibc
package import RemitKernel

/// Listens on a session's control socket.
package final class ControlServer {
    package typealias Handler = (ControlRequest, _ reply: @escaping (ControlResponse) -> Void) -> Void
    /// Decides on a request before it is handled: one that asks for the connection itself gets it, or a refusal.
    package typealias Upgrader = (ControlRequest, ControlPeer) -> Upgrade

    /// What becomes of a connection.
    package enum Upgrade {
        /// It is an ordinary request.
        case none
        case refused(ControlResponse)
        /// Whatever else it carries is for this.
        case granted((DescriptorBox) -> Void)
    }

    /// How many callers are served at once; the next one waits in the backlog.
    private static let connectionLimit = 16

    private let path: String
    private let loop: EventLoop
    private let listener: DescriptorBox
    private let handler: Handler
    private let upgrader: Upgrader
    private var watch: EventLoop.WatchToken?
    private var connections: [CInt: ControlConnection] = [:]

    /// - Throws: ``SystemCallError`` when the socket cannot be made, for example because its path is too long.
    package init(
        path: String,
        loop: EventLoop,
        upgrader: @escaping Upgrader = { _, _ in .none },
        handler: @escaping Handler
    ) throws(SystemCallError) {
        self.path = path
        self.loop = loop
        self.handler = handler
        self.upgrader = upgrader
        listener = DescriptorBox(
            OwnedDescriptor(adopting: try check("listen on `\(path)`") { unsafe linux_listen_unix(path, 16) })
        )
        watch = try loop.watch(listener.number, for: .read) { [weak self] _ in self?.accept() }
    }

    /// Stops listening, says what is still to be said, and removes the socket.
    package func close() {
        if let watch { loop.unwatch(watch) }
        watch = nil
        for connection in connections.values { connection.close() }
        connections = [:]
        listener.close()
        FileSystem.remove(path)
    }

    private func accept() {
        let number = Glibc.accept(listener.number, nil, nil)
        guard number >= 0 else { return }
        let socket = OwnedDescriptor(adopting: number)
        var user: uid_t = 0
        var process: pid_t = 0
        // The socket's mode keeps others out already; this holds if somebody loosened it.
        guard unsafe linux_peer(number, &user, &process) == 0, user == CurrentProcess.userID || user == 0,
            connections.count < Self.connectionLimit
        else { return }
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        let peer = ControlPeer(userID: user, pid: process)
        connections[number] = try? ControlConnection(
            DescriptorBox(socket), loop: loop, handler: handler, upgrader: { [upgrader] in upgrader($0, peer) }
        ) { [weak self] in self?.connections[number] = nil }
    }
}

/// One caller, one request.
private final class ControlConnection {
    /// How long a caller may take to say what it wants.
    private static let patience: Duration = .seconds(10)

    private let socket: DescriptorBox
    private let loop: EventLoop
    private let handler: ControlServer.Handler
    private let upgrader: (ControlRequest) -> ControlServer.Upgrade
    private let ended: () -> Void
    private let codec: ServerCodec
    private var watch: EventLoop.WatchToken?
    private var timer: EventLoop.TimerToken?
    private var isAsked = false

    init(
        _ socket: DescriptorBox,
        loop: EventLoop,
        handler: @escaping ControlServer.Handler,
        upgrader: @escaping (ControlRequest) -> ControlServer.Upgrade,
        ended: @escaping () -> Void
    ) throws {
        self.socket = socket
        self.loop = loop
        self.handler = handler
        self.upgrader = upgrader
        self.ended = ended
        codec = try ServerCodec()
        watch = try loop.watch(socket.number, for: .read) { [weak self] _ in self?.receive() }
        timer = loop.schedule(after: Self.patience) { [weak self] in self?.close() }
    }

    func close() {
        guard socket.isOpen else { return }
        stopListening()
        socket.close()
        ended()
    }

    private func stopListening() {
        if let watch { loop.unwatch(watch) }
        watch = nil
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    /// Gives the connection to somebody else. What came with the request is lost: a client waits for the answer first.
    private func give(_ taker: (DescriptorBox) -> Void) {
        stopListening()
        guard let number = socket.surrender() else { return }
        ended()
        taker(DescriptorBox(OwnedDescriptor(adopting: number)))
    }

    private func receive() {
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = unsafe read(socket.number, &bytes, bytes.count)
        if count < 0, Errno.last == .again || Errno.last == .interrupted { return }
        guard count > 0 else { return close() }
        // One request a connection: what follows it is nobody's.
        guard !isAsked else { return }
        do {
            guard let request = try codec.receive(bytes[..<count]) else { return }
            isAsked = true
            if let timer { loop.cancel(timer) }
            timer = nil
            switch upgrader(request) {
            case .none: handler(request) { [weak self] in self?.answer($0) }
            case .refused(let response): answer(response)
            case .granted(let taker): give(taker)
            }
        } catch {
            answer(ControlResponse(400, json: Array(#"{"error":"not a request"}"#.utf8)))
        }
    }

    private func answer(_ response: ControlResponse) {
        guard socket.isOpen else { return }
        // Answers are small; a caller that does not read its own is cut off.
        if let bytes = try? codec.encode(response) {
            _ = unsafe send(socket.number, bytes, bytes.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
        }
        close()
    }
}
