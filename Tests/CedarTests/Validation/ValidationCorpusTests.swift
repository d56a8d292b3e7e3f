// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct ValidationCorpusTests {
    private func json(_ path: String) throws -> JSONValue { try JSONReader.read(Corpus.bytes(path)) }

    private func source(_ path: String) throws -> SourceText { try SourceText(utf8: Corpus.bytes(path), name: path) }

    private func text(_ value: JSONValue?) throws -> String {
        String(decoding: try #require(value?.bytes), as: UTF8.self)
    }

    /// The ids of the policies and templates that pass.
    private func passing(_ policies: PolicySet, _ schema: Schema) -> [CedarString: [Finding]] {
        let validator = Validator(schema)
        var errors: [CedarString: [Finding]] = [:]
        for policy in policies.policies { errors[policy.id] = [] }
        for template in policies.templates { errors[template.id] = [] }
        for finding in validator.validate(policies) where finding.severity == .error {
            if let policy = finding.policy { errors[policy, default: []].append(finding) }
        }
        return errors
    }

    private func compare(_ verdicts: JSONValue, _ errors: [CedarString: [Finding]], _ name: String) throws -> Int {
        let policies = try #require(verdicts["policyValidation"]?["perPolicy"]?.members)
        #expect(policies.count == errors.count, "\(name)")
        for policy in policies {
            let found = try #require(errors[CedarString(String(decoding: policy.key, as: UTF8.self))])
            let context = found.map(\.description).joined(separator: "\n")
            #expect(
                found.isEmpty == policy.value["strict"]?.bool,
                "\(name) \(String(decoding: policy.key, as: UTF8.self)): \(context)")
        }
        return policies.count
    }

    @Test(Corpus.condition) func `every policy of the corpus passes or fails as in the reference engine`() throws {
        let suffix = ".validation.json"
        let names = try Corpus.files(in: "validation", suffix: suffix).map { String($0.dropLast(suffix.count)) }
        try #require(names.count > 1000)
        var count = 0
        for name in names {
            let schema = try Schema(parsing: source("corpus/\(name).cedarschema"))
            let policies = try PolicySet(parsing: source("corpus/\(name).cedar"))
            let errors = passing(policies, schema)
            count += try compare(json("validation/\(name)\(suffix)"), errors, name)
            let verdict = try json("corpus/\(name).json")["shouldValidate"]?.bool
            #expect(errors.values.allSatisfy(\.isEmpty) == verdict, "\(name)")
        }
        #expect(count > 1000)
    }

    @Test(Corpus.condition) func `every hand-written policy passes or fails as in the reference engine`() throws {
        let suffix = ".validation.json"
        for name in try Corpus.files(in: "validate-testdata", suffix: suffix).map({ $0.dropLast(suffix.count) }) {
            let schema = try Schema(parsing: source("validate-testdata/\(name).cedarschema"))
            let policies = try PolicySet(parsing: source("validate-testdata/\(name).cedar"))
            let errors = passing(policies, schema)
            _ = try compare(json("validate-testdata/\(name)\(suffix)"), errors, String(name))
        }
        for folder in ["decimal", "example_use_cases", "ip", "multi"] {
            for file in try Corpus.files(in: "tests/\(folder)", suffix: ".json") {
                let test = try json("tests/\(folder)/\(file)")
                let schema = try Schema(parsing: source(text(test["schema"])))
                let policies = try PolicySet(parsing: source(text(test["policies"])))
                let errors = passing(policies, schema)
                #expect(errors.values.allSatisfy(\.isEmpty) == test["shouldValidate"]?.bool, "\(folder)/\(file)")
            }
        }
    }

    // MARK: Entities and requests

    /// What is wrong with entities of a file, read with the schema as guide; nil where nothing is.
    private func problem(entities json: JSONValue, in source: SourceText, _ schema: Schema) -> Diagnostic? {
        do {
            let entities = try Entities(json, in: source, schema: schema)
            return Validator(schema).validate(entities: entities.all).first?.diagnostic
        } catch {
            return error
        }
    }

    /// What is wrong with one request of a test, its context read with the schema as guide; nil where nothing is.
    private func problem(request: JSONValue, in source: SourceText, _ schema: Schema) throws -> Diagnostic? {
        func uid(_ role: String) throws -> EntityUID {
            let type = try #require(try Name(text(request[role]?["type"])))
            return EntityUID(type: type, id: CedarString(try text(request[role]?["id"])))
        }
        let principal = try uid("principal")
        let action = try uid("action")
        let resource = try uid("resource")
        do throws(Diagnostic) {
            let context = try CedarRecord(
                request["context"] ?? .object([]), in: source, schema: schema, action: action)
            let request = Request(principal: principal, action: action, resource: resource, context: context)
            return Validator(schema).validate(request: request).first?.diagnostic
        } catch {
            return error
        }
    }

    private func compare(_ folder: String, _ verdicts: String, _ name: String) throws -> (entities: Int, requests: Int)
    {
        let schema = try Schema(parsing: source("\(folder)/\(name).cedarschema"))
        let verdicts = try json("\(verdicts)/\(name).validation.json")
        let entitySource = try source("\(folder)/\(name).entities.json")
        let expected = try #require(verdicts["entityValidation"]?["perEntity"]?.members)
        let all = try JSONReader.read(entitySource.bytes)
        let entities = try #require(all.elements)
        // Most files have only entities that conform, and are read at once.
        if !expected.contains(where: { $0.value["errors"] != nil }), !entities.isEmpty {
            let problem = problem(entities: all, in: entitySource, schema)
            #expect(problem == nil, "\(name)")
        } else {
            for entity in entities {
                let uid = entity["uid"]?["__entity"] ?? entity["uid"]
                let key = try text(uid?["type"]) + "::" + text(uid?["id"])
                let verdict = try #require(expected.first { $0.key.elementsEqual(key.utf8) })
                let problem = problem(entities: .array([entity]), in: entitySource, schema)
                let context = "\(name) \(key): \(String(describing: problem))"
                #expect((problem == nil) == (verdict.value["errors"] == nil), "\(context)")
            }
        }
        let testSource = try source("\(folder)/\(name).json")
        let requests = try #require(try JSONReader.read(testSource.bytes)["requests"]?.elements)
        let results = try #require(verdicts["requestValidation"]?.elements)
        #expect(requests.count == results.count)
        for (request, result) in zip(requests, results) {
            let problem = try problem(request: request, in: testSource, schema)
            #expect((problem == nil) == result["strict"]?.bool, "\(name): \(String(describing: problem))")
        }
        return (entities.count, requests.count)
    }

    @Test(Corpus.condition) func `every entity and every request conforms or not as in the reference engine`() throws {
        let suffix = ".validation.json"
        var entities = 0
        var requests = 0
        for (folder, verdicts) in [("corpus", "validation"), ("validate-testdata", "validate-testdata")] {
            for name in try Corpus.files(in: verdicts, suffix: suffix).map({ String($0.dropLast(suffix.count)) }) {
                let compared = try compare(folder, verdicts, name)
                entities += compared.entities
                requests += compared.requests
            }
        }
        #expect(entities > 10_000)
        #expect(requests > 10_000)
    }
}
