// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

/// A test of the conformance data: policies, entities, a schema, and requests with what must be answered.
struct AuthorizationCase {
    let name: String
    let policies: PolicySet
    let entities: Entities
    let requests: [(request: Request, expected: Answer)]

    /// What must be answered; orders don't count, and neither does the text of errors.
    struct Answer: Equatable {
        let decision: String
        let reasons: Set<CedarString>
        let errors: Set<CedarString>

        init(_ response: Response) {
            decision = response.decision.rawValue
            reasons = Set(response.reasons)
            errors = Set(response.errors.map(\.policyID))
        }

        init(_ json: JSONValue) throws {
            let ids = { try #require(json[$0]?.elements).compactMap { $0.bytes.flatMap { CedarString(utf8: $0) } } }
            decision = String(decoding: try #require(json["decision"]?.bytes), as: UTF8.self)
            reasons = try Set(ids("reason"))
            errors = try Set(ids("errors"))
        }
    }

    /// Reads the test `path`; the files it names are under `folder`, whatever folder it names itself.
    init(_ path: String, policies: String? = nil, data folder: String? = nil) throws {
        let source = try SourceText(utf8: Corpus.bytes(path), name: path)
        let test = try JSONReader.read(source)
        let file = { (key: String) throws -> SourceText in
            let named = String(decoding: try #require(test[key]?.bytes), as: UTF8.self)
            let name = named.split(separator: "/").last.map(String.init) ?? named
            let path = folder.map { "\($0)/\(name)" } ?? named
            return try SourceText(utf8: Corpus.bytes(path), name: path)
        }
        let schema = try Schema(parsing: file("schema"))
        name = path
        let text = try policies.map { try SourceText(utf8: Corpus.bytes($0), name: $0) } ?? file("policies")
        self.policies = try PolicySet(parsing: text)
        entities = try Entities(json: file("entities"), schema: schema)
        var requests: [(Request, Answer)] = []
        for json in try #require(test["requests"]?.elements) {
            var values = ValueReader(source)
            let action = try values.uid(#require(json["action"]))
            let context = try CedarRecord(#require(json["context"]), in: source, schema: schema, action: action)
            let request = Request(
                principal: try values.uid(#require(json["principal"])), action: action,
                resource: try values.uid(#require(json["resource"])), context: context
            )
            requests.append((request, try Answer(json)))
        }
        self.requests = requests
    }

    /// Compares all answers; how many there were.
    func check() -> Int {
        for (index, (request, expected)) in requests.enumerated() {
            let response = Authorizer.authorize(request, policies, entities)
            #expect(Answer(response) == expected, "\(name), request \(index)")
        }
        return requests.count
    }
}
