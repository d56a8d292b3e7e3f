// SPDX-License-Identifier: Apache-2.0

/// Guesses at what somebody meant to write.
package enum Spelling {
    /// The known word nearest to a mistyped one; nothing when none is near enough to be meant.
    package static func suggestion(for word: String, among known: [String]) -> String? {
        let word = Array(word.lowercased().unicodeScalars.prefix(64))
        let allowed = max(1, word.count / 3)
        var best: (word: String, distance: Int)?
        for candidate in known {
            let distance = distance(word, Array(candidate.lowercased().unicodeScalars))
            if distance <= allowed, distance < (best?.distance ?? Int.max) { best = (candidate, distance) }
        }
        return best?.word
    }

    /// The end of a message: a suggestion, or the known words when there are few, or nothing.
    package static func ending(for word: String, among known: [String]) -> String {
        if let meant = suggestion(for: word, among: known) { return ": did you mean `\(meant)`?" }
        if known.isEmpty || known.count > 16 { return "" }
        return ": known are " + known.map { "`\($0)`" }.joined(separator: ", ")
    }

    /// Edit distance in which two swapped neighbours count once.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var row = [i + 1]
            row.reserveCapacity(right.count + 1)
            for (j, b) in right.enumerated() {
                var cost = min(row[j] + 1, last[j + 1] + 1, last[j] + (a == b ? 0 : 1))
                if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
