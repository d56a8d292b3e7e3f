// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import Testing

/// The far end of a connection, driven by the same loop as what is tested.
final class LoopPeer {
    private let loop: EventLoop
    private let socket: DescriptorBox
    private var token: EventLoop.WatchToken?
    private var pending: ArraySlice<UInt8> = []
    private var finishes = false

    private(set) var received: [UInt8] = []
    private(set) var receivedCount = 0
    private(set) var isEnded = false
    private(set) var failure: Errno?
    /// Whether received bytes are kept, not only counted.
    var keeps = true
    var reads = true { didSet { update() } }

    init(_ socket: DescriptorBox, on loop: EventLoop) throws {
        self.socket = socket
        self.loop = loop
        token = try loop.watch(socket.number, for: .read) { [unowned self] in self.turn($0) }
    }

    static func connect(to address: SocketAddress, on loop: EventLoop) throws -> LoopPeer {
        try LoopPeer(DescriptorBox(try Sockets.connect(to: address)), on: loop)
    }

    deinit { close() }

    var number: CInt { socket.number }
    var isOver: Bool { isEnded || failure != nil }
    var text: String { String(decoding: received, as: UTF8.self) }

    func send(_ bytes: [UInt8]) {
        pending += bytes
        update()
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Ends the stream after what is still to be sent.
    func finish() {
        finishes = true
        if pending.isEmpty { Sockets.finishWriting(socket.number) }
    }

    func close(resetting: Bool = false) {
        guard socket.isOpen else { return }
        if let token { loop.unwatch(token) }
        token = nil
        if resetting { Sockets.resetOnClose(socket.number) }
        socket.close()
    }

    func forget() { received = [] }

    private func turn(_ readiness: EventLoop.Readiness) {
        if readiness.readable, reads || readiness.hungUp { read() }
        if readiness.writable, !pending.isEmpty, failure == nil { write() }
        update()
    }

    private func read() {
        switch Sockets.receive(socket.number, limit: 1 << 18) {
        case .moved(let bytes):
            receivedCount += bytes.count
            if keeps { received += bytes }
        case .wouldBlock: break
        case .ended: isEnded = true
        case .failed(let errno): failure = errno
        }
    }

    private func write() {
        switch Sockets.send(pending.prefix(1 << 18), to: socket.number) {
        case .moved(let count):
            pending = pending.dropFirst(count)
            if pending.isEmpty, finishes { Sockets.finishWriting(socket.number) }
        case .wouldBlock, .ended: break
        case .failed(let errno): failure = errno
        }
    }

    private func update() {
        guard socket.isOpen else { return }
        var interest: EventLoop.Interest = []
        if reads, !isEnded { interest.insert(.read) }
        if !pending.isEmpty { interest.insert(.write) }
        if failure != nil || (isEnded && interest.isEmpty) {
            if let token { loop.unwatch(token) }
            token = nil
        } else if let token {
            try? loop.change(token, to: interest)
        } else {
            // Whoever has heard everything may still have something to say.
            token = try? loop.watch(socket.number, for: interest) { [unowned self] in self.turn($0) }
        }
    }
}

extension EventLoop {
    /// Runs until a condition holds; a test that waits in vain fails. Not `run`, which waits for ever.
    func wait(within limit: Duration = .seconds(20), until condition: () -> Bool) throws {
        var isLate = false
        let timer = schedule(after: limit) { isLate = true }
        try run { isLate || condition() }
        cancel(timer)
        try #require(!isLate, "the condition never came true")
    }

    /// Runs for a while.
    func run(for duration: Duration) throws {
        var isOver = false
        schedule(after: duration) { isOver = true }
        try run { isOver }
    }
}

/// Both ends of a connection over loopback.
struct Loopback {
    let near: DescriptorBox
    let far: DescriptorBox

    init() throws {
        let listener = try Sockets.listen(on: .loopback())
        near = DescriptorBox(try Sockets.connect(to: try Sockets.localAddress(of: listener.number)))
        // Over loopback the handshake has ended when connect(2) returns.
        far = try Sockets.accept(listener.number).socket
    }
}
