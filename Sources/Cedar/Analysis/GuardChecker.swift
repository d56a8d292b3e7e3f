// SPDX-License-Identifier: Apache-2.0

/// Finds attributes that a policy uses without making sure that they are there, though some other condition of the set
/// asks whether they are: what is asked about is likely optional.
///
/// This is for want of a schema, which says what is optional; with one, a ``Validator`` finds all of these.
struct GuardChecker {
    /// An attribute of the principal, the resource or the context, or of something that leads from there.
    private struct Attribute: Hashable {
        let root: Variable
        let path: [CedarString]
    }

    /// How far a question is followed. Nobody asks further, and every step is kept as a path of its own.
    private static let pathLimit = 16

    private var questions: Set<Attribute> = []

    /// Learns what a policy asks about.
    mutating func learn(_ policy: LoweredPolicy) {
        for node in policy.nodes {
            guard case .has(let operand, let names) = node.form, var attribute = attribute(operand, policy) else {
                continue
            }
            for name in names.prefix(Self.pathLimit) {
                attribute = Attribute(root: attribute.root, path: attribute.path + [name])
                questions.insert(attribute)
            }
        }
    }

    /// The uses of attributes in a policy that nothing guards, each with the attribute as it is written.
    func unguarded(_ policy: LoweredPolicy) -> [(attribute: String, span: SourceSpan)] {
        var walk = Walk(checker: self, policy: policy)
        _ = walk.visit(policy.root)
        return walk.unguarded
    }

    /// One way through a policy, along which it becomes known which attributes are there.
    private struct Walk {
        let checker: GuardChecker
        let policy: LoweredPolicy
        var unguarded: [(attribute: String, span: SourceSpan)] = []
        /// How many of the conditions around make sure of each attribute.
        private var known: [Attribute: Int] = [:]

        init(checker: GuardChecker, policy: LoweredPolicy) {
            self.checker = checker
            self.policy = policy
        }

        /// Visits an expression.
        /// - Returns: The attributes that are there where it is true.
        mutating func visit(_ index: Int) -> Set<Attribute> {
            switch policy.nodes[index].form {
            case .and(let operands):
                var learned: Set<Attribute> = []
                for operand in operands {
                    let more = visit(operand).subtracting(learned)
                    count(more, 1)
                    learned.formUnion(more)
                }
                count(learned, -1)
                return learned
            case .or(let operands):
                let branches = operands.map { visit($0) }
                return branches.dropFirst().reduce(branches.first ?? []) { $0.intersection($1) }
            case .conditional(let test, let then, let otherwise):
                let learned = visit(test)
                count(learned, 1)
                let taken = visit(then).union(learned)
                count(learned, -1)
                return taken.intersection(visit(otherwise))
            case .has(let operand, let names):
                _ = visit(operand)
                guard var attribute = checker.attribute(operand, policy) else { return [] }
                var learned: Set<Attribute> = []
                for name in names.prefix(GuardChecker.pathLimit) {
                    attribute = Attribute(root: attribute.root, path: attribute.path + [name])
                    learned.insert(attribute)
                }
                return learned
            case .attribute(let operand, _):
                _ = visit(operand)
                if let attribute = checker.attribute(index, policy), checker.questions.contains(attribute),
                    known[attribute, default: 0] == 0
                {
                    let path = ([CedarString(attribute.root.rawValue)] + attribute.path).map(\.string)
                    unguarded.append((attribute: path.joined(separator: "."), span: policy.nodes[index].span))
                }
                return []
            default:
                for operand in policy.nodes[index].form.operands { _ = visit(operand) }
                return []
            }
        }

        private mutating func count(_ attributes: Set<Attribute>, _ difference: Int) {
            for attribute in attributes { known[attribute, default: 0] += difference }
        }
    }

    /// The attribute that an expression is; one without a path for a variable, and nil for anything else.
    private func attribute(_ index: Int, _ policy: LoweredPolicy) -> Attribute? {
        var path: [CedarString] = []
        var index = index
        while true {
            switch policy.nodes[index].form {
            case .variable(let root): return Attribute(root: root, path: path.reversed())
            case .attribute(let operand, let name):
                path.append(name)
                index = operand
            default: return nil
            }
        }
    }
}
