// SPDX-License-Identifier: Apache-2.0

/// Patterns in which some elements stand for any number of others.
package enum Glob {
    /// The classic two-pointer match with one point of return: at most `pattern × subject` steps, no recursion.
    package static func matches<Element>(
        _ pattern: [Element], _ subject: [Element], isStar: (Element) -> Bool, equals: (Element, Element) -> Bool
    ) -> Bool {
        var (p, s) = (0, 0)
        var retry: (pattern: Int, subject: Int)?
        while s < subject.count {
            if p < pattern.count, isStar(pattern[p]) {
                retry = (p, s)
                p += 1
            } else if p < pattern.count, equals(pattern[p], subject[s]) {
                p += 1
                s += 1
            } else if let last = retry {
                retry = (last.pattern, last.subject + 1)
                (p, s) = (last.pattern + 1, last.subject + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy(isStar)
    }
}
