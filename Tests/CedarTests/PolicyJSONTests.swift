// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct PolicyJSONTests {
    /// Every form of the language at least once.
    private let text = #"""
        @id("x") @b @c("")
        permit(principal == User::"a", action in [Action::"x", Action::"y"], resource is T in ?resource)
        when { context has a.b && context has "c d" && principal.x["y z"].contains(1) && !(-context.n + 2 * 3 - 4 < 5) }
        unless { [1, "a", U::"e", {a: 1, "b c": true}].isEmpty() || context.s like "a*b\*c\n*" || principal is T in resource }
        when { if context.a then ip("1.1.1.1").isInRange(ip(context.x)) else decimal("1.0").lessThan(decimal("2.0")) };
        forbid(principal in G::"g", action == Action::"q", resource == ?resource) when { - - 3 == 3 && -(-(3)) != 3 };
        forbid(principal is A::B, action in Action::"q", resource) when { principal.hasTag("a") || !!(true || false) && false };
        permit(principal == ?principal, action in [], resource is X in Y::"1") when { (1 - (2 - 3)) * 4 >= 1 == false };
        """#.replacing("== false", with: "&& ip()")

    @Test func `text to JSON to text to JSON is the same`() throws {
        let set = try PolicySet(parsing: text)
        let json = JSONWriter.text(try set.json())
        let read = try PolicySet(json: json)
        #expect(JSONWriter.text(try read.json()) == json)
        for (id, template) in set.templates.map({ ($0.id, $0.template) }) + set.policies.map({ ($0.id, $0.template) }) {
            let again = try PolicySet(parsing: template.description)
            let first = try #require(again.templates.first?.template ?? again.policies.first?.template)
            #expect(JSONWriter.text(try first.json()) == JSONWriter.text(try template.json()), "\(id)")
        }
    }

    @Test func `the JSON is the one other implementations write`() throws {
        let policy =
            "permit(principal, action in [Action::\"x\"], resource == ?resource) when { context has a.b && context.s like \"a*\" };"
        let template = try #require(try PolicySet(parsing: policy).template("policy0"))
        #expect(
            JSONWriter.text(try template.json()) == #"{"effect":"permit","principal":{"op":"All"},"#
                + #""action":{"op":"in","entity":{"type":"Action","id":"x"}},"resource":{"op":"==","slot":"?resource"},"#
                + #""conditions":[{"kind":"when","body":{"&&":{"left":{"&&":{"left":{"has":{"left":{"Var":"context"},"#
                + #""attr":"a"}},"right":{"has":{"left":{".":{"left":{"Var":"context"},"attr":"a"}},"attr":"b"}}}},"#
                + #""right":{"like":{"left":{".":{"left":{"Var":"context"},"attr":"s"}},"#
                + #""pattern":[{"Literal":"a"},"Wildcard"]}}}}}]}"#)
    }

    @Test func `links are written and read`() throws {
        var set = try PolicySet(parsing: "permit(principal == ?principal, action, resource in ?resource);")
        let user = try EntityUID(parsing: #"U::"a""#)
        try set.link("policy0", as: "link", values: [.principal: user, .resource: user])
        let read = try PolicySet(json: JSONWriter.text(set.json()))
        #expect(read.policy("link")?.templateID == "policy0")
        #expect(read.policy("link")?.scope.principal == .equal(.entity(user)))
        #expect(JSONWriter.text(try read.json()) == JSONWriter.text(try set.json()))
    }

    @Test func `values of all kinds may be literals in JSON`() throws {
        let body = #"{"Value":[1,{"__extn":{"fn":"ip","arg":"1.1.1.1"}},{"a b":{"__entity":{"type":"U","id":"x"}}}]}"#
        let template = try Template(json: SourceText(policy(body)))
        #expect(template.conditions[0].body.description == #"[1, {"a b": U::"x"}, ip("1.1.1.1")]"#)
        let far =
            #"{"Value":{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime","arg":"9999-12-31"}},"#
            + #"{"__extn":{"fn":"duration","arg":"400d"}}]}}}"#
        let offset = try Template(json: SourceText(policy(far))).conditions[0].body
        #expect(offset.description == #"datetime("1970-01-01T00:00:00.000Z").offset(duration("253436774400000ms"))"#)
    }

    @Test(arguments: [
        #"{"Var":"foo"}"#, #"{"Slot":"?principal"}"#, #"{"Unknown":{"name":"x"}}"#, #"{"foo":[]}"#, #"{}"#, #"1"#,
        #"{"Value":1,"Var":"context"}"#, #"{"Value":null}"#, #"{"Value":1.5}"#, #"{"&&":{"left":{"Value":1}}}"#,
        #"{"!":{"arg":{"Value":true},"x":1}}"#, #"{"==":[{"Value":1},{"Value":1}]}"#, #"{"Set":{"Value":1}}"#,
        #"{"like":{"left":{"Value":"a"},"pattern":"a"}}"#, #"{"like":{"left":{"Value":"a"},"pattern":[{"Lit":"a"}]}}"#,
        #"{"is":{"left":{"Var":"context"},"entity_type":"1"}}"#, #"{"Record":{"a":{"Value":1},"a":{"Value":1}}}"#,
    ])
    func `other expressions are refused`(body: String) {
        #expect(throws: Diagnostic.self) { try Template(json: SourceText(policy(body))) }
    }

    @Test(arguments: [
        #"{"effect":"allow"}"#, #"{"principal":{"op":"!="}}"#, #"{"principal":{"op":"==","slot":"?resource"}}"#,
        #"{"principal":{"op":"==","entity":{"type":"U","id":"a"},"slot":"?principal"}}"#, #"{"principal":{"op":"is"}}"#,
        #"{"action":{"op":"==","entity":{"type":"U","id":"a"}}}"#, #"{"action":{"op":"is","entity_type":"Action"}}"#,
        #"{"action":{"op":"==","slot":"?action"}}"#, #"{"x":1}"#, #"{"annotations":{"a b":"c"}}"#,
        #"{"annotations":{"a":1}}"#, #"{"conditions":[{"kind":"if","body":{"Value":true}}]}"#, #"{"conditions":null}"#,
    ])
    func `other policies are refused`(part: String) throws {
        var members = try #require(try JSONReader.read(policy(#"{"Value":true}"#)).members)
        for member in try #require(try JSONReader.read(part).members) {
            members.removeAll { $0.key == member.key }
            members.append(member)
        }
        let json = JSONWriter.text(JSONValue(.object(members)))
        #expect(throws: Diagnostic.self, "\(json)") { try Template(json: SourceText(json)) }
    }

    @Test func `what is too deep for JSON is refused, and what is deep in JSON too`() throws {
        let chain = try PolicySet(
            parsing: "permit(principal,action,resource) when { \(repeated("true", 2_000, " && ")) };")
        #expect(throws: Diagnostic.self) { try chain.json() }
        let short = try PolicySet(
            parsing: "permit(principal,action,resource) when { \(repeated("true", 400, " && ")) };")
        let json = try JSONWriter.text(short.json())
        #expect(try JSONWriter.text(PolicySet(json: json).json()) == json)
        let deep = repeated(#"{"!":{"arg":"#, 100_000, "") + #"{"Value":true}"# + repeated("}}", 100_000, "")
        #expect(throws: Diagnostic.self) { try Template(json: SourceText(policy(deep))) }
    }

    @Test(Corpus.condition) func `every policy of the corpus survives JSON and text`() throws {
        for file in try Corpus.files(in: "corpus", suffix: ".cedar") {
            let set = try PolicySet(parsing: SourceText(utf8: Corpus.bytes("corpus/\(file)")))
            let json = try JSONWriter.text(set.json())
            #expect(try JSONWriter.text(PolicySet(json: json).json()) == json, "\(file)")
            var text = ""
            for policy in set.policies { text += policy.template.description }
            #expect(try JSONWriter.text(PolicySet(parsing: text).json()) == json, "\(file)")
        }
    }

    private func policy(_ body: String) -> String {
        #"{"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"#
            + #""conditions":[{"kind":"when","body":\#(body)}]}"#
    }

    private func repeated(_ text: String, _ count: Int, _ separator: String) -> String {
        Array(repeating: text, count: count).joined(separator: separator)
    }
}
