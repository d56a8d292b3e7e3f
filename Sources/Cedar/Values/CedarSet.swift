// SPDX-License-Identifier: Apache-2.0

/// A set of values: order and repetition don't matter.
public struct CedarSet: Hashable, Sendable {
    /// The members in ascending order, each once.
    public let elements: [Value]

    /// How many members a scan is faster for than a search.
    private static let scanned = 8

    /// The set of `values`, in any order, repetitions allowed.
    public init(_ values: some Sequence<Value>) {
        var sorted = Array(values)
        if sorted.count > 1 {
            sorted.sort()
            var kept = 1
            for index in 1..<sorted.count where sorted[index] != sorted[kept - 1] {
                sorted[kept] = sorted[index]
                kept += 1
            }
            sorted.removeLast(sorted.count - kept)
        }
        elements = sorted
    }

    /// The number of different members.
    public var count: Int { elements.count }

    /// Whether there are no members.
    public var isEmpty: Bool { elements.isEmpty }

    /// Whether `value` is a member.
    public func contains(_ value: Value) -> Bool {
        if elements.count <= CedarSet.scanned { return elements.contains(value) }
        var low = 0
        var high = elements.count
        while low < high {
            let middle = low + (high - low) / 2
            if elements[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < elements.count && elements[low] == value
    }

    /// Whether every member of this is one of `other`.
    public func isSubset(of other: CedarSet) -> Bool {
        elements.count <= other.count && elements.allSatisfy(other.contains)
    }

    /// Whether at least one member is also one of `other`.
    public func intersects(_ other: CedarSet) -> Bool {
        let (small, large) = count < other.count ? (self, other) : (other, self)
        return small.elements.contains(where: large.contains)
    }
}

extension CedarSet: Comparable, CustomStringConvertible {
    /// Whether `left` comes first in an arbitrary but fixed order.
    public static func < (left: CedarSet, right: CedarSet) -> Bool {
        left.elements.lexicographicallyPrecedes(right.elements)
    }

    /// The set as an expression of the language.
    public var description: String {
        "[\(elements.map(\.description).joined(separator: ", "))]"
    }
}
