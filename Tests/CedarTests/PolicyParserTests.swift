// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

/// What the reference engine accepts and refuses was asked of it; the lists are its answers.
struct PolicyParserTests {
    @Test(arguments: [
        #"{principal:1} == {"principal":1}"#, #"{"__cedar":1}=={"__cedar":1}"#, #"context has principal"#,
        #"context has a.principal"#, #"principal is principal"#, #"(principal is U) in U::"a""#,
        #"principal is U in (U::"a")"#, #"principal is U in [U::"a"]"#, #"principal is U in U::"a" + 1"#,
        #"context["a"]"#, #"ip()"#, #"ip("1.1.1.1","b")"#, #"ip("1.1.1.1").isIpv4(1)"#, #"principal.contains == 1"#,
        #"context.contains(1)"#, #"1.isIpv4()"#, #"true.foo"#, #"-true"#, #"- 9223372036854775808 < 0"#,
        #"--9223372036854775808 < 0"#, #"00001 == 1"#, #"if true then true else false && false"#,
        #"[if true then 1 else 2] == [1]"#, #"{a: if true then 1 else 2} == {a:1}"#, #"U::"a".foo"#,
        #"principal.principal"#, #"context.when == 1"#, #"{a:1,}=={a:1}"#, #"ip("1.1.1.1",).isIpv4()"#,
        #"context has a && true"#, #"(context has a) == false"#, #"(1 < 2) == true"#, #"principal in principal.foo"#,
        #"permit::"x" == 1"#, #"principal.a.b.c has x"#, #""" like """#, #"context.__cedar2 == 1"#,
        #"context["__cedar"]==1"#, #"decimal::"x" == 1"#, #"1 has a"#, #"true || 1"#, #"if 1 then true else true"#,
        #"(((((1))))) == 1"#, #""\u{10FFFF}" == """#, #"1+1==2&&!false||true"#, #"-1-1 == -2"#, #"- - 1 == 1"#,
        #"1--1 == 2"#, #"1-----1 == 2"#, #"- (1) == -1"#,
    ])
    func `these conditions are accepted`(condition: String) throws {
        _ = try PolicySet(parsing: "permit(principal,action,resource) when { \(condition) };")
    }

    @Test(arguments: [
        #"{("a"): 1} == {a:1}"#, #"{if: 1} == {}"#, #"{then: 1} == {}"#, #"{true:1} == {}"#, #"{a.b:1}=={}"#,
        #"{1:1}=={}"#, #"{a::b:1}=={}"#, #"{__cedar:1}=={}"#, #"context has (a)"#, #"context has "a"."b""#,
        #"context has a."b""#, #"context has if"#, #"context has in"#, #"context has a.if"#, #"context has ("a")"#,
        #"context has a["b"]"#, #"context has 1"#, #"context has a::b"#, #"context has __cedar"#, #"context has -a"#,
        #"context has a+b"#, #"context has ip("a")"#, #""a" like ("a")"#, #""a" like a"#, #""a" like "a"+"b""#,
        #"principal is (U)"#, #"principal is U::"a""#, #"principal is "U""#, #"principal is in"#,
        #"principal is U.x"#, #"principal is U in U::"a" in U::"b""#, #"context[("a")]"#, #"context["a"+"b"]"#,
        #"context[1]"#, #"ip("1.1.1.1").ip()"#, #"isIpv4(ip("1.1.1.1"))"#, #"ip.isIpv4()"#, #"ip("a")("b")"#,
        #"(ip)("1.1.1.1") == 1"#, #"[1].contains()"#, #"[1].contains(1,2)"#, #"[1].isEmpty(1)"#, #"error("x")"#,
        #"a::ip("1")"#, #"contains([1],1)"#, #"principal.foo()"#, #"principal()"#, #"!-1"#, #"-!true"#,
        #"-(9223372036854775808) < 0"#, #"18446744073709551616 == 1"#, #"-18446744073709551616 == 1"#,
        #"-9223372036854775809==1"#, #"1 + if true then 1 else 2 == 3"#, #"true && if true then true else false"#,
        #"!if true then true else false"#, #"{if true then 1 else 2: 1} == {}"#, #"a"#, #"a == a"#, #"1 = 1"#,
        #"4/2 == 2"#, #"5%2==1"#, #"?principal == 1"#, #"?foo == 1"#, #"U::{a:1} == 1"#, #"U::"a"::"b" == 1"#,
        #"in::"a" == 1"#, #"if::"a" == 1"#, #"if::X::"a"==1"#, #"X::if::"a"==1"#, #"X::in::"a"==1"#,
        #"principal.if"#, #"principal.__cedar"#, #"principal.in"#, #"[,]==[]"#, #"[1,,2]==[]"#, #"{,}=={}"#,
        #"ip(,)"#, #"context has a.b == false"#, #"1 < 2 == true"#, #"1 < 2 < 3"#, #"principal in U::"a" in U::"b""#,
        #"a::b"#, #"a::b.c == 1"#, #"principal::b"#, #"context."a""#, #""#, #"__cedar::X::"a"==1"#,
        #"X::__cedar::"a"==1"#, #"principal is __cedar::X"#, #"unless"#, #"[1,2] == [1,2] == true"#, #"!!!!!true"#,
        #"-----1==1"#, #"context.(a)"#,
    ])
    func `these conditions are refused`(condition: String) {
        #expect(throws: Diagnostic.self) {
            try PolicySet(parsing: "permit(principal,action,resource) when { \(condition) };")
        }
    }

    @Test(arguments: [
        #"(principal == (U::"a"), action, resource)"#,
        #"(principal == ((U::"a")), action in [(Action::"v")], resource)"#,
        #"(principal, action == Action::"v", resource,)"#, #"(principal, action in [], resource)"#,
        #"(principal, action in [Action::"v",], resource)"#, #"(principal, action in ([Action::"v"]), resource)"#,
        #"(principal, action == NS::Action::"v", resource)"#, #"(principal == ?principal, action, resource)"#,
        #"(principal is U in U::"a", action, resource)"#, #"(principal == U:: "a", action, resource)"#,
        #"(principal == permit::"a", action, resource)"#, #"(principal == principal::"a", action, resource)"#,
        #"(principal is T in ?principal, action, resource in ?resource)"#,
    ])
    func `these scopes are accepted`(scope: String) throws {
        _ = try PolicySet(parsing: "permit \(scope);")
    }

    @Test(arguments: [
        #"(principal: U, action, resource)"#, #"(principal is (U), action, resource)"#,
        #"(principal, action == A::"v", resource)"#, #"(principal in [U::"a"], action, resource)"#,
        #"(resource, action, principal)"#, #"(principal == true::"a", action, resource)"#,
        #"(principal == in::"a", action, resource)"#, #"(principal == __cedar::X::"a", action, resource)"#,
        #"(principal == "a", action, resource)"#, #"(principal is U == U::"a", action, resource)"#,
        #"(principal, action is Action, resource)"#, #"(principal, action in [[Action::"v"]], resource)"#,
        #"(principal == ?resource, action, resource)"#, #"(principal, action == ?action, resource)"#,
        #"(principal, action, resource, context)"#, #"(principal, action)"#,
        #"(principal != U::"a", action, resource)"#,
        #"(principal = U::"a", action, resource)"#, #"(principal, action, resource == ?foo)"#, "()", "(,)",
    ])
    func `these scopes are refused`(scope: String) {
        #expect(throws: Diagnostic.self) { try PolicySet(parsing: "permit \(scope);") }
    }

    @Test(arguments: [
        "permit(principal,action,resource)", "allow(principal,action,resource);",
        "permit(principal,action,resource) if {true};",
        "permit(principal,action,resource) when {};", "permit(principal,action,resource) when true;", "permit;", ";",
        #"@a("x") @a("y") permit(principal,action,resource);"#, "@a(1) permit(principal,action,resource);",
        #"@a("x",) permit(principal,action,resource);"#, "@a() permit(principal,action,resource);", "@a",
    ])
    func `these policies are refused`(policy: String) {
        #expect(throws: Diagnostic.self) { try PolicySet(parsing: policy) }
    }

    @Test func `ids follow the order of the text, templates included`() throws {
        let set = try PolicySet(
            parsing:
                "permit(principal,action,resource);permit(principal==?principal,action,resource);forbid(principal,action,resource);"
        )
        #expect(set.policies.map(\.id) == ["policy0", "policy2"])
        #expect(set.templates.map(\.id) == ["policy1"])
    }

    @Test func `an annotation may give the ids, which must differ`() throws {
        let text = #"@id("a") permit(principal,action,resource);permit(principal,action,resource);"#
        #expect(try PolicySet(parsing: text, idAnnotation: "id").policies.map(\.id) == ["a", "policy1"])
        #expect(try PolicySet(parsing: text).policies.map(\.id) == ["policy0", "policy1"])
        let error = #expect(throws: Diagnostic.self) { try PolicySet(parsing: text + text, idAnnotation: "id") }
        #expect(error?.message == "duplicate policy or template id `a`")
        #expect(error?.position == SourcePosition(line: 1, column: 78))
    }

    @Test func `an identity is read alone`() throws {
        #expect(try EntityUID(parsing: #" A::B::"x\n" "#).description == #"A::B::"x\n""#)
        for wrong in ["", "A", "A::", #"(A::"x")"#, #"A::"x"."#, #"in::"x""#, "\"x\""] {
            #expect(throws: Diagnostic.self) { try EntityUID(parsing: wrong) }
        }
    }

    @Test func `annotations keep what is written`() throws {
        let set = try PolicySet(parsing: #"@permit("x\n") @if @empty("") permit(principal,action,resource);"#)
        let template = try #require(set.policy("policy0")).template
        #expect(template.annotation("permit") == "x\n")
        #expect(template.annotation("if") == "")
        #expect(template.annotation("missing") == nil)
        #expect(template.annotations.map(\.writtenValue) == ["x\n", nil, ""])
    }

    @Test func `spans cover what was written`() throws {
        let source = SourceText("@a\npermit (principal is T, action, resource) when { (1 + 2) < context.x };")
        let template = try #require(try PolicySet(parsing: source).policy("policy0")).template
        #expect(source.text(of: template.scope.spans.principal) == "principal is T")
        #expect(source.text(of: template.annotations[0].span) == "@a")
        #expect(source.text(of: template.conditions[0].span) == "when { (1 + 2) < context.x }")
        guard case .binary(.less, let left, let right) = template.conditions[0].body.node else {
            Issue.record("not a comparison")
            return
        }
        #expect(source.text(of: left.span) == "1 + 2")
        #expect(source.text(of: right.span) == "context.x")
        #expect(template.span == SourceSpan(start: 0, end: source.bytes.count))
    }

    @Test(Corpus.condition) func `the span of every expression holds the expression`() throws {
        for folder in ["multi", "tests/multi", "tests/ip", "tests/decimal", "tests/example_use_cases"] {
            for file in try Corpus.files(in: folder, suffix: ".cedar").prefix(200) {
                let source = try SourceText(utf8: Corpus.bytes("\(folder)/\(file)"))
                for policy in try PolicySet(parsing: source).policies {
                    for condition in policy.conditions { try checkSpans(condition.body, in: source) }
                }
            }
        }
    }

    private func checkSpans(_ expression: Expression, in source: SourceText) throws {
        var parser = try PolicyParser(SourceText(source.text(of: expression.span)), limits: SyntaxLimits())
        #expect(try parser.expression().description == expression.description)
        #expect(parser.isAtEnd)
        for operand in expression.operands { try checkSpans(operand, in: source) }
    }

    @Test(arguments: [
        ("permit(principal,action,resource) when { 1 + };", "unexpected token `}`: expected an expression", "1:46"),
        ("permit(principal,action,resource)\nwhen { foo };", "invalid variable: `foo`", "2:8"),
        ("permit(principal;", "unexpected token `;`: expected `==`, `in`, `is`, `,` or `)`", "1:17"),
        ("permit(principal,action,resource) when { 1 == 2 == 3 };", "multiple relational operators", "1:49"),
        ("permit(principal,action,resource) when { 1 == \u{202E} };", "invalid character `\\u{202e}`", "1:47"),
    ])
    func `errors say what and where`(text: String, message: String, position: String) throws {
        let error = try #require(throws: Diagnostic.self) { try PolicySet(parsing: text) }
        #expect(error.message.hasPrefix(message), "\(error.message)")
        #expect(error.position?.description == position)
    }
}
