// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct ProbeTests {
    /// One line of the probes: what goes in, and the decision and reasons that must come out.
    private struct Probe {
        let label: String
        let expected: [String]
        let actual: [String]

        init(_ source: SourceText) throws {
            let line = try JSONReader.read(source)
            let text = { (json: JSONValue?) in String(decoding: try #require(json?.bytes), as: UTF8.self) }
            label = try text(line["label"])
            let result = try #require(line["result"]?.elements)
            expected = try [text(result[0])] + #require(result[1].elements).map(text).sorted()
            actual = try Probe.answer(#require(line["input"]), source, text)
        }

        private static func answer(
            _ input: JSONValue, _ source: SourceText, _ text: (JSONValue?) throws -> String
        ) throws -> [String] {
            do {
                let policies = try PolicySet(parsing: text(input["policies"]))
                let request = try Request(
                    principal: EntityUID(parsing: text(input["principal"])),
                    action: EntityUID(parsing: text(input["action"])),
                    resource: EntityUID(parsing: text(input["resource"])),
                    context: CedarRecord(#require(input["context"]), in: source)
                )
                let response = Authorizer.authorize(
                    request, policies, try Entities(#require(input["entities"]), in: source))
                return [response.decision == .allow ? "Allow" : "Deny"] + response.reasons.map(\.string).sorted()
            } catch is Diagnostic {
                return ["NoDecision"]
            }
        }
    }

    @Test(Corpus.condition) func `every probe is answered as the reference engine answers it`() throws {
        let lines = try Corpus.bytes("probe-vectors.jsonl").split(separator: UInt8(ascii: "\n")).map(Array.init)
        var count = 0
        for bytes in lines {
            let source = try SourceText(utf8: bytes)
            // Some lines record results only, without what they are results of.
            guard try JSONReader.read(source)["input"] != nil else { continue }
            let probe = try Probe(source)
            #expect(probe.actual == probe.expected, "\(probe.label)")
            count += 1
        }
        try #require(count > 40)
    }
}
