// SPDX-License-Identifier: Apache-2.0

/// One way of reading a stream: which bytes are escapes, and what of a pattern was seen so far.
struct PatternThread: Equatable, Sendable {
    /// A piece of the stream that is not one byte for one character.
    private struct Oddity: Equatable {
        let range: Range<Int>
        /// How many folded bytes it stands for; 0 for filler.
        let count: Int
    }

    /// An escape that is being read. The state is the one before it.
    struct Escape: Equatable {
        var reader: EscapeReader
        let start: Int
    }

    /// The longest escape, counting escapes of escapes.
    static let longestEscape = 24

    private(set) var state: Int32 = 0
    var escape: Escape?
    private var oddities: [Oddity] = []
    private var filler: UInt8 = 0xFF

    /// Nothing in hand, and nothing to remember.
    var isPlain: Bool { escape == nil && oddities.isEmpty && filler == 0xFF }

    init() {}

    init(plain state: Int32) {
        self.state = state
    }

    /// A character of one byte.
    mutating func step(_ byte: UInt8, in set: PatternSet) {
        state = set.step(state, byte)
        filler = 0xFF
        if state == 0, !oddities.isEmpty { oddities = [] }
    }

    /// A character written as an escape, as these bytes.
    mutating func step(_ bytes: [UInt8], over range: Range<Int>, in set: PatternSet) {
        for byte in bytes { state = set.step(state, byte) }
        filler = 0xFF
        note(Oddity(range: range, count: bytes.count), in: set)
    }

    /// A byte that may stand within a value. One line break may, or one zero byte; after more the search begins anew.
    mutating func skip(_ byte: UInt8, over range: Range<Int>, in set: PatternSet) {
        let isOne = filler == 0xFF || (filler == 0x0D && byte == 0x0A)
        if state == 0 || !isOne {
            self = PatternThread()
        } else {
            filler = byte
            note(Oddity(range: range, count: 0), in: set)
        }
    }

    private mutating func note(_ oddity: Oddity, in set: PatternSet) {
        if state == 0 {
            if !oddities.isEmpty { oddities = [] }
            return
        }
        oddities.append(oddity)
        // What lies before the pattern's start is forgotten, now and then.
        if oddities.count > 32, oddities.count > 4 * set.depth(state) {
            let start = start(of: set.depth(state), before: oddity.range.upperBound)
            oddities.removeAll { $0.range.upperBound <= start }
        }
    }

    /// Where the last `count` folded bytes before `end` begin in the stream.
    func start(of count: Int, before end: Int) -> Int {
        var left = count
        var cursor = end
        for oddity in oddities.reversed() {
            let between = cursor - oddity.range.upperBound
            if between >= left { break }
            left -= between + oddity.count
            cursor = oddity.range.lowerBound
            if left <= 0 { return cursor }
        }
        return cursor - left
    }

    /// The first byte that this reading may still need, when `end` is the next one.
    func needed(at end: Int, in set: PatternSet) -> Int {
        start(of: set.depth(state), before: escape?.start ?? end)
    }

    /// Whether nothing would be lost without `other`.
    ///
    /// Of two that are at the same point of an escape the one that began it later has more room for escapes of escapes. If
    /// they counted as different, a row of backslashes alone would make more readings than are followed.
    func covers(_ other: PatternThread, in set: PatternSet) -> Bool {
        escape?.reader == other.escape?.reader && (escape?.start ?? 0) >= (other.escape?.start ?? 0)
            && (filler == other.filler || other.state == 0) && set.covers(state, other.state)
    }
}
