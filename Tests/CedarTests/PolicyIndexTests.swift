// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

/// The index must find exactly what asking every policy finds, in the order of the policies.
struct PolicyIndexTests {
    private static let types = ["A", "B", "N::C"]

    @Test func `the index finds what asking every policy finds`() throws {
        var random = SplitMix(state: 7)
        var counts = (reasons: 0, errors: 0, matches: 0)
        for round in 0..<120 {
            let set = try policies(30 + 10 * (round % 5), &random)
            let world = try entities(&random)
            for _ in 0..<30 {
                let request = Request(
                    principal: try entity(&random), action: try action(&random), resource: try entity(&random))
                let response = Authorizer.authorize(request, set, world)
                #expect(response == expected(request, set, world))
                let found = set.index.matches(Evaluator(request: request, entities: world))
                #expect(found == set.policies.indices.filter { matches(set.policies[$0].scope, request, world) })
                counts.reasons += response.reasons.count
                counts.errors += response.errors.count
                counts.matches += found.count
            }
        }
        // A comparison of nothing with nothing would prove nothing.
        #expect(counts.reasons > 2000 && counts.errors > 1000 && counts.matches > 5000, "\(counts)")
    }

    @Test func `a set that grows finds what was added, its copies don't`() throws {
        var random = SplitMix(state: 11)
        let world = try entities(&random)
        var set = PolicySet()
        var before = set
        for number in 0..<300 {
            before = set
            try add(number, to: &set, &random)
            let request = Request(
                principal: try entity(&random), action: try action(&random), resource: try entity(&random))
            #expect(Authorizer.authorize(request, set, world) == expected(request, set, world))
            #expect(Authorizer.authorize(request, before, world) == expected(request, before, world))
        }
    }

    /// Everything about such a set is linear in its size: done once for each pair of a group and a group, or of a policy
    /// and a policy, this would take hours.
    @Test(.timeLimit(.minutes(5)))
    func `long lists of actions and crowded scopes don't slow it down out of proportion`() throws {
        let groups = try (0..<20_000).map { try EntityUID(parsing: "Action::\"\($0)\"") }
        let user = try EntityUID(parsing: #"U::"a""#)
        let act = try EntityUID(parsing: #"Action::"act""#)
        var set = PolicySet()
        let long = Template(effect: .permit, scope: Scope(action: .inAny(groups + groups)))
        try set.add(long, id: "long")
        let crowded = Template(effect: .permit, scope: Scope(principal: .equal(.entity(user)), action: .in(groups[1])))
        for number in 0..<20_000 { try set.add(crowded, id: CedarString("p\(number)")) }
        let other = Template(effect: .permit, scope: Scope(action: .inAny(groups)))
        try set.add(other, id: "other")
        // The action is in the second half of the groups.
        let world = try Entities([Entity(act, parents: Set(groups.suffix(10_000)))])
        let request = Request(principal: user, action: act, resource: user)
        #expect(Authorizer.authorize(request, set, world).reasons == ["long", "other"])
        let inner = Request(principal: user, action: groups[1], resource: user)
        #expect(Authorizer.authorize(inner, set, world).reasons.count == 20_002)
    }

    // MARK: Asking every policy

    private func expected(_ request: Request, _ set: PolicySet, _ world: Entities) -> Response {
        let evaluator = Evaluator(request: request, entities: world)
        var reasons: [Effect: [CedarString]] = [:]
        var errors: [PolicyError] = []
        for policy in set.policies where matches(policy.scope, request, world) {
            do throws(EvaluationError) {
                guard try CompiledPolicy(policy).isSatisfied(evaluator) else { continue }
                reasons[policy.effect, default: []].append(policy.id)
            } catch {
                errors.append(PolicyError(policyID: policy.id, error: error))
            }
        }
        if let forbids = reasons[.forbid] { return Response(decision: .deny, reasons: forbids, errors: errors) }
        let permits = reasons[.permit] ?? []
        return Response(decision: permits.isEmpty ? .deny : .allow, reasons: permits, errors: errors)
    }

    private func matches(_ scope: Scope, _ request: Request, _ world: Entities) -> Bool {
        let action =
            switch scope.action {
            case .any: true
            case .equal(let uid): request.action == uid
            case .in(let group): world.isMember(request.action, of: group)
            case .inAny(let groups): groups.contains { world.isMember(request.action, of: $0) }
            }
        return action && matches(scope.principal, request.principal, world)
            && matches(scope.resource, request.resource, world)
    }

    private func matches(_ constraint: ScopeConstraint, _ uid: EntityUID, _ world: Entities) -> Bool {
        switch constraint {
        case .any: true
        case .equal(.entity(let other)): uid == other
        case .in(.entity(let group)): world.isMember(uid, of: group)
        case .is(let type): uid.type == type
        case .isIn(let type, .entity(let group)): uid.type == type && world.isMember(uid, of: group)
        case .equal(.slot), .in(.slot), .isIn(_, .slot): false
        }
    }

    // MARK: Random sets

    private func policies(_ count: Int, _ random: inout SplitMix) throws -> PolicySet {
        var set = PolicySet()
        for number in 0..<count { try add(number, to: &set, &random) }
        return set
    }

    /// Adds a policy, or a template and links of it, some of them sharing the entities of scopes.
    private func add(_ number: Int, to set: inout PolicySet, _ random: inout SplitMix) throws {
        let principal = try constraint(.principal, &random)
        let resource = try constraint(.resource, &random)
        let list = try (0..<random.next(4)).map { _ in try action(&random) }
        let actions: [ActionConstraint] = [.any, .equal(try action(&random)), .in(try action(&random)), .inAny(list)]
        let condition = ["", "when { context.x }", "when { principal in A::\"4\" }", "unless { resource is B }"]
        let conditions = try PolicySet(
            parsing: "permit(principal, action, resource) \(condition[random.next(4)]);"
        ).policies[0].conditions
        let template = Template(
            effect: random.next(8) == 0 ? .forbid : .permit,
            scope: Scope(principal: principal, action: actions[random.next(4)], resource: resource),
            conditions: conditions
        )
        let id = CedarString("policy\(number)")
        try set.add(template, id: id)
        guard !template.slots.isEmpty else { return }
        for link in 0..<random.next(4) {
            var values: [Slot: EntityUID] = [:]
            for slot in template.slots.sorted() { values[slot] = try entity(&random) }
            try set.link(id, as: CedarString("\(id)-\(link)"), values: values)
        }
    }

    private func constraint(_ slot: Slot, _ random: inout SplitMix) throws -> ScopeConstraint {
        let reference = random.next(4) == 0 ? EntityReference.slot(slot) : .entity(try entity(&random))
        let type = try #require(Name(PolicyIndexTests.types[random.next(3)]))
        return [.any, .any, .equal(reference), .in(reference), .in(reference), .is(type), .isIn(type, reference)][
            random.next(7)]
    }

    private func entity(_ random: inout SplitMix) throws -> EntityUID {
        try EntityUID(parsing: "\(PolicyIndexTests.types[random.next(3)])::\"\(random.next(6))\"")
    }

    private func action(_ random: inout SplitMix) throws -> EntityUID {
        // Nothing keeps a request from naming as its action what isn't one.
        random.next(12) == 0 ? try entity(&random) : try EntityUID(parsing: "Action::\"\(random.next(6))\"")
    }

    /// A world in which some entities are missing, though others may be members of them.
    private func entities(_ random: inout SplitMix) throws -> Entities {
        var entities: [Entity] = []
        for type in PolicyIndexTests.types + ["Action"] {
            for number in 0..<6 where random.next(5) != 0 {
                // Parents have higher numbers, so that there are no cycles.
                let parents = try (0..<random.next(3)).compactMap { _ -> EntityUID? in
                    guard number < 5 else { return nil }
                    let above = number + 1 + random.next(5 - number)
                    let parent = type == "Action" ? type : PolicyIndexTests.types[random.next(3)]
                    return try EntityUID(parsing: "\(parent)::\"\(above)\"")
                }
                entities.append(Entity(try EntityUID(parsing: "\(type)::\"\(number)\""), parents: Set(parents)))
            }
        }
        return try Entities(entities)
    }
}

extension SplitMix {
    /// A number below `limit`.
    fileprivate mutating func next(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
