// SPDX-License-Identifier: Apache-2.0
// As much of JSON Schema 2020-12 as our schemas use; an unknown keyword is a failure, not ignored.

import Foundation
import RemitTask

/// A schema file, and whether a document is valid by it.
struct MiniSchema {
    let root: [String: SettingValue]

    init(kind: String) throws {
        let path = RepositoryFile.path("schemas/\(kind).schema.json")
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        root = try JSONDecoder().decode([String: SettingValue].self, from: data)
    }

    /// Follows `$ref`; keywords beside it are annotations in our schemas.
    func resolved(_ schema: SettingValue?) -> [String: SettingValue] {
        guard case .map(let keywords) = schema else { return [:] }
        guard case .string(let reference) = keywords["$ref"] else { return keywords }
        let name = String(reference.dropFirst("#/$defs/".count))
        guard case .map(let definitions) = root["$defs"], let definition = definitions[name] else {
            return ["missing": .string(name)]
        }
        return resolved(definition)
    }

    /// The paths at which a document is not valid.
    func failures(_ value: SettingValue) -> [String] { failures(value, .map(root), "") }

    private func failures(_ value: SettingValue, _ schema: SettingValue, _ path: String) -> [String] {
        if case .boolean(let isAllowed) = schema { return isAllowed ? [] : ["\(path): not allowed"] }
        let keywords = resolved(schema)
        var found: [String] = []
        for (keyword, argument) in keywords where !holds(keyword, argument, value, keywords) {
            found.append("\(path): \(keyword)")
        }
        if case .map(let entries) = value {
            let properties = Self.map(keywords["properties"])
            for (key, entry) in entries {
                if let property = properties[key] ?? keywords["additionalProperties"] {
                    found += failures(entry, property, "\(path).\(key)")
                }
                if let names = keywords["propertyNames"] { found += failures(.string(key), names, "\(path).\(key)") }
            }
        }
        if case .list(let items) = value, let schema = keywords["items"] {
            for (index, item) in items.enumerated() { found += failures(item, schema, "\(path)[\(index)]") }
        }
        if let condition = keywords["if"] {
            let branch = failures(value, condition, path).isEmpty ? keywords["then"] : keywords["else"]
            if let branch { found += failures(value, branch, path) }
        }
        return found
    }

    private func holds(
        _ keyword: String, _ argument: SettingValue, _ value: SettingValue, _ keywords: [String: SettingValue]
    ) -> Bool {
        switch keyword {
        case "$schema", "$id", "$defs", "title", "description", "default": true
        case "properties", "additionalProperties", "propertyNames", "items", "if", "then", "else": true
        case "type": Self.strings(argument).contains { Self.isOf($0, value) }
        case "const": argument == value
        case "enum": Self.list(argument).contains(value)
        case "required":
            Self.strings(argument).allSatisfy { key in Self.isMap(value) ? Self.map(value)[key] != nil : true }
        case "pattern": Self.matches(argument, value)
        case "minItems": Self.isList(value) ? Double(Self.list(value).count) >= Self.number(argument) : true
        case "uniqueItems": Set(Self.list(value)).count == Self.list(value).count
        case "minimum": Self.isNumber(value) ? Self.number(value) >= Self.number(argument) : true
        case "maximum": Self.isNumber(value) ? Self.number(value) <= Self.number(argument) : true
        case "exclusiveMinimum": Self.isNumber(value) ? Self.number(value) > Self.number(argument) : true
        case "oneOf": Self.list(argument).count { failures(value, $0, "").isEmpty } == 1
        case "anyOf": Self.list(argument).contains { failures(value, $0, "").isEmpty }
        default: false
        }
    }

    private static func isOf(_ type: String, _ value: SettingValue) -> Bool {
        switch (type, value) {
        case ("string", .string), ("integer", .integer), ("number", .integer), ("number", .number),
            ("boolean", .boolean),
            ("array", .list), ("object", .map):
            true
        default: false
        }
    }

    private static func matches(_ pattern: SettingValue, _ value: SettingValue) -> Bool {
        guard case .string(let text) = value, case .string(let pattern) = pattern else { return true }
        guard let regex = try? Regex(pattern) else { return false }
        return text.contains(regex)
    }

    static func map(_ value: SettingValue?) -> [String: SettingValue] {
        if case .map(let entries) = value { entries } else { [:] }
    }

    static func list(_ value: SettingValue?) -> [SettingValue] {
        if case .list(let items) = value { items } else { [] }
    }

    static func strings(_ value: SettingValue?) -> [String] {
        if case .string(let text) = value { return [text] }
        return list(value).compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    private static func isMap(_ value: SettingValue) -> Bool { if case .map = value { true } else { false } }
    private static func isList(_ value: SettingValue) -> Bool { if case .list = value { true } else { false } }
    private static func isNumber(_ value: SettingValue) -> Bool { isOf("number", value) }
    private static func number(_ value: SettingValue) -> Double {
        switch value {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: .nan
        }
    }
}
