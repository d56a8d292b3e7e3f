// SPDX-License-Identifier: Apache-2.0

/// Searches a stream of bytes, which arrives in pieces, for the forms of a ``PatternSet``, and lets them be replaced.
///
/// A character of a value may be written as itself or as an escape, also as an escape of an escape, and each one differently.
/// Where a byte could begin an escape both readings are followed: a percent sign that somebody puts before a value hides
/// nothing. Only what may be the beginning of a match is held back, at most ``PatternSet/longestValue`` times a form's
/// and an escape's length; an empty line, the end of an event in a stream of events, lets everything go.
package struct PatternStream: Sendable {
    private struct Found {
        let range: Range<Int>
        let pattern: Int
    }

    /// Decides on one match, given the bytes that stand there: what to write instead, nil for leaving them.
    package typealias Decision = (PatternMatch, ArraySlice<UInt8>) -> [UInt8]?

    /// More readings than this are not followed: the ones that have seen least are dropped, but never the last one that is
    /// not amid an escape, for it is the one that finds whatever begins next.
    private static let mostThreads = 16

    private let set: PatternSet
    private var threads = [PatternThread()]
    private var found: [Found] = []
    private var held: [UInt8] = []
    /// The place of the first held byte in the stream.
    private var base = 0

    package init(_ set: PatternSet) {
        self.set = set
    }

    /// How many bytes are held back.
    package var heldCount: Int { held.count }

    /// The values that were found and are not decided on yet, since a longer match may follow.
    var undecided: [Int] { found.map { set.patterns[$0.pattern].value } }

    /// Takes the next bytes, and returns what is decided.
    package mutating func push(_ bytes: [UInt8], decide: Decision) -> [UInt8] {
        guard !set.patterns.isEmpty else { return bytes }
        let first = held.count
        let buffer = first == 0 ? bytes : held + bytes
        held = []
        scan(buffer, from: first)

        let end = base + buffer.count
        var boundary = threads.reduce(end) { min($0, $1.needed(at: end, in: set)) }
        // What overlaps is decided together.
        while let earlier = found.lazy.filter({ $0.range.lowerBound < boundary && $0.range.upperBound > boundary })
            .map(\.range.lowerBound).min()
        {
            boundary = earlier
        }
        return release(buffer, upTo: boundary, decide: decide)
    }

    /// The stream has ended: returns the rest.
    package mutating func finish(decide: Decision) -> [UInt8] {
        let buffer = held
        held = []
        threads = [PatternThread()]
        return release(buffer, upTo: base + buffer.count, decide: decide)
    }

    // MARK: - Searching

    private mutating func scan(_ buffer: [UInt8], from first: Int) {
        var index = first
        while index < buffer.count {
            if threads.count == 1, threads[0].isPlain {
                index = scanPlain(buffer, from: index)
                guard index < buffer.count else { return }
            }
            step(buffer[index], at: base + index)
            index += 1
        }
    }

    /// As far as there is one reading and nothing to remember. Most bytes of most streams end here.
    private mutating func scanPlain(_ buffer: [UInt8], from first: Int) -> Int {
        var state = threads[0].state
        var index = first
        while walk(buffer, &index, &state) { note(PatternThread(plain: state), at: base + index) }
        threads[0] = PatternThread(plain: state)
        return index
    }

    /// Walks to the end of a pattern, then gives true; or to the end, or to a byte that needs two readings.
    private func walk(_ buffer: [UInt8], _ place: inout Int, _ current: inout Int32) -> Bool {
        // Local copies stay in registers.
        var index = place
        var state = current
        defer {
            place = index
            current = state
        }
        let bytes = buffer.span
        let columns = set.columns.span
        let table = set.table.span
        let final = set.firstFinal
        while index < bytes.count {
            let column = columns[Int(bytes[index])]
            if column & PatternSet.special != 0 {
                guard let (after, next) = shortcut(buffer, at: index, state: state) else { return false }
                state = after
                index = next
            } else {
                state = table[Int(state &+ Int32(truncatingIfNeeded: column))]
                index += 1
            }
            if state >= final { return true }
        }
        return false
    }

    /// Steps over a special byte whose two readings come to the same; nil where they do not.
    private func shortcut(_ buffer: [UInt8], at index: Int, state: Int32) -> (state: Int32, next: Int)? {
        if Fold.isFiller(buffer[index]) { return state == 0 ? (0, index + 1) : nil }
        guard var reader = EscapeReader(introducer: buffer[index]) else { return nil }
        var literal = set.step(state, buffer[index])
        var next = index + 1
        while next < buffer.count, literal < set.firstFinal {
            let byte = buffer[next]
            let outcome = reader.read(byte)
            if case .none = outcome { return (literal, next) }
            guard set.columns[Int(byte)] & PatternSet.special == 0 else { return nil }
            literal = set.step(literal, byte)
            next += 1
            guard case .complete(let scalar, let isByte) = outcome else { continue }
            let escaped: Int32
            if scalar >= 0x80 {
                let bytes = isByte ? [UInt8(truncatingIfNeeded: scalar)] : Self.utf8(scalar)
                escaped = bytes.reduce(state) { set.step($0, $1) }
            } else if set.columns[Int(scalar)] & PatternSet.special == 0 {
                escaped = set.step(state, UInt8(scalar))
            } else {
                // With nothing seen yet, filler changes nothing.
                guard state == 0, Fold.isFiller(UInt8(scalar)) else { return nil }
                escaped = 0
            }
            return literal < set.firstFinal && set.covers(literal, escaped) ? (literal, next) : nil
        }
        return nil
    }

    private mutating func step(_ byte: UInt8, at place: Int) {
        var next: [PatternThread] = []
        next.reserveCapacity(threads.count + 2)
        let range = place..<place + 1
        for thread in threads {
            if let escape = thread.escape {
                resume(thread, escape, with: byte, at: place, into: &next)
            } else if Fold.isFiller(byte) {
                var thread = thread
                thread.skip(byte, over: range, in: set)
                next.append(thread)
            } else {
                // The plain reading first: where both come to the same, it is the one that is kept.
                var plain = thread
                plain.step(byte, in: set)
                note(plain, at: place + 1)
                next.append(plain)
                if let reader = EscapeReader(introducer: byte) {
                    var reading = thread
                    reading.escape = PatternThread.Escape(reader: reader, start: place)
                    next.append(reading)
                }
            }
        }
        keep(next)
    }

    private mutating func resume(
        _ thread: PatternThread, _ escape: PatternThread.Escape, with byte: UInt8, at place: Int,
        into next: inout [PatternThread]
    ) {
        var reader = escape.reader
        var thread = thread
        let range = escape.start..<place + 1
        switch reader.read(byte) {
        case .none: return
        case .more:
            thread.escape = PatternThread.Escape(reader: reader, start: escape.start)
            next.append(thread)
        case .complete(let scalar, let isByte):
            thread.escape = nil
            let bytes = isByte ? [UInt8(truncatingIfNeeded: scalar)] : Self.utf8(scalar)
            if bytes.count == 1, Fold.isFiller(bytes[0]) {
                thread.skip(bytes[0], over: range, in: set)
                next.append(thread)
                return
            }
            if bytes.count == 1, range.count < PatternThread.longestEscape,
                let reader = EscapeReader(introducer: bytes[0])
            {
                // An escape of an escape.
                var reading = thread
                reading.escape = PatternThread.Escape(reader: reader, start: escape.start)
                next.append(reading)
            }
            thread.step(bytes, over: range, in: set)
            note(thread, at: place + 1)
            next.append(thread)
        }
    }

    /// Of readings that can find the same, one is followed.
    private mutating func keep(_ next: [PatternThread]) {
        threads.removeAll(keepingCapacity: true)
        for thread in next {
            guard !threads.contains(where: { $0.covers(thread, in: set) }) else { continue }
            threads.removeAll { thread.covers($0, in: set) }
            threads.append(thread)
        }
        while threads.count > Self.mostThreads {
            let isLast = threads.count { $0.escape == nil } == 1
            let least = threads.indices.filter { !isLast || threads[$0].escape != nil }
                .min { set.depth(threads[$0].state) < set.depth(threads[$1].state) }
            threads.remove(at: least ?? threads.count - 1)
        }
        if threads.isEmpty { threads.append(PatternThread()) }
    }

    private mutating func note(_ thread: PatternThread, at end: Int) {
        guard let pattern = set.end(thread.state) else { return }
        let start = thread.start(of: set.patterns[pattern].length, before: end)
        found.append(Found(range: max(start, base)..<end, pattern: pattern))
    }

    private static func utf8(_ scalar: UInt16) -> [UInt8] {
        // Half of a surrogate pair is no character, and in no value.
        Unicode.Scalar(scalar).map { Array(String($0).utf8) } ?? [0xFF]
    }

    // MARK: - Deciding

    private mutating func release(_ buffer: [UInt8], upTo boundary: Int, decide: Decision) -> [UInt8] {
        let count = boundary - base
        defer {
            held = count < buffer.count ? Array(buffer[count...]) : []
            base = boundary
        }
        guard !found.isEmpty else { return count == buffer.count ? buffer : Array(buffer[..<count]) }
        found.sort {
            ($0.range.lowerBound, -$0.range.upperBound) < ($1.range.lowerBound, -$1.range.upperBound)
        }
        var output: [UInt8] = []
        output.reserveCapacity(count)
        var cursor = base
        var decided = 0
        for match in found {
            guard match.range.upperBound <= boundary else { break }
            decided += 1
            guard match.range.upperBound > cursor else { continue }
            let start = max(cursor, match.range.lowerBound)
            output += buffer[cursor - base..<start - base]
            let source = buffer[start - base..<match.range.upperBound - base]
            let pattern = set.patterns[match.pattern]
            let decision = decide(
                PatternMatch(
                    value: pattern.value, form: pattern.form, range: start..<match.range.upperBound,
                    isRemainder: start > match.range.lowerBound
                ),
                source
            )
            if let decision { output += decision } else { output += source }
            cursor = match.range.upperBound
        }
        output += buffer[cursor - base..<count]
        found.removeFirst(decided)
        return output
    }
}
