// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct EvaluationTests {
    private static let entities = #"""
        [{"uid":{"type":"U","id":"a"},"attrs":{"n":3,"r":{"x":{"y":1}},"e":{"__entity":{"type":"U","id":"b"}}},
          "parents":[{"type":"G","id":"g"}],"tags":{"t":"v"}},
         {"uid":{"type":"U","id":"b"},"attrs":{},"parents":[{"type":"U","id":"a"}]},
         {"uid":{"type":"G","id":"g"},"attrs":{},"parents":[{"type":"G","id":"top"}]}]
        """#

    /// The value of an expression with `U::"a"` asking, or what keeps it from having one.
    private func outcome(_ text: String) throws -> String {
        var parser = try PolicyParser(SourceText(text), limits: SyntaxLimits())
        let expression = try parser.expression()
        let uid = { try EntityUID(parsing: $0) } as (String) throws -> EntityUID
        let request = try Request(
            principal: uid(#"U::"a""#), action: uid(#"Action::"v""#), resource: uid(#"U::"none""#),
            context: CedarRecord(["s": .string("x"), "one": .long(1)])
        )
        let evaluator = Evaluator(request: request, entities: try Entities(json: EvaluationTests.entities))
        let plain = outcome(of: expression, evaluator)
        // Constants computed at load change neither values nor errors.
        #expect(outcome(of: expression.folded, evaluator) == plain)
        return plain
    }

    private func outcome(of expression: Expression, _ evaluator: Evaluator) -> String {
        do throws(EvaluationError) {
            return try evaluator.evaluate(expression).description
        } catch {
            return "error: \(error)"
        }
    }

    @Test(arguments: [
        ("principal.n + 2 * 3 - -1", "10"), ("if principal.n > 2 then \"a\" else 1 + \"b\"", "\"a\""),
        ("[1, 1, [2, 1], [1, 2]]", "[1, [1, 2]]"), ("{b: 1, a: [true]}", "{a: [true], b: 1}"),
        ("principal.e.e", "error: `U::\"b\"` does not have the attribute `e`"), ("principal[\"n\"]", "3"),
        ("1 == \"1\"", "false"), ("1 != \"1\"", "true"), ("{a: 1} == {a: 1, b: 2}", "false"),
        ("false && 1", "false"), ("true || 1", "true"),
        ("true && 1", "error: type error: expected bool, got long"),
        ("!1", "error: type error: expected bool, got long"),
        ("9223372036854775807 + 1", overflow("add", "9223372036854775807", "1")),
        ("-9223372036854775808 - 1", overflow("subtract", "-9223372036854775808", "1")),
        ("4611686018427387904 * 2", overflow("multiply", "4611686018427387904", "2")),
        (
            "--9223372036854775808",
            "error: integer overflow while attempting to negate the value `-9223372036854775808`"
        ),
        ("-9223372036854775808 * 1", "-9223372036854775808"),
        ("\"a\" < \"b\"", "error: type error: expected one of [long, datetime, duration], got string"),
        ("1 < duration(\"1h\")", "error: type error: expected long, got duration"),
        ("datetime(\"2024-01-01\") < datetime(\"2024-01-02\")", "true"),
        ("duration(\"1h\") >= duration(\"60m\")", "true"),
        (
            "decimal(\"1.0\") < decimal(\"2.0\")",
            "error: type error: expected one of [long, datetime, duration], got decimal"
        ),
    ])
    func `operators compute what they say`(text: String, expected: String) throws {
        #expect(try outcome(text) == expected)
    }

    private static func overflow(_ operation: String, _ left: String, _ right: String) -> String {
        "error: integer overflow while attempting to \(operation) the values `\(left)` and `\(right)`"
    }

    @Test(arguments: [
        ("principal in G::\"top\"", "true"), ("principal.e in G::\"top\"", "true"), ("resource in resource", "true"),
        ("resource in G::\"g\"", "false"), ("principal in []", "false"), ("principal in [resource, G::\"g\"]", "true"),
        ("principal in [principal, 1]", "error: type error: expected (entity of type `any_entity_type`), got long"),
        ("1 in principal", "error: type error: expected (entity of type `any_entity_type`), got long"),
        ("principal in 1", "error: type error: expected one of [set, (entity of type `any_entity_type`)], got long"),
        ("principal is U", "true"), ("principal is N::U", "false"), ("principal is U in G::\"g\"", "true"),
        ("principal is G in 1", "false"), ("resource is U", "true"), ("context.s is U", entityExpected("string")),
    ])
    func `the hierarchy is reflexive and transitive`(text: String, expected: String) throws {
        #expect(try outcome(text) == expected)
    }

    private static func entityExpected(_ kind: String) -> String {
        "error: type error: expected (entity of type `any_entity_type`), got \(kind)"
    }

    @Test(arguments: [
        ("principal has n", "true"), ("principal has r.x.y", "true"), ("principal has r.x.z", "false"),
        ("principal has n.x", recordExpected("long")), ("principal has e.n", "false"), ("resource has n", "false"),
        ("resource.n", "error: entity `U::\"none\"` does not exist"), ("context has \"s\"", "true"),
        ("context.missing", "error: record does not have the attribute `missing`"), ("1 has x", recordExpected("long")),
        ("principal.hasTag(\"t\")", "true"), ("principal.getTag(\"t\")", "\"v\""), ("resource.hasTag(\"t\")", "false"),
        ("principal.getTag(\"u\")", "error: `U::\"a\"` does not have the tag `u`"),
        ("resource.getTag(\"t\")", "error: entity `U::\"none\"` does not exist"),
        ("principal.hasTag(1)", "error: type error: expected string, got long"),
    ])
    func `attributes and tags are there or not`(text: String, expected: String) throws {
        #expect(try outcome(text) == expected)
    }

    private static func recordExpected(_ kind: String) -> String {
        "error: type error: expected one of [record, (entity of type `any_entity_type`)], got \(kind)"
    }

    @Test(arguments: [
        ("[1, 2].contains(2)", "true"), ("[[1, 2]].contains([2, 1, 1])", "true"), ("[1].containsAll([])", "true"),
        ("[].containsAny([])", "false"), ("[1, 2, 3].containsAll([3, 1])", "true"), ("[1].containsAny([2, 1])", "true"),
        ("[].isEmpty()", "true"), ("\"a\".contains(1)", "error: type error: expected set, got string"),
        ("[1].containsAll(1)", "error: type error: expected set, got long"),
    ])
    func `sets know their members`(text: String, expected: String) throws {
        #expect(try outcome(text) == expected)
    }

    @Test(arguments: [
        ("ip(\"1.1.1.1\").isInRange(ip(\"1.0.0.0/8\"))", "true"), ("ip(context.s)", notWellFormed("ipaddr", "x")),
        ("decimal(\"1.1\").greaterThanOrEqual(decimal(\"1.10\"))", "true"),
        ("decimal(\"1\")", notWellFormed("decimal", "1")),
        ("datetime(\"2024-01-01\").offset(duration(\"-1d\"))", "datetime(\"2023-12-31T00:00:00.000Z\")"),
        ("datetime(\"2024-01-02\").durationSince(datetime(\"2024-01-01\"))", "duration(\"1d\")"),
        ("datetime(\"1969-12-31T12:00:00Z\").toTime()", "duration(\"12h\")"),
        ("datetime(\"1969-12-31T12:00:00Z\").toDate()", "datetime(\"1969-12-31T00:00:00.000Z\")"),
        ("duration(\"-90m\").toHours()", "-1"), ("duration(\"1d1ms\").toMilliseconds()", "86400001"),
        ("duration(\"90s\").toMinutes()", "1"), ("duration(\"36h\").toDays()", "1"),
        ("duration(\"1m\").toSeconds()", "60"),
        ("ip(1)", "error: type error: expected string, got long"),
        ("1.isIpv4()", "error: type error: expected ipaddr, got long"),
        ("ip(\"::1\").isInRange(1)", "error: type error: expected ipaddr, got long"),
        ("datetime(\"2024-01-01\").offset(1)", "error: type error: expected duration, got long"),
        ("ip()", argumentCount("ip", 1, 0)), ("ip(\"::1\").isIpv6(1)", argumentCount("isIpv6", 1, 2)),
    ])
    func `extension functions compute what they say`(text: String, expected: String) throws {
        #expect(try outcome(text) == expected)
    }

    private static func notWellFormed(_ type: String, _ text: String) -> String {
        "error: error while evaluating `\(type)` extension function: \"\(text)\" is not well-formed"
    }

    private static func argumentCount(_ function: String, _ expected: Int, _ actual: Int) -> String {
        "error: wrong number of arguments provided to extension function `\(function)`: expected \(expected), got \(actual)"
    }

    @Test func `times beyond 64 bits are errors`() throws {
        let end = #"datetime("1970-01-01").offset(duration("9223372036854775807ms"))"#
        let out = "error: error while evaluating `datetime` extension function: the result of "
        #expect(try outcome("\(end).offset(duration(\"1ms\"))") == out + "`offset` is out of range")
        #expect(
            try outcome("datetime(\"1970-01-01\").durationSince(\(end))") == "duration(\"-106751991167d7h12m55s807ms\")"
        )
        let start = #"datetime("1970-01-01").offset(duration("-9223372036854775808ms"))"#
        #expect(try outcome("\(start).toDate()") == out + "`toDate` is out of range")
        #expect(try outcome("\(end).durationSince(\(start))") == out + "`durationSince` is out of range")
    }

    @Test func `errors know where they are`() throws {
        let source = SourceText("permit(principal,action,resource) when { true && 1 + context.x == 2 };")
        let set = try PolicySet(parsing: source)
        let uid = try EntityUID(parsing: #"U::"a""#)
        let response = Authorizer.authorize(Request(principal: uid, action: uid, resource: uid), set, Entities())
        let error = try #require(response.errors.first)
        #expect(source.text(of: error.error.span) == "context.x")
        #expect(error.description == "error while evaluating policy `policy0`: record does not have the attribute `x`")
    }
}
