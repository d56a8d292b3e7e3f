// SPDX-License-Identifier: Apache-2.0
// A size as people write it in files: plain bytes, or an integer and a binary unit.

/// A number of bytes written as `4096`, `512KiB`, `64MiB`, `4GiB` or `1TiB`.
package struct ByteCount: Hashable, Sendable, Comparable {
    /// The number of bytes, at most 2^62.
    package let bytes: UInt64

    /// Makes a size of a number of bytes; more than 2^62 counts as 2^62.
    package init(bytes: UInt64) {
        self.bytes = min(bytes, UInt64(Self.largest))
    }

    /// Reads `4GiB` or plain bytes; nothing for decimal units such as `GB`, a sign, a fraction, or more than 2^62.
    package init?(_ text: String) {
        guard case .success(let count) = ByteCount.parse(text) else { return nil }
        self = count
    }

    /// By number of bytes.
    package static func < (left: ByteCount, right: ByteCount) -> Bool {
        left.bytes < right.bytes
    }
}

extension ByteCount: CustomStringConvertible {
    /// The shortest exact form: `4GiB`, or plain bytes when no unit fits.
    package var description: String {
        for unit in Self.units.reversed() where bytes != 0 && bytes % UInt64(unit.factor) == 0 {
            return "\(bytes / UInt64(unit.factor))\(unit.name)"
        }
        return "\(bytes)"
    }
}

extension ByteCount: Codable {
    /// Reads the form that people write, `4GiB`.
    ///
    /// - Throws: `DecodingError` when the text is not a size.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let count = ByteCount(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "`\(text)` is not a size")
        }
        self = count
    }

    /// Writes the form that people write, `4GiB`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension ByteCount {
    /// The regular expression of JSON Schema for what `init(_:)` reads.
    package static let pattern = "^[0-9]+(KiB|MiB|GiB|TiB)?$"

    static let units: [(name: String, factor: Int64)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    private static let largest: Int64 = 1 << 62

    static func parse(_ text: String) -> Result<ByteCount, QuantityError> {
        Quantity.parse(text, units: [("", 1)] + units, examples: "`512KiB`, `64MiB` or `4GiB`", limit: largest)
            .map { ByteCount(bytes: UInt64($0)) }
    }
}
