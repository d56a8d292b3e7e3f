// SPDX-License-Identifier: Apache-2.0
// The example of the module's README, compiled and run.

import Cedar
import Foundation
import Testing

func mayAlicePublish() throws -> Bool {
    let policies = try PolicySet(
        parsing: """
            permit (principal in Team::"writers", action in [Action::"edit", Action::"publish"], resource);
            @reason("Drafts are not published")
            forbid (principal, action == Action::"publish", resource) when { resource.isDraft };
            """)
    let entities = try Entities(
        json: """
            [{"uid": {"type": "User", "id": "alice"}, "attrs": {}, "parents": [{"type": "Team", "id": "writers"}]},
             {"uid": {"type": "Article", "id": "1"}, "attrs": {"isDraft": false}, "parents": []}]
            """)
    let request = try Request(
        principal: EntityUID(parsing: #"User::"alice""#),
        action: EntityUID(parsing: #"Action::"publish""#),
        resource: EntityUID(parsing: #"Article::"1""#)
    )
    let response = Authorizer.authorize(request, policies, entities)
    // A policy that could not be evaluated was skipped, even if it forbids: see the documentation.
    return response.decision == .allow && response.errors.isEmpty
}

@Test func `the example of the README decides as it says`() throws {
    #expect(try mayAlicePublish())
}

@Test func `the example of the README is the one that is compiled here`() throws {
    let tests = URL(filePath: #filePath)
    let root = tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let readme = try String(contentsOf: root.appending(path: "Sources/Cedar/README.md"), encoding: .utf8)
    let example = try #require(readme.components(separatedBy: "```").dropFirst().first)
    let code = example.replacing("swift\nimport Cedar\n\n", with: "")
    #expect(try String(contentsOf: tests, encoding: .utf8).contains(code))
}
