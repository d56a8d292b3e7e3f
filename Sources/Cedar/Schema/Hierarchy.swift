// SPDX-License-Identifier: Apache-2.0

/// Transitive closures, bounded in what they may cost.
enum Hierarchy {
    /// How many pairs of a node and an ancestor there may be.
    private static let limit = 1_000_000

    /// The ancestors of every node: all that can be reached by way of `parents`; a node is its own ancestor only when it
    /// is on a cycle.
    ///
    /// - Returns: nil where there are more than can be held.
    static func ancestors<Node: Hashable>(of parents: [Node: Set<Node>]) -> [Node: Set<Node>]? {
        var closure: [Node: Set<Node>] = [:]
        var count = 0
        for (node, direct) in parents {
            var ancestors = direct
            var rest = Array(direct)
            while let next = rest.popLast() {
                for parent in parents[next] ?? [] where ancestors.insert(parent).inserted { rest.append(parent) }
                count += 1
                guard count <= limit else { return nil }
            }
            closure[node] = ancestors
        }
        return closure
    }
}
