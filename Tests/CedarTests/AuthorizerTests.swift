// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct AuthorizerTests {
    private func uid(_ text: String) throws -> EntityUID { try EntityUID(parsing: text) }

    private func response(_ policies: String) throws -> Response {
        let request = try Request(principal: uid(#"U::"a""#), action: uid(#"Action::"v""#), resource: uid(#"R::"r""#))
        return Authorizer.authorize(request, try PolicySet(parsing: policies), Entities())
    }

    @Test func `nothing permitted is denied without a reason`() throws {
        #expect(try response("") == Response(decision: .deny, reasons: []))
        #expect(
            try response("permit(principal,action,resource) when {false};") == Response(decision: .deny, reasons: []))
    }

    @Test func `a forbid wins and is the only reason`() throws {
        let all =
            "permit(principal,action,resource);forbid(principal,action,resource);permit(principal,action,resource);"
        #expect(try response(all) == Response(decision: .deny, reasons: ["policy1"]))
    }

    @Test func `every satisfied permit is a reason`() throws {
        let all =
            "permit(principal,action,resource);permit(principal,action,resource);forbid(principal,action,resource) when {false};"
        #expect(try response(all) == Response(decision: .allow, reasons: ["policy0", "policy1"]))
    }

    @Test func `a policy that fails is skipped and reported, also one that forbids`() throws {
        let all = "permit(principal,action,resource);forbid(principal,action,resource) when {context.x};"
        let response = try response(all)
        #expect(response.decision == .allow)
        #expect(response.errors.map(\.policyID) == ["policy1"])
    }

    @Test func `conditions of a policy out of scope are never evaluated`() throws {
        #expect(try response(#"permit(principal == U::"b",action,resource) when {context.x};"#).errors.isEmpty)
        #expect(try response("permit(principal is G,action,resource) when {context.x};").errors.isEmpty)
        #expect(try response("permit(principal,action in [],resource) when {context.x};").errors.isEmpty)
    }

    @Test func `clauses are evaluated in order until one doesn't hold`() throws {
        #expect(try response("permit(principal,action,resource) when {false} when {context.x};").errors.isEmpty)
        #expect(try response("permit(principal,action,resource) unless {true} when {context.x};").errors.isEmpty)
        #expect(try response("permit(principal,action,resource) when {true} unless {context.x};").errors.count == 1)
    }

    @Test func `templates decide nothing, their links do`() throws {
        var set = try PolicySet(
            parsing:
                "permit(principal == ?principal,action,resource);permit(principal == ?principal,action,resource is R in ?resource);"
        )
        let request = try Request(principal: uid(#"U::"a""#), action: uid(#"Action::"v""#), resource: uid(#"R::"r""#))
        #expect(Authorizer.authorize(request, set, Entities()).decision == .deny)
        try set.link("policy0", as: "l", values: [.principal: request.principal])
        try set.link("policy1", as: "m", values: [.principal: request.principal, .resource: request.resource])
        try set.link("policy0", as: "n", values: [.principal: request.resource])
        #expect(Authorizer.authorize(request, set, Entities()) == Response(decision: .allow, reasons: ["l", "m"]))
    }

    @Test func `links must fill exactly the slots there are, under ids that are free`() throws {
        var set = try PolicySet(
            parsing: "permit(principal == ?principal,action,resource);permit(principal,action,resource);")
        let user = try uid(#"U::"a""#)
        #expect(throws: Diagnostic.self) { try set.link("policy0", as: "l", values: [:]) }
        #expect(throws: Diagnostic.self) {
            try set.link("policy0", as: "l", values: [.principal: user, .resource: user])
        }
        #expect(throws: Diagnostic.self) { try set.link("policy1", as: "l", values: [:]) }
        #expect(throws: Diagnostic.self) { try set.link("none", as: "l", values: [:]) }
        #expect(throws: Diagnostic.self) { try set.link("policy0", as: "policy0", values: [.principal: user]) }
        #expect(throws: Diagnostic.self) { try set.link("policy0", as: "policy1", values: [.principal: user]) }
        #expect(set.policies.count == 1)
    }
}
