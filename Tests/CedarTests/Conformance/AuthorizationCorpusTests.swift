// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Cedar

struct AuthorizationCorpusTests {
    @Test(Corpus.condition) func `every request of the generated tests is answered alike`() throws {
        var count = 0
        for file in try Corpus.files(in: "corpus", suffix: ".json") where !file.hasSuffix(".entities.json") {
            count += try AuthorizationCase("corpus/\(file)", data: "corpus").check()
        }
        try #require(count > 10_000)
    }

    @Test(Corpus.condition) func `every request of the tests with many policies is answered alike`() throws {
        var count = 0
        for file in try Corpus.files(in: "multi", suffix: ".json") {
            let policies = "multi/\(file.dropLast(".json".count)).cedar"
            count += try AuthorizationCase("multi/\(file)", policies: policies, data: "corpus").check()
        }
        try #require(count > 5_000)
    }

    @Test(Corpus.condition) func `every request of the hand-written tests is answered alike`() throws {
        var count = 0
        for folder in ["ip", "multi", "decimal", "example_use_cases"] {
            for file in try Corpus.files(in: "tests/\(folder)", suffix: ".json") {
                count += try AuthorizationCase("tests/\(folder)/\(file)").check()
            }
        }
        try #require(count > 50)
    }
}
