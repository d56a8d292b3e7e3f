// SPDX-License-Identifier: Apache-2.0

/// What a condition makes sure of: that something has an attribute, or a tag.
enum Capability: Hashable, Sendable {
    /// The expression of this shape has this attribute.
    case attribute(of: Int, CedarString)
    /// The expression of this shape has the tag that the expression of the other shape names.
    case tag(of: Int, Int)
}

/// What the conditions around an expression have made sure of, some of it more than once.
///
/// There is one for a whole policy, into which goes what holds in a part of it and out of which it comes behind that part:
/// a set for each part would cost the square of what a policy is long.
struct KnownCapabilities {
    private var counts: [Capability: Int] = [:]

    func contains(_ capability: Capability) -> Bool { counts[capability] != nil }

    mutating func insert(_ capabilities: Set<Capability>) {
        for capability in capabilities { counts[capability, default: 0] += 1 }
    }

    mutating func remove(_ capabilities: Set<Capability>) {
        for capability in capabilities {
            guard let count = counts[capability] else { continue }
            counts[capability] = count > 1 ? count - 1 : nil
        }
    }
}
