// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

/// Texts made to exhaust the stack, memory or time; each must be an error, soon.
struct HostileInputTests {
    private func policy(_ condition: String) -> String {
        "permit(principal,action,resource) when { \(condition) };"
    }

    @Test(arguments: ["(", "[", "{a:", "!", "-", "if ", "ip(", "context.contains(", "(-", "(!", "[(", "{\"a\":["])
    func `unbounded nesting is refused`(opening: String) {
        let text = policy(String(repeating: opening, count: 100_000))
        #expect(throws: Diagnostic.self) { try PolicySet(parsing: text) }
        #expect(throws: Diagnostic.self) { try PolicyFormatter.format(text) }
    }

    @Test func `nesting is refused also where it is closed again`() throws {
        for count in [1_000, 100_000] {
            let text = policy(String(repeating: "(", count: count) + "1" + String(repeating: ")", count: count))
            #expect(throws: Diagnostic.self) { try PolicySet(parsing: text) }
        }
        _ = try PolicySet(
            parsing: policy(String(repeating: "(", count: 100) + "1" + String(repeating: ")", count: 100)))
        let scope = String(repeating: "(", count: 100_000) + "U::\"a\"" + String(repeating: ")", count: 100_000)
        #expect(throws: Diagnostic.self) { try PolicySet(parsing: "permit(principal == \(scope),action,resource);") }
        #expect(throws: Diagnostic.self) { try PolicySet(parsing: "permit(principal,action in \(scope),resource);") }
    }

    @Test func `megabytes of signs are refused`() {
        for sign in ["-", "\"", "?", "@", "\\", "a", "1", "//", "::"] {
            let text = String(repeating: sign, count: 1_000_000 / sign.utf8.count)
            #expect(throws: Diagnostic.self) { try PolicySet(parsing: policy(text)) }
        }
        for sign in ["!", "("] {
            #expect(throws: Diagnostic.self) {
                try PolicySet(parsing: policy(String(repeating: sign, count: 10_000_000)))
            }
        }
    }

    @Test(arguments: ["1 + ", "1 * ", "1 - "]) func `long chains of operators are refused`(part: String) {
        let text = policy(String(repeating: part, count: 100_000) + "1 == 1")
        #expect(throws: Diagnostic.self) { try PolicySet(parsing: text) }
    }

    @Test(arguments: [".a", "[\"a\"]", ".isEmpty()"]) func `long chains of members are refused`(part: String) {
        let text = policy("context" + String(repeating: part, count: 100_000))
        #expect(throws: Diagnostic.self) { try PolicySet(parsing: text) }
    }

    @Test func `a long path behind has is refused`() {
        let text = policy("context has a" + String(repeating: ".a", count: 100_000))
        #expect(throws: Diagnostic.self) { try PolicySet(parsing: text) }
    }

    @Test(arguments: [" && ", " || "]) func `long chains of conditions are flat`(separator: String) throws {
        let text = policy(Array(repeating: "true", count: 100_000).joined(separator: separator))
        let set = try PolicySet(parsing: text)
        #expect(set.policies[0].conditions[0].body.height == 2)
        let uid = try EntityUID(parsing: "U::\"a\"")
        let request = Request(principal: uid, action: uid, resource: uid)
        #expect(Authorizer.authorize(request, set, Entities()).decision == .allow)
        #expect(try PolicyFormatter.format(PolicyFormatter.format(text)) == PolicyFormatter.format(text))
    }

    @Test func `what is as deep as allowed is evaluated, written and freed`() throws {
        let text = policy(String(repeating: "1 + ", count: SyntaxLimits().height - 2) + "1 == 1")
        let set = try PolicySet(parsing: text)
        #expect(set.policies[0].conditions[0].body.height == SyntaxLimits().height)
        let uid = try EntityUID(parsing: "U::\"a\"")
        let response = Authorizer.authorize(Request(principal: uid, action: uid, resource: uid), set, Entities())
        #expect(response.errors.isEmpty)
        #expect(
            try PolicySet(json: JSONWriter.text(set.json())).policies[0].template.description
                == set.policies[0].template.description)
    }

    @Test func `a text beyond the limit of bytes is refused before it is read`() {
        let limits = SyntaxLimits(bytes: 1_000)
        #expect(throws: Diagnostic.self) {
            try PolicySet(parsing: String(repeating: " ", count: 1_001), limits: limits)
        }
    }

    @Test func `huge numbers and strings are read or refused`() throws {
        #expect(throws: Diagnostic.self) { try PolicySet(parsing: policy(String(repeating: "9", count: 1_000_000))) }
        let long = String(repeating: "a", count: 5_000_000)
        _ = try PolicySet(parsing: policy("\"\(long)\" like \"*\(long)\""))
        #expect(CedarDecimal(CedarString(String(repeating: "1", count: 1_000_000) + ".0")) == nil)
        #expect(CedarDuration(CedarString(String(repeating: "1", count: 1_000_000) + "h")) == nil)
        #expect(CedarIPAddress(CedarString(String(repeating: "1:", count: 1_000_000))) == nil)
    }

    @Test func `deep and wide entities are refused`() {
        let value = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        let deep = #"[{"uid":{"type":"U","id":"a"},"attrs":{"x":\#(value)},"parents":[]}]"#
        #expect(throws: Diagnostic.self) { try Entities(json: deep) }
        #expect(throws: Diagnostic.self) { try Entities(json: #"[{"uid":"#) }
    }

    @Test func `a chain of entities that would need a closure of billions is refused`() throws {
        let type = Name(unchecked: "G")
        let chain = (0..<20_000).map { index in
            Entity(
                EntityUID(type: type, id: CedarString("\(index)")),
                parents: [EntityUID(type: type, id: CedarString("\(index + 1)"))])
        }
        #expect(throws: Diagnostic.self) { try Entities(chain) }
        let short = try Entities(chain.prefix(1_000))
        #expect(short.ancestors(of: chain[0].uid).count == 1_000)
    }

    @Test func `sets of many members take no quadratic time`() throws {
        let members = (0..<200_000).map { Value.long(Int64($0 % 100_000)) }
        let set = CedarSet(members)
        #expect(set.count == 100_000)
        #expect(set.isSubset(of: set) && set.intersects(set) && set.contains(.long(99_999)))
    }
}
