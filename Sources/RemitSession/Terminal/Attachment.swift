// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import RemitKernel

/// One client that is attached to a session's terminal, as the supervisor sees it: a socket, and a queue.
final class Attachment {
    enum Event {
        case input([UInt8])
        case resize(WindowSize)
        /// It is gone, or speaks nonsense.
        case left(String)
        /// Everything queued was sent.
        case drained
    }

    private static let farewell: Duration = .seconds(2)

    let peer: ControlPeer
    let isReadOnly: Bool
    private let socket: DescriptorBox
    private let loop: EventLoop
    private let handler: (Attachment, Event) -> Void
    private var reader = AttachFrameReader()
    /// Whole messages, of which the first may be sent in part.
    private var queue: [ArraySlice<UInt8>] = []
    private(set) var pending = 0
    private var watch: EventLoop.WatchToken?
    private var interest: EventLoop.Interest = []
    private var isLast = false
    private var timer: EventLoop.TimerToken?
    /// Set while what it typed cannot be passed on: it is not read then.
    var isHeldBack = false { didSet { if isHeldBack != oldValue { listen() } } }

    init(
        _ socket: DescriptorBox, peer: ControlPeer, isReadOnly: Bool, on loop: EventLoop,
        handler: @escaping (Attachment, Event) -> Void
    ) {
        self.socket = socket
        self.peer = peer
        self.isReadOnly = isReadOnly
        self.loop = loop
        self.handler = handler
        listen()
    }

    var isOpen: Bool { socket.isOpen }

    func send(_ bytes: [UInt8]) {
        guard socket.isOpen, !isLast else { return }
        enqueue(bytes)
        flush()
    }

    /// Sends a last message and closes, in two seconds at the latest.
    ///
    /// - Parameter isPatient: whether what waits comes first. Otherwise it is dropped, but for the message being sent.
    func finish(_ frame: AttachFrame, isPatient: Bool) {
        guard socket.isOpen, !isLast else { return }
        if !isPatient {
            queue = Array(queue.prefix(1))
            pending = queue.first?.count ?? 0
        }
        enqueue(frame.bytes)
        isLast = true
        timer = loop.schedule(after: Self.farewell) { [weak self] in self?.close("it does not read") }
        flush()
    }

    func close(_ why: String) {
        guard socket.isOpen else { return }
        if let watch { loop.unwatch(watch) }
        watch = nil
        if let timer { loop.cancel(timer) }
        timer = nil
        queue = []
        pending = 0
        socket.close()
        handler(self, .left(why))
    }

    private func enqueue(_ bytes: [UInt8]) {
        queue.append(bytes[...])
        pending += bytes.count
    }

    private func flush() {
        while socket.isOpen, let first = queue.first {
            switch Sockets.send(first, to: socket.number) {
            case .moved(let count):
                pending -= count
                queue[0] = first.dropFirst(count)
                if queue[0].isEmpty { queue.removeFirst() }
            case .wouldBlock: return listen()
            case .ended, .failed: return close("it is gone")
            }
        }
        guard socket.isOpen else { return }
        if isLast { return close("it was told") }
        listen()
        handler(self, .drained)
    }

    /// Waits for what there is to wait for; with nothing to wait for it is not watched, or a hang-up would be heard for ever.
    private func listen() {
        guard socket.isOpen else { return }
        var wanted: EventLoop.Interest = []
        if !isHeldBack, !isLast { wanted.insert(.read) }
        if !queue.isEmpty { wanted.insert(.write) }
        guard wanted != interest || watch == nil else { return }
        interest = wanted
        if wanted.isEmpty {
            if let watch { loop.unwatch(watch) }
            watch = nil
        } else if let watch {
            try? loop.change(watch, to: wanted)
        } else {
            watch = try? loop.watch(socket.number, for: wanted) { [weak self] in self?.hear($0) }
            if watch == nil { loop.enqueue { [weak self] in self?.close("it cannot be waited for") } }
        }
    }

    private func hear(_ readiness: EventLoop.Readiness) {
        if readiness.writable, !queue.isEmpty { flush() }
        if readiness.readable, socket.isOpen, !isHeldBack, !isLast { receive() }
    }

    private func receive() {
        switch Sockets.receive(socket.number, limit: 16_384) {
        case .moved(let bytes): reader.append(bytes[...])
        case .wouldBlock: return
        case .ended, .failed: return close("it is gone")
        }
        do throws(AttachFrameReader.Nonsense) {
            while socket.isOpen, let frame = try reader.next() {
                guard frame.isClients else { throw AttachFrameReader.Nonsense() }
                switch frame {
                case .input(let bytes): handler(self, .input(bytes))
                case .resize(let size): handler(self, .resize(size))
                default: close("it detached")
                }
            }
        } catch {
            finish(.closed("what you say is not understood"), isPatient: false)
        }
    }
}
