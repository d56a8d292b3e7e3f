// SPDX-License-Identifier: Apache-2.0

/// Something wrong with a receipt, and where.
package struct ReceiptProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The place: `byte 17`, or a member such as `predicate.leases[0].state`.
    package let place: String
    /// What is wrong there.
    package let reason: String

    package var description: String { "\(place): \(reason)" }
}

/// What a look at a receipt found.
package enum ReceiptVerdict: Hashable, Sendable {
    /// Signed by the pinned key, every byte as it was written.
    case good(ReceiptPredicate)
    /// Not what was written.
    case bad(ReceiptProblem)

    /// What the receipt says, when it is good.
    package var predicate: ReceiptPredicate? {
        if case .good(let predicate) = self { predicate } else { nil }
    }

    /// What is wrong, when something is.
    package var problem: ReceiptProblem? {
        if case .bad(let problem) = self { problem } else { nil }
    }
}
