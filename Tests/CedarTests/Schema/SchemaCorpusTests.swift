// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct SchemaCorpusTests {
    private func source(_ path: String) throws -> SourceText {
        try SourceText(utf8: Corpus.bytes(path), name: path)
    }

    @Test(Corpus.condition) func `both forms of every schema of the corpus say the same`() throws {
        let suffix = ".cedarschema.json"
        let names = try Corpus.files(in: "json-schemas", suffix: suffix).map { $0.dropLast(suffix.count) }
        try #require(names.count > 1000)
        for name in names {
            let text = try Schema(parsing: source("corpus/\(name).cedarschema"))
            let json = try Schema(json: source("json-schemas/\(name)\(suffix)"))
            #expect(text == json, "\(name)")
            #expect(try Schema(json: JSONWriter.text(text.json())) == text, "\(name)")
            #expect(try Schema(parsing: json.text()) == json, "\(name)")
            #expect(try Schema(parsing: text.text()) == text, "\(name)")
        }
    }

    @Test(Corpus.condition) func `hand-written schemas are read and translated`() throws {
        for folder in [
            "validate-testdata", "entity-parsing-testdata", "sample-data/sandbox_a", "sample-data/sandbox_b",
        ] {
            for name in try Corpus.files(in: folder, suffix: ".cedarschema") {
                let schema = try Schema(parsing: source("\(folder)/\(name)"))
                #expect(try Schema(json: JSONWriter.text(schema.json())) == schema, "\(folder)/\(name)")
                #expect(try Schema(parsing: schema.text()) == schema, "\(folder)/\(name)")
            }
        }
    }
}
