// SPDX-License-Identifier: Apache-2.0

/// What must hold for a policy to be satisfied: its scope, and a list of expressions that must all be true.
struct Requirements {
    let policy: Policy
    /// The shapes of the expressions, which are comparable between policies lowered with the same table.
    let shapes: Set<Int>
    /// Two of the expressions that can't both be true, as a span to show; nil where there are none to be seen.
    let contradiction: SourceSpan?

    /// The requirements of a policy.
    init(_ policy: Policy, shapes table: inout ShapeTable) {
        self.policy = policy
        let lowered = LoweredPolicy(policy.template, shapes: &table)
        var shapes: Set<Int> = []
        var contradiction: SourceSpan?
        var equals: [Int: Int] = [:]
        var types: [Int: Name] = [:]
        for (node, isNegated) in Requirements.parts(of: lowered) {
            let shape = lowered.nodes[node].shape
            let required = isNegated ? table.shape(of: .not(shape)) : shape
            shapes.insert(required)
            var isContradictory = shapes.contains(isNegated ? shape : table.shape(of: .not(shape)))
            if !isNegated {
                switch lowered.nodes[node].form {
                case .equal(let left, let right):
                    if let (what, value) = Requirements.constant(left, right, lowered) {
                        let known = equals.updateValue(value, forKey: what)
                        isContradictory = isContradictory || known != nil && known != value
                    }
                case .is(let operand, let type, _):
                    let known = types.updateValue(type, forKey: lowered.nodes[operand].shape)
                    isContradictory = isContradictory || known != nil && known != type
                default: break
                }
            }
            if isContradictory, contradiction == nil { contradiction = lowered.nodes[node].span }
        }
        self.shapes = shapes
        self.contradiction = contradiction
    }

    /// The operands of all conjunctions in the clauses, each with whether it must be false.
    private static func parts(of lowered: LoweredPolicy) -> [(node: Int, isNegated: Bool)] {
        var parts: [(node: Int, isNegated: Bool)] = []
        var rest = lowered.clauses.reversed().map { (node: $0, isNegated: false) }
        while let (node, isNegated) = rest.popLast() {
            switch (lowered.nodes[node].form, isNegated) {
            case (.and(let operands), false), (.or(let operands), true):
                rest.append(contentsOf: operands.reversed().map { (node: $0, isNegated: isNegated) })
            case (.not(let operand), _): rest.append((node: operand, isNegated: !isNegated))
            case (.literal(.bool(let value)), _) where value != isNegated: break
            default: parts.append((node: node, isNegated: isNegated))
            }
        }
        return parts
    }

    /// The shapes of an expression and of the literal that it must be equal to; nil unless there is one of each.
    private static func constant(_ left: Int, _ right: Int, _ lowered: LoweredPolicy) -> (what: Int, value: Int)? {
        func isLiteral(_ node: Int) -> Bool {
            if case .literal = lowered.nodes[node].form { true } else { false }
        }
        let shapes = (lowered.nodes[left].shape, lowered.nodes[right].shape)
        switch (isLiteral(left), isLiteral(right)) {
        case (false, true): return (shapes.0, shapes.1)
        case (true, false): return (shapes.1, shapes.0)
        default: return nil
        }
    }
}
