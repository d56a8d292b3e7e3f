// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

@Suite(Solver.condition) struct ProverTests {
    private static let schema = """
        entity User in [Group] {
            name: String, level: Long, nick?: String, boss: User, roles: Set<String>, peers: Set<User>, ip: ipaddr,
            since: datetime, limit: decimal, home: { city: String, zip?: Long }, kind: Kind
        } tags Long;
        entity Group in [Group];
        entity Kind enum ["staff", "guest"];
        entity Doc in [Folder] { owner: User, size: Long, open: Bool, readers: Set<User>, groups: Set<Group>, labels: Set<String> };
        entity Folder in [Folder];
        action read in all appliesTo { principal: User, resource: Doc, context: {
            ip: ipaddr, now: datetime, mfa?: Bool, n: Long, m: Long, age: duration, risk: decimal, tags: Set<String>, s: String } };
        action all;
        """

    private func prove(_ old: String, _ new: String, _ solver: Solver) throws -> [ProofQuestion.Answer] {
        let prover = try Prover(
            Schema(parsing: Self.schema), old: PolicySet(parsing: old), new: PolicySet(parsing: new))
        return try prover.environments.compactMap { environment in
            guard let question = prover.question(environment) else { return nil }
            return question.answer(try solver.run(question.script))
        }
    }

    private func policy(_ condition: String) -> String {
        "permit(principal, action, resource) when { \(condition) };"
    }

    /// The new condition implies the old one.
    @Test(
        arguments: Solver.installed,
        [
            ("context.n > 3", "context.n > 5"), ("principal.level >= 0", "principal.level == 7"),
            ("context.n + 1 > 0", "context.n == 5"),
            ("context.n - context.m < 10", "context.n == context.m"),
            ("context.s like \"a*\"", "context.s like \"ab*c\""),
            ("context.s != \"x\"", "context.s == \"y\""),
            ("principal in Group::\"a\"", "principal in Group::\"b\" && Group::\"b\" in Group::\"a\""),
            (
                "resource in Folder::\"x\"",
                "resource in Folder::\"y\" && Folder::\"y\" in Folder::\"z\" && Folder::\"z\" in Folder::\"x\""
            ),
            ("principal has nick", "principal has nick && principal.nick == \"n\""),
            ("principal has name", "principal.boss.name == \"n\" && principal == principal.boss"),
            ("resource.readers.contains(principal)", "resource.readers.containsAll([principal, principal.boss])"),
            (
                "resource.readers.containsAny(principal.peers)",
                "!principal.peers.isEmpty() && resource.readers.containsAll(principal.peers)"
            ),
            ("principal.roles == [\"a\"]", "[\"a\"].containsAll(principal.roles) && principal.roles.contains(\"a\")"),
            ("resource.labels.containsAll(context.tags)", "resource.labels == context.tags"),
            ("principal in resource.groups", "resource.groups.contains(Group::\"a\") && principal in Group::\"a\""),
            ("context.ip.isInRange(ip(\"10.0.0.0/8\"))", "context.ip.isInRange(ip(\"10.1.0.0/16\"))"),
            ("context.ip.isIpv4()", "context.ip == ip(\"1.2.3.4\")"),
            ("!context.ip.isLoopback()", "context.ip.isMulticast()"),
            ("context.now > datetime(\"2024-01-01\")", "context.now >= datetime(\"2024-01-02\")"),
            (
                "context.now.toDate() <= context.now",
                "context.now.toTime() < duration(\"1d\") && context.now > datetime(\"1970-01-01\")"
            ),
            ("context.age.toSeconds() >= 60", "context.age.toMinutes() >= 1"),
            ("context.risk.lessThan(decimal(\"1.0\"))", "context.risk.lessThanOrEqual(decimal(\"0.9999\"))"),
            ("principal.hasTag(\"t\")", "principal.hasTag(\"t\") && principal.getTag(\"t\") > 1"),
            (
                "principal.hasTag(context.s) && principal.getTag(context.s) > 0",
                "principal.hasTag(context.s) && principal.getTag(context.s) > 1"
            ),
            ("context has mfa && context.mfa", "context has mfa && context.mfa && resource.open"),
            ("principal.kind == Kind::\"staff\"", "principal.kind != Kind::\"guest\""),
            ("principal.home has zip", "principal.home == principal.boss.home && principal.boss.home has zip"),
            (
                "principal.home.city == \"c\"",
                "principal.home == principal.boss.home && principal.boss.home.city == \"c\""
            ),
            ("if resource.open then context.n > 0 else context.n > 10", "context.n > 20 && resource.size > 0"),
            ("principal != resource.owner || resource.size > 0", "resource.size == 1"),
            (
                "(if resource.open then principal else resource.owner).level > 3",
                "principal.level > 3 && resource.owner.level > 3 && resource.size == 0"
            ),
            ("principal is User in Group::\"a\"", "principal in Group::\"a\" && action in Action::\"all\""),
            ("[principal, resource.owner].contains(User::\"a\")", "principal == User::\"a\" && resource.open"),
            ("-(context.n) < 0", "context.n > 0"), ("context.n * 2 > 10", "context.n == 6"),
            ("context.ip.isInRange(principal.ip)", "context.ip == principal.ip"),
            ("context.now.offset(duration(\"1h\")) > context.now", "context.now == datetime(\"2024-01-01\")"),
            ("context.now.durationSince(principal.since) >= duration(\"0s\")", "context.now == principal.since"),
        ]) func `what implies the old condition permits nothing new`(
            solver: Solver, conditions: (String, String)
        ) throws
    {
        let answers = try prove(policy(conditions.0), policy(conditions.1), solver)
        guard case .holds? = answers.first, answers.count == 1 else {
            Issue.record("\(solver.path): \(conditions): \(answers)")
            return
        }
    }

    /// The new condition permits what the old one doesn't.
    @Test(
        arguments: Solver.installed,
        [
            ("context.n > 5", "context.n > 3"), ("context.n + 1 > context.n", "true"), ("principal has name", "true"),
            ("context.n * 1000 > 0", "context.n > 0"),
            ("context.s like \"ab*c\"", "context.s like \"a*\""),
            ("principal in Group::\"b\"", "principal in Group::\"a\""),
            (
                "principal in Group::\"a\" && principal in Group::\"b\"",
                "principal in Group::\"a\" || principal in Group::\"b\""
            ),
            ("resource.readers.contains(principal)", "resource.readers.contains(resource.owner)"),
            ("resource.readers.containsAll(principal.peers)", "resource.readers.containsAny(principal.peers)"),
            ("principal.roles.containsAll([\"a\", \"b\"])", "principal.roles.containsAny([\"a\", \"b\"])"),
            ("resource.labels == context.tags", "resource.labels.containsAll(context.tags)"),
            ("principal in resource.groups", "resource.groups.contains(Group::\"a\")"),
            ("context.ip.isInRange(ip(\"10.1.0.0/16\"))", "context.ip.isInRange(ip(\"10.0.0.0/8\"))"),
            ("context.ip.isIpv6()", "context.ip.isInRange(ip(\"ff00::/8\")) || context.ip.isLoopback()"),
            ("context.now >= datetime(\"2024-01-02\")", "context.now > datetime(\"2024-01-01\")"),
            ("context.age.toMinutes() >= 1", "context.age.toSeconds() >= 59"),
            ("principal.hasTag(\"t\") && principal.getTag(\"t\") > 1", "principal.hasTag(\"t\")"),
            ("context has mfa && context.mfa", "context has mfa"),
            ("principal.kind == Kind::\"staff\"", "principal.kind == Kind::\"guest\""),
            ("principal.home has zip && principal.home.zip > 3", "principal.home has zip"),
            ("principal.home == principal.boss.home", "principal.home.city == principal.boss.home.city"),
            ("context.s == \"é\"", "context.s == \"\\u{1f600}\" || context.s == \"a\\\"b\\\\c\""),
            ("context.risk.lessThan(decimal(\"1.0\"))", "context.risk.lessThan(decimal(\"1.0001\"))"),
            ("principal.boss.boss.level > 0", "principal.boss.level > 0"),
            (
                "principal == User::\"a\"",
                "principal == User::\"b\" && resource == Doc::\"d\" && resource.owner == User::\"c\""
            ),
            ("false", "principal.hasTag(context.s) && principal.getTag(context.s) == context.n && context.n > 100"),
            ("context.n < 9223372036854775807", "context.n - 1 > 9223372036854775805"),
            (
                "resource in Folder::\"a\"",
                "resource in Folder::\"b\" && Folder::\"b\" in Folder::\"a\" || Folder::\"a\" in Folder::\"b\" && resource in Folder::\"b\""
            ),
            ("false", "context.now.toTime() == duration(\"1h\") && context.now < datetime(\"1960-01-01\")"),
            ("false", "principal.peers == resource.readers && !principal.peers.isEmpty()"),
            (
                "false",
                "(if resource.open then principal.peers else resource.readers).contains(User::\"z\") && !resource.open"
            ),
        ]) func `what permits something new is shown by a request`(solver: Solver, conditions: (String, String)) throws
    {
        let answers = try prove(policy(conditions.0), policy(conditions.1), solver)
        guard case .fails? = answers.first, answers.count == 1 else {
            Issue.record("\(solver.path): \(conditions): \(answers)")
            return
        }
    }

    @Test(arguments: Solver.installed) func `forbids and errors count`(solver: Solver) throws {
        let permit = "permit(principal, action, resource);"
        let forbid = "forbid(principal, action, resource) when { context.n > 0 };"
        #expect(try prove("\(permit)\(forbid)", "\(permit)", solver).map(\.isFailure) == [true])
        #expect(try prove("\(permit)", "\(permit)\(forbid)", solver).isEmpty)
        let narrower = "forbid(principal, action, resource) when { context.n > -5 };"
        #expect(try prove("\(permit)\(forbid)", "\(permit)\(narrower)", solver).map(\.isFailure) == [false])
        // A forbid that overflows is skipped, so that this one forbids less than it seems.
        let overflowing = "forbid(principal, action, resource) when { context.n + 1 > 1 };"
        #expect(try prove("\(permit)\(forbid)", "\(permit)\(overflowing)", solver).map(\.isFailure) == [true])
        #expect(try prove("", "", solver).isEmpty)
        #expect(try prove("", permit, solver).map(\.isFailure) == [true])
        #expect(try prove(permit, "", solver).isEmpty)
    }

    @Test(arguments: Solver.installed) func `links count with what fills their slots`(solver: Solver) throws {
        let schema = try Schema(parsing: Self.schema)
        let template = "permit(principal in ?principal, action, resource);"
        let type = try #require(Name("Group"))
        func linked(_ id: CedarString) throws -> PolicySet {
            var policies = try PolicySet(parsing: template)
            try policies.link("policy0", as: "link", values: [.principal: EntityUID(type: type, id: id)])
            return policies
        }
        let same = try Prover(schema, old: linked("a"), new: linked("a"))
        #expect(same.environments.count == 1)
        #expect(same.question(same.environments[0])?.script == nil)
        let other = try Prover(schema, old: linked("a"), new: linked("b"))
        let question = try #require(other.question(other.environments[0]))
        #expect(question.answer(try solver.run(question.script)).isFailure)
    }

    @Test(arguments: Solver.installed) func `what can't be encoded is said, and never decides`(solver: Solver) throws {
        let schema = try Schema(
            parsing: """
                entity U { a: Set<Set<Long>>, b: Set<Set<Long>>, n: Long };
                action read appliesTo { principal: U, resource: U };
                """)
        func ask(_ old: String, _ new: String) throws -> (ProofQuestion, ProofQuestion.Answer) {
            let prover = try Prover(
                schema, old: PolicySet(parsing: policy(old)), new: PolicySet(parsing: policy(new)))
            let question = try #require(prover.question(prover.environments[0]))
            return (question, question.answer(try solver.run(question.script)))
        }
        let sets = "principal.a.contains([1])"
        let (question, answer) = try ask("\(sets) && principal.n > 1", "\(sets)")
        #expect(question.approximations == ["sets of sets"])
        guard case .unknown(let reason) = answer else {
            Issue.record("the answer is \(answer)")
            return
        }
        #expect(reason.contains("sets of sets"))
        let (_, narrower) = try ask("\(sets) && principal.n > 1", "\(sets) && principal.n > 2")
        guard case .holds = narrower else {
            Issue.record("the answer is \(narrower)")
            return
        }
    }

    @Test(arguments: Solver.installed) func `an id that is listed twice is one`(solver: Solver) throws {
        let schema = try Schema(
            parsing: """
                entity U enum ["a", "a", "b"];
                action read appliesTo { principal: U, resource: U };
                """)
        let old = policy("principal == U::\"a\" || resource == U::\"b\"")
        let new = policy("principal != U::\"b\"")
        let prover = try Prover(schema, old: PolicySet(parsing: old), new: PolicySet(parsing: new))
        let question = try #require(prover.question(prover.environments[0]))
        guard case .holds = question.answer(try solver.run(question.script)) else {
            Issue.record("what is the same is told apart")
            return
        }
    }

    @Test func `policies that don't validate are refused`() throws {
        let schema = try Schema(parsing: Self.schema)
        let policies = try PolicySet(parsing: policy("principal.nope == 1"))
        #expect(throws: Diagnostic.self) { try Prover(schema, old: PolicySet(), new: policies) }
    }

    @Test(arguments: [
        "", "foo", "sat", "sat\n(", "sat\n((f1 1))", "unknown", "(error \"x\")\nsat",
        "sat\n" + String(repeating: "(", count: 100_000),
    ])
    func `a solver's nonsense is no answer`(output: String) throws {
        let prover = try Prover(
            Schema(parsing: Self.schema), old: PolicySet(), new: PolicySet(parsing: policy("context.n > 3")))
        let question = try #require(prover.question(prover.environments[0]))
        guard case .unknown = question.answer(output) else {
            Issue.record("the answer is \(question.answer(output))")
            return
        }
    }
}

extension ProofQuestion.Answer {
    fileprivate var isFailure: Bool {
        if case .fails = self { true } else { false }
    }
}
