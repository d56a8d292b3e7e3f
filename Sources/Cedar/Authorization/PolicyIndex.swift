// SPDX-License-Identifier: Apache-2.0

/// Finds the policies whose scopes match a request without looking at all of them.
///
/// Every different predicate that the scopes of a set consist of has a number. Which of them hold is found once a request,
/// by looking up the three entities, what they are members of, and their types; after that a scope matches where a few
/// bits are set, and no name is hashed or compared again.
///
/// Every policy is filed under one of its predicates, or under each action of its list: where the fewest others are, so
/// that thousands of policies that share an action, but not a resource, spread over the resources. Only what is filed
/// under a predicate that holds is looked at.
struct PolicyIndex: Sendable {
    /// What has to hold for a policy to match.
    private struct Entry {
        /// Where the policy is in its set.
        let position: Int32
        var principal = PolicyIndex.always
        var principalType = PolicyIndex.always
        var resource = PolicyIndex.always
        var resourceType = PolicyIndex.always
        /// Where ``PolicyIndex/choices`` lists the predicates that one is enough of.
        var actions: Range<Int32> = 0..<1
    }

    /// The number of what always holds.
    private static let always: Int32 = 0

    private var numbers: [ScopePredicate: Int32] = [:]
    /// What is filed, by the number of the predicate; policies without any constraint under ``always``.
    private var files: [[Entry]] = [[]]
    /// The actions of the policies, one's after the other's.
    private var choices: [Int32] = [PolicyIndex.always]

    /// Files the policy with `scope` at `position`, which must be greater than those filed before.
    mutating func insert(_ scope: Scope, at position: Int) {
        // A slot that is open means no entity at all.
        guard scope.slots.isEmpty else { return }
        var entry = Entry(position: Int32(position))
        (entry.principal, entry.principalType) = require(scope.principal, of: .principal)
        (entry.resource, entry.resourceType) = require(scope.resource, of: .resource)
        let actions = require(scope.action)

        var fewest = Int.max
        var best = PolicyIndex.always
        // The most telling first.
        for number in [entry.resource, entry.principal, entry.resourceType, entry.principalType]
        where number != PolicyIndex.always && files[Int(number)].count < fewest {
            (best, fewest) = (number, files[Int(number)].count)
        }
        guard let actions else { return files[Int(best)].append(entry) }
        if actions.reduce(0, { $0 + files[Int($1)].count }) < fewest {
            // Whatever is found under one of its actions needs no further look at the list, which may be long.
            for number in actions { files[Int(number)].append(entry) }
        } else {
            entry.actions = Int32(choices.count)..<Int32(choices.count + actions.count)
            choices += actions
            files[Int(best)].append(entry)
        }
    }

    /// The positions of the policies whose scopes match, ascending, each once.
    func matches(_ evaluator: borrowing Evaluator) -> [Int] {
        let holding = holding(evaluator)
        var found: [Int] = []
        for number in holding.members {
            for entry in files[Int(number)]
            where holding.contains(entry.principal) && holding.contains(entry.resource)
                && holding.contains(entry.principalType) && holding.contains(entry.resourceType)
                && entry.actions.contains(where: { holding.contains(choices[Int($0)]) })
            {
                found.append(Int(entry.position))
            }
        }
        // One list of actions can bring a policy more than once.
        found.sort()
        var last = -1
        found.removeAll { position in
            defer { last = position }
            return position == last
        }
        return found
    }

    // MARK: Predicates

    /// The predicates that hold.
    private func holding(_ evaluator: borrowing Evaluator) -> ScopePredicateSet {
        let request = evaluator.request
        var holding = ScopePredicateSet(below: files.count)
        holding.insert(PolicyIndex.always)
        add(.principal, request.principal, evaluator.principal, to: &holding)
        add(.action, request.action, evaluator.action, to: &holding)
        add(.resource, request.resource, evaluator.resource, to: &holding)
        return holding
    }

    private func add(
        _ part: ScopePredicate.Part, _ uid: EntityUID, _ record: Entities.Record?, to holding: inout ScopePredicateSet
    ) {
        add(.is(part, uid.type), to: &holding)
        add(.equal(part, uid), to: &holding)
        add(.in(part, uid), to: &holding)
        guard let record else { return }
        for ancestor in record.ancestors { add(.in(part, ancestor), to: &holding) }
    }

    private func add(_ predicate: ScopePredicate, to holding: inout ScopePredicateSet) {
        if let number = numbers[predicate] { holding.insert(number) }
    }

    /// The number of `predicate`, which from now on is known.
    private mutating func number(_ predicate: ScopePredicate) -> Int32 {
        if let number = numbers[predicate] { return number }
        let number = Int32(files.count)
        numbers[predicate] = number
        files.append([])
        return number
    }

    private mutating func require(
        _ constraint: ScopeConstraint, of part: ScopePredicate.Part
    ) -> (entity: Int32, type: Int32) {
        var required = (entity: PolicyIndex.always, type: PolicyIndex.always)
        switch constraint {
        case .equal(.entity(let uid)): required.entity = number(.equal(part, uid))
        case .in(.entity(let uid)): required.entity = number(.in(part, uid))
        case .is(let type): required.type = number(.is(part, type))
        case .isIn(let type, .entity(let uid)): required = (number(.in(part, uid)), number(.is(part, type)))
        case .any, .equal(.slot), .in(.slot), .isIn(_, .slot): break
        }
        return required
    }

    /// The predicates that one is enough of, each once; nil where any action will do.
    private mutating func require(_ constraint: ActionConstraint) -> [Int32]? {
        switch constraint {
        case .any: nil
        case .equal(let uid): [number(.equal(.action, uid))]
        case .in(let uid): [number(.in(.action, uid))]
        case .inAny(let uids): Array(Set(uids.map { number(.in(.action, $0)) }))
        }
    }
}
