// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitKernel

/// The gate's end of its control socket.
final class ControlChannel {
    /// Above so many bytes that the supervisor has not read, records are held back and counted.
    private static let pressure = 1 << 18

    static let supervisorEnded = "the supervisor has ended"

    /// Something that the supervisor said.
    enum Input {
        case command(GateCommand, [DescriptorBox])
        /// The supervisor is gone, or speaks what is not understood: either way nobody is in charge any more.
        case ended(String)
    }

    private let socket: WatchedSocket
    private let handler: (Input) -> Void
    private var reader = GateLineReader()
    private var descriptors: [DescriptorBox] = []
    private var pending: ArraySlice<UInt8> = []

    /// - Parameter handler: called for each command in its order, and once at the end.
    init(_ descriptor: DescriptorBox, on loop: EventLoop, handler: @escaping (Input) -> Void) {
        socket = WatchedSocket(descriptor, on: loop)
        self.handler = handler
    }

    func start() throws(SystemCallError) {
        socket.ready = { [weak self] readiness in
            if readiness.writable { self?.flush() }
            if readiness.readable { self?.receive() }
        }
        try socket.wait(for: .read)
    }

    /// Whether the supervisor has fallen behind.
    var isPressed: Bool { pending.count > Self.pressure }

    /// Whether everything that was said has left.
    var isDrained: Bool { pending.isEmpty || !socket.isOpen }

    func send(_ event: GateEvent) {
        guard socket.isOpen else { return }
        pending += event.line
        flush()
    }

    func close() { socket.close() }

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

    private func flush() {
        sending: while !pending.isEmpty {
            switch Sockets.send(pending, to: socket.number) {
            case .moved(let count): pending = pending.dropFirst(count)
            case .wouldBlock: break sending
            // Nobody is there to read it; the reader of the socket sees to the rest.
            case .ended, .failed: pending = []
            }
        }
        try? socket.wait(for: pending.isEmpty ? .read : [.read, .write])
    }

    private func end(_ reason: String) {
        guard socket.isOpen else { return }
        try? socket.wait(for: [])
        handler(.ended(reason))
    }
}
