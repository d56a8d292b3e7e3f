// SPDX-License-Identifier: Apache-2.0

/// Finds the policies whose scopes may match a request without looking at all of them.
///
/// Every policy is filed under one part of its scope: an entity that principal, action or resource must be or be a member
/// of, or a type that principal or resource must be of. A policy that constrains several parts is filed where the fewest
/// others are, so that thousands of policies that share an action, but not a resource, spread over the resources. What is
/// found is a superset of what matches, in the order of the policies.
struct PolicyIndex: Sendable {
    /// What a policy can be filed under.
    private enum Key: Hashable {
        case principal(EntityUID)
        case action(EntityUID)
        case resource(EntityUID)
        case principalType(Name)
        case resourceType(Name)
    }

    private var files: [Key: [Int]] = [:]
    /// Policies without any constraint.
    private var unfiled: [Int] = []

    /// Files the policy at `position`, which must be greater than those filed before.
    mutating func insert(_ policy: CompiledPolicy, at position: Int) {
        var best: [Key]?
        var fewest = Int.max
        for keys in PolicyIndex.choices(of: policy) {
            let count = keys.reduce(0) { $0 + (files[$1]?.count ?? 0) }
            if count < fewest { (best, fewest) = (keys, count) }
        }
        guard let best else { return unfiled.append(position) }
        for key in Set(best) { files[key, default: []].append(position) }
    }

    /// The positions of the policies that may match `request`, ascending, each once.
    func candidates(for request: Request, _ entities: Entities) -> [Int] {
        var found = unfiled
        collect(.principalType(request.principal.type), &found)
        collect(.resourceType(request.resource.type), &found)
        collect(request.principal, entities, Key.principal, &found)
        collect(request.action, entities, Key.action, &found)
        collect(request.resource, entities, Key.resource, &found)
        // One list of actions can bring a policy more than once.
        found.sort()
        var last = -1
        found.removeAll { position in
            defer { last = position }
            return position == last
        }
        return found
    }

    private func collect(
        _ uid: EntityUID, _ entities: Entities, _ key: (EntityUID) -> Key, _ found: inout [Int]
    ) {
        collect(key(uid), &found)
        guard let ancestors = entities.record(of: uid)?.ancestors else { return }
        for ancestor in ancestors { collect(key(ancestor), &found) }
    }

    private func collect(_ key: Key, _ found: inout [Int]) {
        if let positions = files[key] { found.append(contentsOf: positions) }
    }

    /// Every way the policy can be filed, the most telling first.
    private static func choices(of policy: CompiledPolicy) -> [[Key]] {
        var choices: [[Key]] = []
        if case .entity(let uid) = policy.resource.reference { choices.append([.resource(uid)]) }
        if case .entity(let uid) = policy.principal.reference { choices.append([.principal(uid)]) }
        if case .any = policy.action {} else { choices.append(policy.action.entities.map(Key.action)) }
        if let type = policy.resource.type { choices.append([.resourceType(type)]) }
        if let type = policy.principal.type { choices.append([.principalType(type)]) }
        return choices
    }
}

extension ScopeConstraint {
    /// The type of the constraint, where it has one.
    fileprivate var type: Name? {
        switch self {
        case .is(let type), .isIn(let type, _): type
        case .any, .equal, .in: nil
        }
    }
}
