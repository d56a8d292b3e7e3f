// SPDX-License-Identifier: Apache-2.0

/// What the conditions around an expression have made sure of.
struct Capabilities {
    /// That something has an attribute, or a tag.
    enum Capability: Hashable {
        /// The expression of this shape has this attribute.
        case attribute(of: Int, CedarString)
        /// The expression of this shape has the tag that the expression of the other shape names.
        case tag(of: Int, Int)
    }

    private var known: Set<Capability> = []

    init() {}

    init(_ capability: Capability) {
        known = [capability]
    }

    func contains(_ capability: Capability) -> Bool { known.contains(capability) }

    mutating func formUnion(_ other: Capabilities) {
        if known.isEmpty { known = other.known } else { known.formUnion(other.known) }
    }

    func union(_ other: Capabilities) -> Capabilities {
        var union = self
        union.formUnion(other)
        return union
    }

    func intersection(_ other: Capabilities) -> Capabilities {
        var both = Capabilities()
        both.known = known.intersection(other.known)
        return both
    }
}
