// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct EntityParsingTests {
    private static let folder = "entity-parsing-testdata"

    private func source(_ name: String) throws -> SourceText {
        try SourceText(utf8: Corpus.bytes("\(EntityParsingTests.folder)/\(name)"), name: name)
    }

    private func text(_ json: JSONValue?) throws -> String {
        String(decoding: try #require(json?.bytes), as: UTF8.self)
    }

    private func verdict(_ json: JSONValue?) throws -> Bool {
        guard case .bool(let success) = json?["success"]?.kind else { throw Diagnostic("no verdict") }
        return success
    }

    @Test(Corpus.condition) func `entities are accepted and refused as by the reference engine`() throws {
        let suffix = ".parsing.json"
        let names = try Corpus.files(in: EntityParsingTests.folder, suffix: suffix).map { $0.dropLast(suffix.count) }
        try #require(names.count > 15)
        for name in names {
            let verdicts = try JSONReader.read(source("\(name)\(suffix)"))
            let test = try JSONReader.read(source("\(name).json"))
            let schema = try Schema(parsing: source(text(test["schema"])))
            let entities = try source(text(test["entities"]))
            let all = try verdict(verdicts["allEntities"])
            #expect(((try? Entities(json: entities, schema: schema)) != nil) == all, "\(name)")
            guard let elements = try? JSONReader.read(entities).elements else { continue }
            for element in elements {
                let uid = try "\(text(element["uid"]?["type"]))::\(text(element["uid"]?["id"]))"
                let one = try? Entities(.array([element]), in: entities, schema: schema)
                #expect(try (one != nil) == verdict(verdicts["perEntity"]?[uid]), "\(name), \(uid)")
            }
        }
    }
}
