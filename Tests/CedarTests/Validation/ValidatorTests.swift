// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct ValidatorTests {
    private let validator: Validator

    init() throws {
        validator = Validator(
            try Schema(
                parsing: """
                    entity User in [Group] { name: String, opt?: Long, rec: {a?: Long, b: Long} } tags Long;
                    entity Group;
                    entity Doc { owner: User, level: Level };
                    entity Level enum ["a", "b"];
                    action view appliesTo { principal: [User, Group], resource: Doc, context: {n: Long, f: Bool} };
                    action edit in grp appliesTo { principal: User, resource: Doc };
                    action grp;
                    """))
    }

    private func findings(_ policies: String) throws -> [Finding] {
        validator.validate(try PolicySet(parsing: policies))
    }

    private func errors(when condition: String) throws -> [Finding] {
        try findings("permit(principal, action, resource) when { \(condition) };").filter { $0.severity == .error }
    }

    /// Each passes in the reference engine.
    @Test(arguments: [
        "action has foo && 1", "-1 == 1 && 1", "!(1 == 1) && 1", "{a: false}.a && 1", "1 == \"a\"", "true || 1",
        "principal has rec.a && principal.rec.a > 1", "principal has rec.b && 1 == 1",
        "principal is User in Group::\"x\"",
        "principal.hasTag(\"x\") && principal.getTag(\"x\") == 1", "resource.hasTag(\"x\") && 1",
        "principal is User && principal has opt && principal.opt == 1", "principal is Action && 1",
        "Action::\"view\" in Action::\"grp\" && 1", "principal in Action::\"grp\" && 1",
        "Action::\"view\" in Group::\"x\" && 1", "if true then 1 == 1 else 2",
        "datetime(\"2020-01-01\") < datetime(\"2020-01-01\")", "Action::\"view\".hasTag(\"a\") && 1",
        "Group::\"x\".hasTag(\"a\") && 1", "principal == action && 1",
        "principal is User && principal.rec has a && principal.rec.a == 1", "{a: 1} has b && 1", "{a: 1} has a || 1",
        "principal is User && principal has name && (principal has name || 1)", "Level::\"a\" in Level::\"b\"",
        "(true && principal is User) && 1 == 1", "action == Action::\"view\" && context.n < 3",
    ]) func `conditions that the reference engine passes pass`(condition: String) throws {
        #expect(try errors(when: condition) == [])
    }

    /// Each fails in the reference engine, for what is said here.
    @Test(
        arguments: [
            ("action.foo == 1", .attributeNotFound), ("action in Action::\"grp\" && 1", .unexpectedType),
            ("[true].contains(false) && 1", .unexpectedType), ("principal is Nope", .unrecognizedEntityType),
            ("principal == Nope::\"x\"", .unrecognizedEntityType),
            ("Level::\"z\" == resource.level", .invalidEnumEntity),
            ("action == Action::\"zz\"", .unrecognizedAction), ("resource in Level::\"z\"", .invalidEnumEntity),
            ("principal in []", .emptySet), ("action in []", .emptySet), ("ip(\"x\").isLoopback()", .malformedArgument),
            ("ip(\"1.2.3.4\", \"x\").isLoopback()", .wrongArgumentCount), ("[1, \"a\"].isEmpty()", .incompatibleTypes),
            ("[].isEmpty()", .emptySet), ("decimal(\"1.0\") < decimal(\"2.0\")", .unexpectedType),
            ("[User::\"a\"] == [Group::\"b\"]", .incompatibleTypes), ("principal.hasTag(1)", .unexpectedType),
            ("principal.getTag(\"x\") == 1", .unsafeTag),
            ("[principal, Action::\"view\"].isEmpty()", .incompatibleTypes),
            ("principal is User && principal.rec has b && 1", .unexpectedType),
            ("principal is User && principal.opt == 1", .unsafeOptionalAttribute),
            (
                "principal is User && (principal has opt || principal.name == \"a\") && principal.opt == 1",
                .unsafeOptionalAttribute
            ),
            ("ip(principal.name).isLoopback()", .nonLiteralArgument), ("principal.name == \"a\"", .attributeNotFound),
            ("context.n == 1", .attributeNotFound), ("1", .unexpectedType), ("false || 1", .unexpectedType),
            ("\"a\" like \"b\" && 1", .unexpectedType), ("context has n || 1", .unexpectedType),
            (
                "Group::\"a\".hasTag(\"x\") || (resource.owner.hasTag(\"x\") && resource.owner.getTag(\"y\") == 1)",
                .unsafeTag
            ),
            ("1 + true == 2", .unexpectedType), ("-\"a\" == 1", .unexpectedType), ("1.contains(1)", .unexpectedType),
        ] as [(String, Finding.Rule)]
    ) func `conditions that the reference engine fails fail`(condition: String, rule: Finding.Rule) throws {
        let errors = try errors(when: condition)
        #expect(errors.contains { $0.rule == rule }, "\(errors)")
    }

    @Test(
        arguments: [
            ("permit(principal, action in [Action::\"view\"], resource);", []),
            ("permit(principal, action in Action::\"grp\", resource);", []),
            ("permit(principal in ?principal, action, resource == ?resource);", []),
            ("permit(principal in Group::\"a\", action == Action::\"edit\", resource is Doc in Doc::\"x\");", []),
            ("permit(principal, action, resource) when { false };", [.impossiblePolicy]),
            ("permit(principal, action in [], resource);", [.inapplicableScope, .emptySet]),
            ("permit(principal in Doc::\"x\", action, resource);", [.inapplicableScope, .impossiblePolicy]),
            (
                "permit(principal == Level::\"q\", action, resource);",
                [.invalidEnumEntity, .inapplicableScope, .impossiblePolicy]
            ),
            ("permit(principal, action == Action::\"grp\", resource);", [.inapplicableScope, .impossiblePolicy]),
            (
                "permit(principal is Group, action == Action::\"edit\", resource);",
                [.inapplicableScope, .impossiblePolicy]
            ),
            (
                "permit(principal is Doc in ?principal, action, resource == ?resource);",
                [.inapplicableScope, .impossiblePolicy]
            ),
            (
                "permit(principal, action in [Action::\"view\", Action::\"edit\"], resource) when { 1 };",
                [.unexpectedType]
            ),
            ("permit(principal is Action, action, resource);", [.inapplicableScope, .impossiblePolicy]),
            ("permit(principal == Action::\"view\", action, resource);", [.inapplicableScope, .impossiblePolicy]),
            (
                "permit(principal == Action::\"nope\", action, resource);",
                [.unrecognizedAction, .inapplicableScope]
            ),
        ] as [(String, [Finding.Rule])]
    ) func `scopes are checked against the schema`(policy: String, rules: [Finding.Rule]) throws {
        #expect(try findings(policy).map(\.rule) == rules)
    }

    @Test func `a finding says what, where and of which policy`() throws {
        let text = "permit(principal, action, resource);\npermit(principal, action, resource) when { resource.foo };"
        let finding = try #require(validator.validate(try PolicySet(parsing: SourceText(text, name: "p.cedar"))).first)
        #expect(finding.policy == "policy1")
        #expect(finding.severity == .error)
        #expect(
            finding.diagnostic.description
                == "p.cedar:2:44: for policy `policy1`, attribute `foo` on entity type `Doc` not found")
        #expect(finding.diagnostic.span.map(SourceText(text).text(of:)) == "resource.foo")
    }

    @Test func `links are checked for what fills their slots`() throws {
        var policies = try PolicySet(parsing: "permit(principal in ?principal, action, resource);")
        let group = EntityUID(type: try #require(Name("Group")), id: "a")
        let document = EntityUID(type: try #require(Name("Doc")), id: "a")
        let other = EntityUID(type: try #require(Name("Other")), id: "a")
        try policies.link("policy0", as: "good", values: [.principal: group])
        try policies.link("policy0", as: "inapplicable", values: [.principal: document])
        try policies.link("policy0", as: "unknown", values: [.principal: other])
        let findings = validator.validate(policies)
        #expect(
            findings.map { [$0.policy?.string, $0.rule.rawValue] } == [
                ["inapplicable", "inapplicable-scope"], ["unknown", "unrecognized-entity-type"],
                ["unknown", "inapplicable-scope"],
            ])
    }

    @Test func `a policy for too many kinds of requests is an error, and soon`() throws {
        var schema = ""
        for index in 0..<300 { schema += "entity E\(index);" }
        let types = (0..<300).map { "E\($0)" }.joined(separator: ", ")
        schema += "action a appliesTo {principal: [\(types)], resource: [\(types)]};"
        let condition = Array(repeating: "1 == 1", count: 20).joined(separator: " && ")
        let policies = try PolicySet(parsing: "permit(principal, action, resource) when { \(condition) };")
        #expect(
            Validator(try Schema(parsing: schema), stepLimit: 100_000).validate(policies).map(\.rule) == [.tooLarge])
    }
}
