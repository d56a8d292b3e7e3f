// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitKernel

/// The gate's end of its control socket.
final class ControlChannel {
    static let supervisorEnded = "the supervisor has ended"

    /// Something that the supervisor said.
    enum Input {
        case command(GateCommand, [DescriptorBox])
        /// The supervisor is gone, or speaks what is not understood: either way nobody is in charge any more.
        case ended(String)
    }

    private let socket: WatchedSocket
    private let outbox: Outbox
    private let handler: (Input) -> Void
    private var reader = GateLineReader()
    private var descriptors: [DescriptorBox] = []

    /// - Parameters:
    ///   - outbox: what is told over the same socket.
    ///   - handler: called for each command in its order, and once at the end.
    init(_ descriptor: DescriptorBox, _ outbox: Outbox, on loop: EventLoop, handler: @escaping (Input) -> Void) {
        // A fence does not wait for fifty streams that are ready as well.
        socket = WatchedSocket(descriptor, on: loop, isPreferred: true)
        self.outbox = outbox
        self.handler = handler
    }

    func start() throws(SystemCallError) {
        socket.ready = { [weak self] readiness in
            if readiness.writable { self?.flush() }
            if readiness.readable { self?.receive() }
        }
        try socket.wait(for: .read)
    }

    /// Whether everything that was said has left.
    var isDrained: Bool { !socket.isOpen || outbox.isEmpty }

    func close() {
        outbox.close()
        socket.close()
    }

    private func receive() {
        switch Sockets.receiveDescriptors(socket.number, limit: 65_536) {
        case .wouldBlock: return
        case .ended: end(reader.isPartial ? "the last command was cut off" : Self.supervisorEnded)
        case .failed(let errno): end("the control socket failed: \(errno)")
        case .moved(let received):
            descriptors += received.descriptors
            reader.append(received.bytes)
            take()
        }
    }

    private func take() {
        do throws(GateCodecError) {
            while socket.isOpen, let line = try reader.next() {
                let command = try GateCommand(line: line)
                let count = command.descriptorCount
                guard descriptors.count >= count else { throw .descriptors }
                let own = Array(descriptors.prefix(count))
                descriptors.removeFirst(count)
                handler(.command(command, own))
            }
        } catch {
            end("a command is not understood: \(error)")
        }
    }

    /// Writes what waits, now and whenever there is room for more of it.
    func flush() {
        guard socket.isOpen else { return }
        try? socket.wait(for: outbox.flush() ? .read : [.read, .write])
    }

    private func end(_ reason: String) {
        guard socket.isOpen else { return }
        try? socket.wait(for: [])
        handler(.ended(reason))
    }
}
