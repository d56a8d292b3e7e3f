// SPDX-License-Identifier: Apache-2.0
// Names, addresses and patterns are stored as the text that a rule writes.

extension HostName: Codable {
    /// Reads the name's text.
    ///
    /// - Throws: `DecodingError` when it is not a name.
    package init(from decoder: any Decoder) throws {
        self = try decoder.decoded("a host name") { try? HostName($0) }
    }

    /// Writes the name's text.
    package func encode(to encoder: any Encoder) throws { try encoder.encode(text: text) }
}

extension IPAddress: Codable {
    /// Reads the address's text.
    ///
    /// - Throws: `DecodingError` when it is not an address.
    package init(from decoder: any Decoder) throws {
        self = try decoder.decoded("an address") { IPAddress($0) }
    }

    /// Writes the address's text.
    package func encode(to encoder: any Encoder) throws { try encoder.encode(text: description) }
}

extension HostPattern: Codable {
    /// Reads the pattern's text.
    ///
    /// - Throws: `DecodingError` when it is not a pattern.
    package init(from decoder: any Decoder) throws {
        self = try decoder.decoded("a host pattern") { try? HostPattern($0) }
    }

    /// Writes the pattern's text.
    package func encode(to encoder: any Encoder) throws { try encoder.encode(text: description) }
}

extension Network: Codable {
    /// Reads the range's text.
    ///
    /// - Throws: `DecodingError` when it is not a range.
    package init(from decoder: any Decoder) throws {
        self = try decoder.decoded("a range of addresses") { Network($0) }
    }

    /// Writes the range's text.
    package func encode(to encoder: any Encoder) throws { try encoder.encode(text: description) }
}

extension RequestPathPattern: Codable {
    /// Reads the pattern's text.
    ///
    /// - Throws: `DecodingError` when it is not a pattern.
    package init(from decoder: any Decoder) throws {
        self = try decoder.decoded("a path pattern") { RequestPathPattern($0) }
    }

    /// Writes the pattern's text.
    package func encode(to encoder: any Encoder) throws { try encoder.encode(text: text) }
}

extension Decoder {
    fileprivate func decoded<Value>(_ kind: String, _ read: (String) -> Value?) throws -> Value {
        let container = try singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = read(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "`\(text)` is not \(kind)")
        }
        return value
    }
}

extension Encoder {
    fileprivate func encode(text: String) throws {
        var container = singleValueContainer()
        try container.encode(text)
    }
}
