// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

/// One direction of a spliced connection.
struct SpliceDirection {
    /// Bytes that reached the target.
    private(set) var count: UInt64 = 0
    /// Whether the source has said all it will, and the target knows.
    private(set) var isFinished = false
    private var pipe: SplicePipe?

    /// Whether bytes wait for the target; the source is not read meanwhile.
    var isBlocked: Bool { pipe != nil }

    /// What came of a round.
    enum Round {
        /// Nothing could be moved.
        case stalled
        case moved
        case failed(Errno)
    }

    /// Moves what can be moved, at most one pipe full: the other streams have their turn, too.
    mutating func advance(from source: CInt, to target: CInt, pool: PipePool) -> Round {
        guard !isFinished else { return .stalled }
        if let pipe { return drain(pipe, to: target, pool: pool) }
        let pipe: SplicePipe
        do { pipe = try pool.take() } catch { return .failed(error.errno) }
        switch pipe.fill(from: source) {
        case .moved:
            self.pipe = pipe
            return drain(pipe, to: target, pool: pool)
        case .wouldBlock:
            pool.give(back: pipe)
            return .stalled
        case .ended:
            pool.give(back: pipe)
            isFinished = true
            Sockets.finishWriting(target)
            return .moved
        case .failed(let errno):
            return .failed(errno)
        }
    }

    /// Moves a few bytes that were peeked at, when nothing was moved before.
    ///
    /// - Returns: whether all of them have moved.
    mutating func forward(_ bytes: ArraySlice<UInt8>, from source: CInt, to target: CInt) -> Bool {
        guard pipe == nil, Sockets.discard(bytes.count, from: source),
            case .moved(bytes.count) = Sockets.send(bytes, to: target)
        else { return false }
        count &+= UInt64(bytes.count)
        return true
    }

    private mutating func drain(_ pipe: SplicePipe, to target: CInt, pool: PipePool) -> Round {
        var round = Round.stalled
        while pipe.count > 0 {
            switch pipe.drain(to: target) {
            case .moved(let moved) where moved > 0:
                count &+= UInt64(moved)
                round = .moved
            case .moved, .wouldBlock, .ended: return round
            case .failed(let errno): return .failed(errno)
            }
        }
        pool.give(back: pipe)
        self.pipe = nil
        return round
    }
}
