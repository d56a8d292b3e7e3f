// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct AnalyzerTests {
    private func findings(_ policies: String, schema: Schema? = nil) throws -> [Finding] {
        Analyzer(schema: schema).analyze(try PolicySet(parsing: policies))
    }

    private func rules(when condition: String) throws -> [Finding.Rule] {
        try findings("permit(principal, action, resource) when { \(condition) };").map(\.rule)
    }

    @Test(arguments: [
        "1 + \"a\" == 2", "9223372036854775807 + 1 > 0", "ip(\"x\").isLoopback()", "!1", "-\"a\" == 1", "principal < 1",
        "1",
        "context.contains(1)", "principal in 1", "{a: 1}.b == 1", "{a: 1} has a && 1",
        "[1].contains(1) && 2",
        "if 1 then true else true", "if context.a then 1 else 2", "(1 + true) == 2 || true", "\"a\".lessThan(1)",
        "ip(\"1.1.1.1\", \"x\").isIpv4()", "-(-9223372036854775808) == 1", "decimal(\"1.0\") < decimal(\"2.0\")",
        "principal.hasTag(1)", "context like \"a\"", "\"a\" has b", "1 is User", "[1 + \"a\"].isEmpty()", "principal",
    ]) func `a condition that always fails is found`(condition: String) throws {
        #expect(try rules(when: condition) == [.failingCondition])
    }

    @Test(arguments: [
        "false", "1 == 2", "1 == \"a\"", "principal == 1", "context.a && false", "!(true || context.a)",
        "principal == context",
        "User::\"a\" is Group", "{a: 1} has b", "[1, 2].contains(3)", "ip(\"10.0.0.1\").isLoopback()",
        "\"a\" like \"b*\"",
        "datetime(\"2024-01-01\") > datetime(\"2025-01-01\")", "if context.a then false else false",
        "context.a == 1 && context.a == 2", "context.a && context.b && !context.a", "principal is A && principal is B",
        "context.a == 1 && (context.b && 2 == context.a)", "!(context.a || context.b) && context.b",
        "User::\"a\" is Group in Group::\"x\"",
    ]) func `a policy that never applies is found`(condition: String) throws {
        #expect(try rules(when: condition) == [.impossiblePolicy])
    }

    @Test(arguments: [
        "true", "1 == 1", "1 < 2 || context.a", "principal != 1", "User::\"a\" in User::\"a\"", "User::\"a\" is User",
        "ip(\"127.0.0.1\").isLoopback()", "[1, 2].containsAll([2])", "{a: {b: 1}} has a.b", "2 * 3 == 6",
    ]) func `a condition that always holds is found`(condition: String) throws {
        #expect(try rules(when: condition) == [.constantCondition])
    }

    @Test(arguments: [
        "context.a", "principal in User::\"a\"", "User::\"a\" in User::\"b\"", "User::\"a\".b == 1",
        "User::\"a\" has b",
        "context.a && 1 + \"a\" == 2", "context.a || 1 == 1 && context.b", "{a: User::\"a\"}.a.b",
        "{a: User::\"a\"} has a.b",
        "principal.hasTag(\"a\") && principal.getTag(\"a\") == 1", "if context.a then 1 == 1 else 1 == 2",
        "context.a == 1 && context.b == 2", "context.a == 1 || context.a == 2", "principal is A || principal is B",
        "User::\"a\".hasTag(\"b\")", "User::\"a\" is User in Group::\"x\"", "context == {a: 1}",
    ]) func `of what depends on the request or the entities nothing is said`(condition: String) throws {
        #expect(try rules(when: condition) == [])
    }

    @Test func `a finding says what and where`() throws {
        let finding = try #require(
            findings("permit(principal, action, resource) when { 1 < 2 && 1 + true > 2 };").first)
        #expect(finding.severity == .warning)
        #expect(
            finding.diagnostic.description
                == "1:57: for policy `policy0`, the condition fails whenever it is evaluated: type error: expected long, got bool"
        )
    }

    @Test(
        arguments: [
            (
                "permit(principal, action, resource);",
                "permit(principal == U::\"a\", action, resource) when { context.a };"
            ),
            (
                "permit(principal, action, resource) when { context.a };",
                "permit(principal, action, resource) when { context.b && context.a };"
            ),
            (
                "permit(principal, action, resource) unless { context.a || context.b };",
                "permit(principal, action, resource) unless { context.b } when { context.c && !context.a };"
            ),
            (
                "permit(principal in G::\"a\", action in [A::Action::\"x\", A::Action::\"y\"], resource is R);",
                "permit(principal is U in G::\"a\", action == A::Action::\"y\", resource == R::\"a\");"
            ),
            (
                "forbid(principal, action, resource) when { context.a.b == 1 };",
                "forbid(principal is U, action, resource) when { context.a has b } when { context.a.b == 1 };"
            ),
            ("forbid(principal is U, action, resource);", "permit(principal is U in G::\"a\", action, resource);"),
            (
                "permit(principal, action, resource) when { context.a };",
                "permit(principal, action, resource) when { context.a && true };"
            ),
        ]
    ) func `a policy that another one covers is found`(covering: String, covered: String) throws {
        let shadowed = try findings("\(covering)\n\(covered)").filter { $0.rule == .shadowedPolicy }
        #expect(shadowed.map(\.policy) == ["policy1"])
        let other = try findings("\(covered)\n\(covering)").filter { $0.rule == .shadowedPolicy }
        #expect(other.map(\.policy).contains("policy0") || covered.contains("&& true"))
    }

    @Test(
        arguments: [
            (
                "permit(principal, action, resource) when { context.a };",
                "permit(principal, action, resource) when { context.b };"
            ),
            ("permit(principal, action, resource);", "forbid(principal == U::\"a\", action, resource);"),
            ("permit(principal in G::\"a\", action, resource);", "permit(principal in G::\"b\", action, resource);"),
            (
                "permit(principal is U, action, resource);",
                "permit(principal, action, resource) when { principal is V };"
            ),
            ("permit(principal == U::\"a\", action, resource);", "permit(principal in U::\"a\", action, resource);"),
            ("permit(principal, action in [], resource);", "permit(principal, action == A::Action::\"y\", resource);"),
            (
                "permit(principal, action, resource) when { context.a == \"\u{e9}\" };",
                "permit(principal, action, resource) when { context.a == \"e\u{301}\" };"
            ),
            (
                "permit(principal, action, resource) when { context.a || context.b };",
                "permit(principal, action, resource) when { context.a || context.c };"
            ),
        ]
    ) func `a policy that another one doesn't cover is left alone`(first: String, second: String) throws {
        let shadowed = try findings("\(first)\n\(second)").filter { $0.rule == .shadowedPolicy }
        #expect(!shadowed.map(\.policy).contains("policy1"))
    }

    @Test func `of two policies that say the same the first stays`() throws {
        let policy = "permit(principal, action, resource) when { context.a };"
        #expect(try findings("\(policy)\n\(policy)\n\(policy)").map(\.policy) == ["policy1", "policy2"])
    }

    @Test(
        arguments: [
            ("context has a && context.a == 1", "context.a == 2", ["context.a"]),
            ("context has a.b && context.a.b", "context has a && context.a.b", ["context.a.b"]),
            ("context has a && context.a", "context has a && context.a || context.a == 3", ["context.a"]),
            ("principal.x has a && principal.x.a", "resource.x.a", []),
            ("context has a && context.a", "context has a && (context.b || context.a)", []),
            ("if context has a then context.a else true", "if context has a then true else context.a", ["context.a"]),
            ("context has a && context.a", "(context has a || context.b) && context.a", ["context.a"]),
        ] as [(String, String, [String])])
    func `an attribute that some conditions guard and some don't is found`(
        guarded: String, other: String, unguarded: [String]
    ) throws {
        let policies = [guarded, other].map { "permit(principal, action, resource) when { \($0) };" }
        let findings = try findings(policies.joined(separator: "\n")).filter { $0.rule == .unsafeOptionalAttribute }
        #expect(findings.map(\.policy) == unguarded.map { _ in "policy1" })
        for (finding, attribute) in zip(findings, unguarded) {
            #expect(finding.diagnostic.message.contains("`\(attribute)`"))
        }
    }

    @Test func `a schema says which groups actions are in`() throws {
        let schema = try Schema(parsing: "action all; action read in all;")
        let policies = """
            permit(principal, action in Action::"all", resource);
            permit(principal, action == Action::"read", resource);
            """
        #expect(try findings(policies) == [])
        #expect(try findings(policies, schema: schema).map(\.policy) == ["policy1"])
    }

    @Test func `conditions that repeat themselves a thousandfold take no time`() throws {
        var nested = "1"
        for _ in 0..<60 { nested = "(1 == \(nested))" }
        #expect(try rules(when: "\(nested)") == [.impossiblePolicy])
        var members = "principal"
        for _ in 0..<40 { members = "(if \(members) is U in G::\"a\" then principal else resource)" }
        #expect(try rules(when: "\(members) is U in G::\"a\"") == [])
    }

    @Test(Corpus.condition) func `what is said of the policies of the corpus is so`() throws {
        var checked = 0
        for name in try Corpus.files(in: "multi", suffix: ".json") {
            let test = try JSONReader.read(Corpus.bytes("multi/\(name)"))
            func path(_ key: String) throws -> String {
                String(decoding: try #require(test[key]?.bytes), as: UTF8.self)
            }
            func source(_ folder: String, _ key: String) throws -> SourceText {
                try SourceText(utf8: Corpus.bytes("\(folder)/\(path(key))"))
            }
            let policies = try PolicySet(parsing: source("multi", "policies"))
            let findings = Analyzer().analyze(policies).filter {
                $0.rule == .impossiblePolicy || $0.rule == .failingCondition
            }
            if findings.isEmpty { continue }
            let entities = try Entities(
                json: source("corpus", "entities"), schema: Schema(parsing: source("corpus", "schema")))
            for request in try #require(test["requests"]?.elements) {
                func uid(_ role: String) throws -> EntityUID {
                    let type = String(decoding: try #require(request[role]?["type"]?.bytes), as: UTF8.self)
                    let id = String(decoding: try #require(request[role]?["id"]?.bytes), as: UTF8.self)
                    return EntityUID(type: try #require(Name(type)), id: CedarString(id))
                }
                let context = try CedarRecord(request["context"] ?? .object([]), in: SourceText(""))
                let request = try Request(
                    principal: uid("principal"), action: uid("action"), resource: uid("resource"), context: context)
                for finding in findings {
                    let policy = try #require(finding.policy.flatMap(policies.policy))
                    var alone = PolicySet()
                    try alone.add(policy)
                    let response = Authorizer.authorize(request, alone, entities)
                    #expect(response.reasons == [], "\(name): \(finding)")
                    checked += 1
                }
            }
        }
        #expect(checked > 100)
    }
}
