// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Any JSON value, for looking into what a program printed.
package enum JSON: Hashable, Sendable, Decodable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case list([JSON])
    case object([String: JSON])

    /// - Throws: ``TestingError`` with the text itself when it is not one JSON value.
    package static func parse(_ bytes: [UInt8]) throws(TestingError) -> JSON {
        do {
            return try JSONDecoder().decode(JSON.self, from: Data(bytes))
        } catch {
            throw TestingError("not JSON: \(String(decoding: bytes.prefix(2000), as: UTF8.self))")
        }
    }

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let list = try? value.decode([JSON].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    /// A member of an object; `null` where there is none.
    package subscript(_ key: String) -> JSON {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }

    /// An element of a list; `null` where there is none.
    package subscript(_ index: Int) -> JSON {
        if case .list(let elements) = self, elements.indices.contains(index) { elements[index] } else { .null }
    }

    package var text: String? { if case .string(let text) = self { text } else { nil } }
    package var integer: Int? { if case .number(let number) = self { Int(exactly: number) } else { nil } }
    package var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
    package var list: [JSON]? { if case .list(let elements) = self { elements } else { nil } }
    package var members: [String: JSON]? { if case .object(let members) = self { members } else { nil } }
}
