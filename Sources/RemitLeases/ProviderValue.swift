// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// A JSON value: an operator's settings, a task's scope, a provider's reply.
package indirect enum ProviderValue: Sendable, Hashable, Codable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case list([ProviderValue])
    case map([String: ProviderValue])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([ProviderValue].self) {
            self = .list(value)
        } else {
            self = .map(try container.decode([String: ProviderValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .map(let value): try container.encode(value)
        }
    }

    package var string: String? { if case .string(let value) = self { value } else { nil } }

    /// Sorted keys, no white space.
    package func canonicalJSON() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A tree of these cases fails to encode only for a number that is not finite, which JSON cannot hold either.
        return (try? encoder.encode(self)).map(Array.init) ?? Array("null".utf8)
    }

    /// - Throws: what JSONDecoder throws for text that is not JSON.
    package static func parse(_ bytes: [UInt8]) throws -> ProviderValue {
        try JSONDecoder().decode(ProviderValue.self, from: Data(bytes))
    }

    /// Every string in the tree, keys included.
    package var strings: [String] {
        switch self {
        case .string(let value): [value]
        case .list(let values): values.flatMap(\.strings)
        case .map(let values): values.flatMap { [$0.key] + $0.value.strings }
        default: []
        }
    }
}
