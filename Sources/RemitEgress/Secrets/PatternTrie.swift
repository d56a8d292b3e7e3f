// SPDX-License-Identifier: Apache-2.0

/// The trie from which a ``PatternSet`` is compiled.
struct PatternTrie {
    struct Compiled {
        var table: [Int32]
        var firstFinal: Int32
        var depths: [Int32]
        var suffixes: [Int32]
        var ends: [Int32]
    }

    private let width: Int
    private var next: [Int32]
    private var depths: [Int32] = [0]
    private var ends: [Int32] = [-1]

    init(width: Int) {
        self.width = width
        next = [Int32](repeating: -1, count: width)
    }

    mutating func insert(_ columns: [UInt8], pattern: Int) {
        var state = 0
        for column in columns {
            let place = state * width + Int(column)
            if next[place] < 0 {
                next[place] = Int32(depths.count)
                depths.append(depths[state] + 1)
                ends.append(-1)
                next.append(contentsOf: repeatElement(-1, count: width))
            }
            state = Int(next[place])
        }
        ends[state] = Int32(pattern)
    }

    /// The automaton, its final states last, so that one comparison finds them.
    consuming func compile() -> Compiled {
        let count = depths.count
        var suffixes = [Int32](repeating: 0, count: count)
        var queue: [Int] = [0]
        queue.reserveCapacity(count)
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            let suffix = Int(suffixes[state])
            if state != 0, ends[state] < 0 { ends[state] = ends[suffix] }
            for column in 0..<width {
                let place = state * width + column
                let other = state == 0 ? 0 : next[suffix * width + column]
                if next[place] < 0 {
                    next[place] = other
                } else {
                    suffixes[Int(next[place])] = other
                    queue.append(Int(next[place]))
                }
            }
        }
        let finals = ends.count { $0 >= 0 }
        var places = [Int32](repeating: 0, count: count)
        var plain: Int32 = 0
        var final = Int32(count - finals)
        for state in 0..<count {
            if ends[state] < 0 {
                places[state] = plain
                plain += 1
            } else {
                places[state] = final
                final += 1
            }
        }
        let scale = Int32(width)
        var compiled = Compiled(
            table: [Int32](repeating: 0, count: count * width), firstFinal: Int32(count - finals) * scale,
            depths: [Int32](repeating: 0, count: count), suffixes: [Int32](repeating: 0, count: count),
            ends: [Int32](repeating: 0, count: finals)
        )
        for state in 0..<count {
            let place = Int(places[state])
            for column in 0..<width {
                compiled.table[place * width + column] = places[Int(next[state * width + column])] * scale
            }
            compiled.depths[place] = depths[state]
            compiled.suffixes[place] = places[Int(suffixes[state])] * scale
            if ends[state] >= 0 { compiled.ends[place - (count - finals)] = ends[state] }
        }
        return compiled
    }
}
