// SPDX-License-Identifier: Apache-2.0
// The shipped JSON Schemas say the same as the decoder: key by key, and about mutations of documents with every key.

import RemitTask
import Testing

@Suite struct SchemaTests {
    struct Kind: CustomTestStringConvertible, Sendable {
        let name: String
        let shape: ObjectShape
        let sample: String
        let decode: @Sendable (String) throws -> Void
        var testDescription: String { name }

        static let all = [
            Kind(name: "task", shape: Shapes.task, sample: Samples.task) { _ = try TaskFile.decode($0, file: "x") },
            Kind(name: "profile", shape: Shapes.profile, sample: Samples.profile) {
                _ = try ProfileLayer.decode($0, file: "x")
            },
            Kind(name: "configuration", shape: Shapes.configuration, sample: Samples.configuration) {
                _ = try Configuration.decode($0, file: "x")
            },
        ]
    }

    @Test(arguments: Kind.all) func `a schema has the keys, words, ranges and patterns of the decoder`(
        kind: Kind
    ) throws {
        let schema = try MiniSchema(kind: kind.name)
        #expect(schema.root["$schema"] == .string("https://json-schema.org/draft/2020-12/schema"))
        #expect(Self.differences(.object(kind.shape), .map(schema.root), schema, kind.name) == [])
    }

    /// Compares in both directions: each shape is turned into the keywords that its schema must have, and no others.
    static func differences(_ shape: ValueShape, _ schema: SettingValue, _ file: MiniSchema, _ path: String) -> [String]
    {
        let actual = file.resolved(schema).filter { !annotations.contains($0.key) }
        var nested: [String] = []
        var expected: [String: SettingValue] = [:]
        func inner(_ shape: ValueShape, _ keyword: String, _ suffix: String) {
            expected[keyword] = actual[keyword] ?? .string("missing")
            if let schema = actual[keyword] { nested += differences(shape, schema, file, path + suffix) }
        }
        switch shape {
        case .freeText: expected = ["type": .list(["string", "number", "boolean"].map(SettingValue.string))]
        case .text(let pattern):
            expected = ["type": .string("string")]
            expected["pattern"] = pattern.map(SettingValue.string)
        case .choice(let words) where words.count == 1 && actual["enum"] == nil: expected = ["const": .string(words[0])]
        case .choice(let words): expected = ["enum": .list(words.map(SettingValue.string))]
        case .integer(let range):
            expected = [
                "type": .string("integer"), "minimum": .integer(Int64(range.lowerBound)),
                "maximum": .integer(Int64(range.upperBound)),
            ]
        case .decimal:
            expected = ["type": .string("number"), "exclusiveMinimum": .integer(0), "maximum": .integer(4096)]
        case .money:
            expected = ["type": .string("number"), "minimum": .integer(0), "maximum": .integer(1_000_000)]
        case .boolean: expected = ["type": .string("boolean")]
        case .timeSpan: expected = ["type": .string("string"), "pattern": .string(TimeSpan.pattern)]
        case .byteCount:
            expected = [
                "type": .list([.string("string"), .string("integer")]), "pattern": .string(ByteCount.pattern),
                "minimum": .integer(0),
            ]
        case .list(let item, let least):
            expected = ["type": .string("array")]
            if least > 0 { expected["minItems"] = .integer(Int64(least)) }
            expected["uniqueItems"] = actual["uniqueItems"].map { _ in .boolean(true) }
            inner(item, "items", "[]")
        case .map(let pattern, let value):
            expected = ["type": .string("object")]
            expected["propertyNames"] = pattern.map { .map(["pattern": .string($0)]) }
            inner(value, "additionalProperties", ".*")
        case .object(let object):
            nested += objectDifferences(object, actual, file, path)
            return nested
        case .either(let one, let other):
            let options = MiniSchema.list(actual["anyOf"])
            expected = ["anyOf": .list(options)]
            if options.count != 2 { return ["\(path): not two options"] }
            nested += differences(one, options[0], file, path) + differences(other, options[1], file, path)
        case .tree: return MiniSchema.list(actual["anyOf"]).count == 3 ? [] : ["\(path): not a tree"]
        }
        return nested + (expected == actual ? [] : ["\(path): \(actual) is not \(expected)"])
    }

    private static func objectDifferences(
        _ object: ObjectShape, _ actual: [String: SettingValue], _ file: MiniSchema, _ path: String
    ) -> [String] {
        var found: [String] = []
        let properties = MiniSchema.map(actual["properties"])
        if actual["type"] != .string("object") { found.append("\(path): not an object") }
        if actual["additionalProperties"] != .boolean(false) { found.append("\(path): additionalProperties") }
        if Set(properties.keys) != Set(object.fields.map(\.key)) {
            found.append("\(path): keys \(properties.keys.sorted())")
        }
        if Set(MiniSchema.strings(actual["required"])) != Set(object.fields.filter(\.isRequired).map(\.key)) {
            found.append("\(path): required")
        }
        for field in object.fields {
            if let schema = properties[field.key] {
                found += differences(field.value, schema, file, "\(path).\(field.key)")
            }
        }
        return found
    }

    private static let annotations: Set<String> = [
        "$schema", "$id", "$defs", "title", "description", "default", "if", "then", "else", "oneOf",
    ]

    @Test(arguments: Kind.all) func `a document with every key is valid by schema and decoder`(kind: Kind) throws {
        let document = try Self.tree(kind.sample)
        try kind.decode(kind.sample)
        try kind.decode(Self.json(document))
        #expect(try MiniSchema(kind: kind.name).failures(document) == [])
    }

    @Test(arguments: Kind.all) func `schema and decoder agree on every change of structure`(kind: Kind) throws {
        let schema = try MiniSchema(kind: kind.name)
        let mutations = Self.mutations(of: try Self.tree(kind.sample), path: "")
        #expect(mutations.count > 80)
        var refused = 0
        for (change, document) in mutations {
            let failures = schema.failures(document)
            let isDecoded = (try? kind.decode(Self.json(document))) != nil
            #expect(failures.isEmpty == isDecoded, "\(change): schema says \(failures)")
            if !isDecoded { refused += 1 }
        }
        #expect(refused > mutations.count / 2)
    }

    @Test func `the built-in profiles are valid by their schema`() throws {
        let schema = try MiniSchema(kind: "profile")
        for (name, text, tests) in BuiltInProfiles.texts {
            #expect(schema.failures(try Self.tree(text + tests)) == [], "\(name)")
        }
    }

    /// A file as the tree that an editor sees: read as the settings of a provider, which are such a tree.
    static func tree(_ text: String) throws -> SettingValue {
        let indented = text.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n")
        let wrapped =
            "apiVersion: remit/v1\nkind: Configuration\nproviders:\n  x:\n    kind: postgres\n    settings:\n"
            + indented + "\n"
        return .map(try #require(try Configuration.decode(wrapped, file: "wrapped").providers["x"]).settings)
    }

    static func json(_ value: SettingValue) -> String { String(decoding: value.canonical.bytes, as: UTF8.self) }

    /// For every value: replaced by a list of lists and by a strange map; for every map: a key less, a key more.
    static func mutations(of value: SettingValue, path: String) -> [(String, SettingValue)] {
        var result: [(String, SettingValue)] = [
            ("\(path) is a list of lists", .list([.list([])])),
            ("\(path) is a strange map", .map(["zz": .map(["q": .list([.list([])])])])),
        ]
        switch value {
        case .map(let entries):
            result.append(("\(path) has an unknown key", .map(entries.merging(["zz-unknown": .string("x")]) { $1 })))
            for (key, entry) in entries {
                result.append(("\(path).\(key) is gone", .map(entries.filter { $0.key != key })))
                for (change, mutated) in mutations(of: entry, path: "\(path).\(key)") {
                    result.append((change, .map(entries.merging([key: mutated]) { $1 })))
                }
            }
        case .list(let items):
            for (index, item) in items.enumerated() {
                for (change, mutated) in mutations(of: item, path: "\(path)[\(index)]") {
                    var items = items
                    items[index] = mutated
                    result.append((change, .list(items)))
                }
            }
        default: break
        }
        return result
    }
}
