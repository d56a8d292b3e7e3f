// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import RemitKernel
internal import RemitNetwork

/// Connects to one of several addresses: one after the other without waiting for the last to fail, and the first that
/// answers is taken (RFC 8305, "happy eyeballs").
final class ConnectionAttempt {
    typealias Completion = (Result<(socket: WatchedSocket, address: IPAddress), UpstreamError>) -> Void

    /// How long an address has before the next is tried as well.
    private static let delay: Duration = .milliseconds(250)

    private let loop: EventLoop
    private let port: UInt16
    private var untried: ArraySlice<IPAddress>
    private var open: [(socket: WatchedSocket, address: IPAddress)] = []
    private var completion: Completion?
    private var next: EventLoop.TimerToken?
    private var deadline: EventLoop.TimerToken?
    private var lastError = Errno(code: EHOSTUNREACH)

    /// - Parameter addresses: checked, in the order to try them.
    init(_ addresses: [IPAddress], port: UInt16, on loop: EventLoop) {
        untried = addresses[...]
        self.port = port
        self.loop = loop
    }

    /// Begins. `completion` is called once and never from within this call, unless ``cancel()`` comes first.
    func start(limit: Duration, completion: @escaping Completion) {
        self.completion = completion
        deadline = loop.schedule(after: limit) { [weak self] in self?.finish(.failure(Self.timeout)) }
        loop.enqueue { [weak self] in self?.tryNext() }
    }

    func cancel() {
        completion = nil
        stop()
    }

    private func tryNext() {
        if let next { loop.cancel(next) }
        next = nil
        guard completion != nil else { return }
        while let address = untried.popFirst() {
            do throws(SystemCallError) {
                let target = SocketAddress(address.networkBytes, port: port)
                let socket = WatchedSocket(DescriptorBox(try Sockets.connect(to: target)), on: loop)
                Sockets.limitUnsent(socket.number)
                socket.ready = { [weak self, unowned socket] _ in self?.settle(socket) }
                try socket.wait(for: .write)
                open.append((socket, address))
                if !untried.isEmpty { next = loop.schedule(after: Self.delay) { [weak self] in self?.tryNext() } }
                return
            } catch {
                lastError = error.errno
            }
        }
        if open.isEmpty { finish(.failure(Self.failure(lastError))) }
    }

    private func settle(_ socket: WatchedSocket) {
        guard let index = open.firstIndex(where: { $0.socket === socket }) else { return }
        let attempt = open.remove(at: index)
        if let error = Sockets.pendingError(of: socket.number) {
            lastError = error
            socket.close()
            tryNext()
        } else {
            socket.ready = { _ in }
            do throws(SystemCallError) { try socket.wait(for: []) } catch {}
            finish(.success(attempt))
        }
    }

    private func finish(_ result: Result<(socket: WatchedSocket, address: IPAddress), UpstreamError>) {
        let completion = self.completion
        cancel()
        completion?(result)
    }

    private func stop() {
        for attempt in open { attempt.socket.close() }
        open = []
        untried = []
        if let next { loop.cancel(next) }
        if let deadline { loop.cancel(deadline) }
        next = nil
        deadline = nil
    }

    private static let timeout = UpstreamError("timeout", "the host did not answer in time")

    private static func failure(_ errno: Errno) -> UpstreamError {
        switch errno.code {
        case ECONNREFUSED: UpstreamError("refused", "the host refused the connection")
        case ETIMEDOUT: timeout
        default: UpstreamError("unreachable", "the host could not be reached: \(errno)")
        }
    }
}
