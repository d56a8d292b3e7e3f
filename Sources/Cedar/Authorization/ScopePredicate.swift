// SPDX-License-Identifier: Apache-2.0

/// One thing that a scope asks of one of its parts; a scope is a conjunction of these, and lists of actions offer a choice.
enum ScopePredicate: Hashable {
    /// The parts of a scope.
    enum Part {
        case principal
        case action
        case resource
    }

    /// `part == entity`
    case equal(Part, EntityUID)
    /// `part in entity`
    case `in`(Part, EntityUID)
    /// `part is type`
    case `is`(Part, Name)
}

/// A set of predicates by their numbers.
struct ScopePredicateSet {
    /// The members in the order they were inserted.
    private(set) var members: [Int32] = []
    /// Bit by bit, whether the number is a member's.
    private var words: [UInt64]

    /// The empty set, with room for the numbers below `limit`.
    init(below limit: Int) {
        words = Array(repeating: 0, count: (limit + 63) / 64)
    }

    /// Adds `number`, which isn't a member.
    mutating func insert(_ number: Int32) {
        members.append(number)
        words[Int(number >> 6)] |= 1 << UInt64(number & 63)
    }

    /// Whether `number` is a member.
    func contains(_ number: Int32) -> Bool {
        words[Int(number >> 6)] & 1 << UInt64(number & 63) != 0
    }
}
