// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

/// Serves the name server's sockets: datagrams, and connections with a length before each message (RFC 1035 section
/// 4.2.2).
final class NameServer {
    /// How many connections are served at once; the oldest makes room for the next.
    private static let connectionLimit = 32
    /// Datagrams read in one turn: the loop's other work must not wait for a flood.
    private static let burst = 64
    private static let patience: Duration = .seconds(10)

    private let loop: EventLoop
    private let answer: (NameQuery) -> NameReply
    private var sockets: [WatchedSocket] = []
    private var connections: [NameConnection] = []

    /// - Parameter answer: decides, and records what it decided.
    init(loop: EventLoop, answer: @escaping (NameQuery) -> NameReply) {
        self.loop = loop
        self.answer = answer
    }

    func serve(datagrams descriptor: DescriptorBox) throws(SystemCallError) {
        let socket = WatchedSocket(descriptor, on: loop)
        socket.ready = { [weak self, unowned socket] _ in self?.receive(socket) }
        try socket.wait(for: .read)
        sockets.append(socket)
    }

    func serve(connections descriptor: DescriptorBox) throws(SystemCallError) {
        let socket = WatchedSocket(descriptor, on: loop)
        socket.ready = { [weak self, unowned socket] _ in self?.accept(socket) }
        try socket.wait(for: .read)
        sockets.append(socket)
    }

    func close() {
        for socket in sockets { socket.close() }
        sockets = []
        for connection in connections { connection.close() }
        connections = []
    }

    private func receive(_ socket: WatchedSocket) {
        for _ in 0..<Self.burst {
            guard case .moved(let datagram) = Sockets.receiveDatagram(socket.number, limit: NameQuery.sizeLimit) else {
                return
            }
            guard let bytes = datagram.bytes, let reply = reply(to: bytes) else { continue }
            Sockets.sendDatagram(reply, to: datagram.sender, over: socket.number)
        }
    }

    private func accept(_ listener: WatchedSocket) {
        guard let accepted = try? Sockets.accept(listener.number) else { return }
        if connections.count >= Self.connectionLimit { connections.first?.close() }
        let socket = WatchedSocket(accepted.socket, on: loop)
        let connection = NameConnection(socket) { [weak self] in self?.reply(to: $0) }
        connection.closed = { [weak self, unowned connection] in
            self?.connections.removeAll { $0 === connection }
        }
        connections.append(connection)
        connection.start()
        loop.schedule(after: Self.patience) { [weak connection] in connection?.close() }
    }

    private func reply(to message: [UInt8]) -> [UInt8]? {
        do throws(NameQuery.Flaw) {
            let query = try NameQuery(message)
            return answer(query).encoded(for: query)
        } catch {
            return NameReply.encoded(for: error)
        }
    }
}

/// One client of the name server over TCP. It is answered in order, and cut off when it does not read its answers.
private final class NameConnection {
    private let socket: WatchedSocket
    private let reply: ([UInt8]) -> [UInt8]?
    private var received: [UInt8] = []
    var closed: () -> Void = {}

    init(_ socket: WatchedSocket, reply: @escaping ([UInt8]) -> [UInt8]?) {
        self.socket = socket
        self.reply = reply
    }

    func start() {
        socket.ready = { [weak self] _ in self?.receive() }
        do { try socket.wait(for: .read) } catch { close() }
    }

    func close() {
        guard socket.isOpen else { return }
        socket.close()
        closed()
    }

    private func receive() {
        switch Sockets.receive(socket.number, limit: NameQuery.sizeLimit + 2) {
        case .wouldBlock: return
        case .ended, .failed: return close()
        case .moved(let bytes): received += bytes
        }
        var reader = ByteReader(received)
        while let length = reader.number16() {
            guard length <= NameQuery.sizeLimit else { return close() }
            guard let message = reader.take(Int(length)) else { break }
            received.removeFirst(Int(length) + 2)
            guard let answer = reply(Array(message)) else { return close() }
            let framed = [UInt8(answer.count >> 8), UInt8(answer.count & 0xFF)] + answer
            guard case .moved(framed.count) = Sockets.send(framed[...], to: socket.number) else { return close() }
        }
    }
}
