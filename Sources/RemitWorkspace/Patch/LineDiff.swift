// SPDX-License-Identifier: Apache-2.0
// The shortest way from one list of lines to another: E. W. Myers, An O(ND) Difference Algorithm (1986), with an end.

/// A line of a comparison.
struct DiffLine: Hashable {
    enum Kind: Hashable { case common, removed, added }

    let kind: Kind
    /// The line's number in the old text, or in the new one if it is added; from 0.
    let index: Int
}

/// Compares lists of lines.
enum LineDiff {
    /// Beyond this many differences the rest is told as replaced: nobody reads the shortest way through that.
    static let differenceLimit = 1500

    /// Every line of both, in the order of a patch.
    static func lines(_ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>]) -> [DiffLine] {
        var numbers: [ArraySlice<UInt8>: Int] = [:]
        func number(_ line: ArraySlice<UInt8>) -> Int {
            if let known = numbers[line] { return known }
            numbers[line] = numbers.count
            return numbers.count - 1
        }
        let (before, after) = (old.map(number), new.map(number))
        var head = 0
        while head < min(before.count, after.count), before[head] == after[head] { head += 1 }
        var tail = 0
        while tail < min(before.count, after.count) - head,
            before[before.count - 1 - tail] == after[after.count - 1 - tail]
        {
            tail += 1
        }
        let middle = shortest(Array(before[head..<before.count - tail]), Array(after[head..<after.count - tail]))
        return (0..<head).map { DiffLine(kind: .common, index: $0) }
            + middle.map { DiffLine(kind: $0.kind, index: $0.index + head) }
            + (before.count - tail..<before.count).map { DiffLine(kind: .common, index: $0) }
    }

    private static func replaced(_ old: Int, _ new: Int) -> [DiffLine] {
        (0..<old).map { DiffLine(kind: .removed, index: $0) } + (0..<new).map { DiffLine(kind: .added, index: $0) }
    }

    private static func shortest(_ old: [Int], _ new: [Int]) -> [DiffLine] {
        if old.isEmpty || new.isEmpty { return replaced(old.count, new.count) }
        let limit = min(old.count + new.count, differenceLimit)
        // The furthest reach on each diagonal, kept for every number of differences to find the way back.
        var reach = [Int](repeating: 0, count: 2 * limit + 3)
        let centre = limit + 1
        var history: [[Int]] = []
        for differences in 0...limit {
            history.append(Array(reach[centre - differences - 1...centre + differences + 1]))
            for diagonal in stride(from: -differences, through: differences, by: 2) {
                let isDown =
                    diagonal == -differences
                    || diagonal != differences && reach[centre + diagonal - 1] < reach[centre + diagonal + 1]
                var x = isDown ? reach[centre + diagonal + 1] : reach[centre + diagonal - 1] + 1
                var y = x - diagonal
                while x < old.count, y < new.count, old[x] == new[y] {
                    x += 1
                    y += 1
                }
                reach[centre + diagonal] = x
                if x >= old.count, y >= new.count { return back(old.count, new.count, history) }
            }
        }
        return replaced(old.count, new.count)
    }

    private static func back(_ oldCount: Int, _ newCount: Int, _ history: [[Int]]) -> [DiffLine] {
        var (x, y) = (oldCount, newCount)
        var result: [DiffLine] = []
        for differences in history.indices.reversed() {
            let reach = history[differences]
            let centre = differences + 1
            let diagonal = x - y
            let isDown =
                diagonal == -differences
                || diagonal != differences && reach[centre + diagonal - 1] < reach[centre + diagonal + 1]
            let before = isDown ? diagonal + 1 : diagonal - 1
            let startX = differences == 0 ? 0 : reach[centre + before]
            let startY = startX - before
            let (cornerX, cornerY) = differences == 0 ? (0, 0) : isDown ? (startX, startY + 1) : (startX + 1, startY)
            while x > cornerX, y > cornerY {
                x -= 1
                y -= 1
                result.append(DiffLine(kind: .common, index: x))
            }
            guard differences > 0 else { break }
            if isDown {
                result.append(DiffLine(kind: .added, index: startY))
            } else {
                result.append(DiffLine(kind: .removed, index: startX))
            }
            (x, y) = (startX, startY)
        }
        return result.reversed()
    }
}
