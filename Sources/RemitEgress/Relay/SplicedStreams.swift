// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

/// A client's stream and an upstream one, joined in the kernel: bytes go from socket to pipe to socket (splice(2)).
///
/// Each direction ends by itself (a half-close is passed on), waits for a slow reader, and a broken stream breaks the other
/// one visibly: a reset, where an orderly end would pass for the end of the data.
final class SplicedStreams {
    /// How it ended.
    enum Ending: Hashable {
        /// Both sides had said all they would.
        case finished
        /// One of the sides broke off.
        case broken(Errno)
        /// It was cut from here.
        case cut
        /// What the client said first does not pass.
        case refused
    }

    /// What becomes of what the client said so far.
    enum Judgement {
        /// It passes, and so does everything after it.
        case pass
        /// So many bytes of it pass, and what follows is looked at again.
        case passOnly(Int)
        /// Nothing of it passes before so many bytes have come.
        case wait(Int)
        /// Nothing of it passes, and both streams are cut.
        case refuse
    }

    /// Somebody who looks at what the client says first.
    struct Look {
        /// How many bytes are looked at, at most.
        let limit: Int
        let judge: ([UInt8]) -> Judgement
    }

    /// How often the client's beginning is looked at: byte by byte, it could have that read again for each of them.
    private static let lookLimit = 128

    private let client: WatchedSocket
    private let upstream: WatchedSocket
    private let pool: PipePool
    private var up = SpliceDirection()
    private var down = SpliceDirection()
    private var ended: ((Ending) -> Void)?

    /// Looks at the client's bytes before they pass, as long as it is there. The other direction does not wait for it.
    var look: Look?
    private var looks = 0

    /// Called after bytes have moved; it may cut.
    var moved: () -> Void = {}

    /// When bytes last moved.
    private(set) var lastActivity = BootInstant.now

    init(client: WatchedSocket, upstream: WatchedSocket, pool: PipePool) {
        self.client = client
        self.upstream = upstream
        self.pool = pool
    }

    /// Bytes that reached the other side: from the client, and to it.
    var counts: (up: UInt64, down: UInt64) { (up.count, down.count) }

    /// Whether one of the sides has said all it will.
    var isHalfClosed: Bool { up.isFinished || down.isFinished }

    /// - Parameter ended: called once, when both sockets are closed.
    func start(ended: @escaping (Ending) -> Void) {
        self.ended = ended
        client.ready = { [weak self] in self?.turn(up: $0.readable, down: $0.writable, $0.hungUp) }
        upstream.ready = { [weak self] in self?.turn(up: $0.writable, down: $0.readable, $0.hungUp) }
        wait()
    }

    /// Cuts both streams.
    func cut() { end(.cut) }

    private func turn(up isUpReady: Bool, down isDownReady: Bool, _ isHungUp: Bool) {
        var hasMoved = false
        for isUp in [true, false] where isUp ? isUpReady : isDownReady {
            if isUp, let look {
                switch judge(look) {
                case .allowed: break
                case .held: continue
                case .moved:
                    hasMoved = true
                    continue
                case .refused: return end(.refused)
                case .failed(let errno): return end(.broken(errno))
                }
            }
            let round =
                isUp
                ? up.advance(from: client.number, to: upstream.number, pool: pool)
                : down.advance(from: upstream.number, to: client.number, pool: pool)
            switch round {
            case .stalled: break
            case .moved: hasMoved = true
            case .failed(let errno): return end(.broken(errno))
            }
        }
        if hasMoved {
            lastActivity = .now
            moved()
            if ended == nil { return }
        }
        if up.isFinished, down.isFinished { return end(.finished) }
        // A dead socket is ready for ever: when it moves nothing any more, it never will.
        if isHungUp, !hasMoved { return end(.broken(.brokenPipe)) }
        wait()
    }

    private enum Sight {
        case allowed, held, moved, refused
        case failed(Errno)
    }

    private func judge(_ look: Look) -> Sight {
        switch Sockets.peek(client.number, limit: look.limit) {
        case .wouldBlock: return .held
        case .failed(let errno): return .failed(errno)
        case .ended:
            self.look = nil
            return .allowed
        case .moved(let bytes):
            looks += 1
            guard looks <= Self.lookLimit else { return .refused }
            switch look.judge(bytes) {
            case .pass:
                self.look = nil
                Sockets.setReadableAt(1, client.number)
                return .allowed
            case .refuse: return .refused
            case .passOnly(let count):
                Sockets.setReadableAt(1, client.number)
                return up.forward(bytes.prefix(count), from: client.number, to: upstream.number) ? .moved : .refused
            case .wait(let needed):
                // One that has ended will not say the rest.
                if needed > look.limit || Sockets.isEnded(client.number) { return .refused }
                Sockets.setReadableAt(max(needed, bytes.count + 1), client.number)
                return .held
            }
        }
    }

    private func wait() {
        do throws(SystemCallError) {
            try client.wait(for: Self.interest(reading: up, writing: down))
            try upstream.wait(for: Self.interest(reading: down, writing: up))
        } catch {
            end(.broken(error.errno))
        }
    }

    private static func interest(reading: SpliceDirection, writing: SpliceDirection) -> EventLoop.Interest {
        var interest: EventLoop.Interest = []
        if !reading.isFinished, !reading.isBlocked { interest.insert(.read) }
        if writing.isBlocked { interest.insert(.write) }
        return interest
    }

    private func end(_ ending: Ending) {
        guard let ended else { return }
        self.ended = nil
        client.close(resetting: ending != .finished)
        upstream.close(resetting: ending != .finished)
        ended(ending)
    }
}
