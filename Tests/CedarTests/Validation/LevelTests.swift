// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct LevelTests {
    private let validator: Validator

    init() throws {
        validator = Validator(
            try Schema(
                parsing: """
                    entity Person in Person {
                        friend: Person, open: Bool, name: String, nick?: String, inner: { friend: Person, far?: Person }
                    } tags Person;
                    entity Item { owner: Person };
                    action see appliesTo {
                        principal: Person, resource: Item, context: { by: Person, inner: { by: Person } }
                    };
                    """))
    }

    private func findings(_ policy: String, level: Int) throws -> [Finding] {
        let policies = try PolicySet(parsing: policy)
        return validator.validate(policies, level: level).filter { $0.severity == .error }
    }

    @Test(arguments: [
        ("true", 0), ("principal == Person::\"a\"", 0), ("1 < 2", 0), ("Person::\"a\" is Person", 0),
        ("context has by", 0),
        ("context.by is Person", 0), ("context.inner.by is Person", 0), ("{a: principal} has a", 0),
        ("{a: principal}.a is Person", 0), ("{a: {b: principal}}.a.b is Person", 0), ("context has inner.by", 0),
        ("principal.open", 1), ("principal.inner.friend is Person", 1), ("principal has friend", 1),
        ("principal.hasTag(\"t\") && principal.getTag(\"t\") is Person", 1), ("principal in Person::\"b\"", 1),
        ("principal in [Person::\"b\"]", 1), ("principal is Person in Person::\"b\"", 1), ("context.by.open", 1),
        ("action in Action::\"see\"", 1), ("Action::\"see\" in action", 1), ("context.inner.by.open", 1),
        ("{a: principal}.a.open", 1), ("{a: principal} has a.open", 1), ("context has by.open", 1),
        ("context has inner.by.open", 1), ("principal has inner.far", 1), ("false && principal.open", 0),
        ("if true then principal.open else principal.friend.open", 1), ("principal.friend.open", 2),
        ("principal.inner.friend.open", 2), ("principal.hasTag(\"t\") && principal.getTag(\"t\").open", 2),
        ("principal.friend.hasTag(\"t\") && principal.friend.getTag(\"t\") is Person", 2),
        ("context.by.friend.open", 2),
        ("principal has friend.open", 2), ("context has by.friend.open", 2), ("{a: principal} has a.friend.open", 2),
        ("resource.owner in principal", 2), ("principal in resource.owner", 1),
        ("principal in principal.friend.friend", 2),
        ("principal.hasTag(principal.friend.name)", 2),
        ("(if principal.open then principal.friend else resource.owner).open", 2),
        ("(if principal.open then principal.friend.friend else resource.owner).open", 3),
        ("(if principal.friend.friend.open then principal else resource.owner).open", 3),
        ("{a: principal, b: principal.friend.friend}.a.open", 2), ("principal.inner.friend.inner.friend.open", 3),
        ("principal.friend.hasTag(\"t\") && principal.friend.getTag(\"t\") in resource.owner", 3),
        ("principal has friend.friend.open && principal.friend.friend.open", 3),
        ("[principal.friend, resource.owner].contains(principal)", 1), ("principal.friend.name like \"*\"", 2),
    ]) func `a condition needs the level that it needs, and no less`(condition: String, level: Int) throws {
        let policy = "permit(principal, action, resource) when { \(condition) };"
        #expect(try findings(policy, level: level) == [])
        if level > 0 { #expect(try findings(policy, level: level - 1).first?.rule == .levelExceeded) }
    }

    @Test(arguments: [
        "Person::\"a\".open", "Person::\"a\" has open", "Person::\"a\" in principal", "Person::\"a\".hasTag(\"t\")",
        "(if principal.open then principal else Person::\"a\").open", "{a: Person::\"a\"}.a.open",
    ]) func `what the policy names itself is looked up at no level`(condition: String) throws {
        let findings = try findings("permit(principal, action, resource) when { \(condition) };", level: 100)
        #expect(findings.map(\.rule) == [.literalDereference])
    }

    @Test func `scopes need levels, too`() throws {
        #expect(try findings("permit(principal in Person::\"a\", action, resource);", level: 1) == [])
        #expect(try findings("permit(principal in Person::\"a\", action, resource);", level: 0).count == 1)
        #expect(try findings("permit(principal == Person::\"a\", action, resource);", level: 0) == [])
        #expect(try findings("permit(principal in ?principal, action, resource);", level: 0).count == 1)
    }

    @Test func `levels are of interest only where all else is right`() throws {
        let findings = try findings(
            "permit(principal, action, resource) when { principal.friend.open == 1 };", level: 0)
        #expect(findings.map(\.rule) == [.incompatibleTypes])
    }

    @Test func `the finding says what and where`() throws {
        let finding = try #require(
            findings("permit(principal, action, resource) when { principal.friend.open };", level: 1).first)
        #expect(
            finding.diagnostic.description
                == "1:44: for policy `policy0`, this policy requires level 2, which exceeds the maximum allowed level (1)"
        )
    }
}
