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
}
