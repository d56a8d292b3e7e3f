// SPDX-License-Identifier: Apache-2.0
// A length of time as people write it in files: an integer and a unit.

/// A length of time written as an integer and a unit: `500ms`, `30s`, `30m`, `2h`, `7d`.
package struct TimeSpan: Hashable, Sendable, Comparable {
    /// The length in milliseconds, never negative.
    package let milliseconds: Int64

    /// Makes a span of a number of milliseconds; a negative number counts as none.
    package init(milliseconds: Int64) {
        self.milliseconds = max(0, milliseconds)
    }

    /// Makes a span of whole seconds.
    package static func seconds(_ count: Int64) -> TimeSpan {
        TimeSpan(milliseconds: count * 1000)
    }

    /// Reads `30m`; nothing for a bare number, an unknown unit, a sign, a fraction, or more than 100 years.
    package init?(_ text: String) {
        guard case .success(let span) = TimeSpan.parse(text) else { return nil }
        self = span
    }

    /// The same length for clocks and timers.
    package var duration: Duration { .milliseconds(milliseconds) }

    /// By length.
    package static func < (left: TimeSpan, right: TimeSpan) -> Bool {
        left.milliseconds < right.milliseconds
    }
}

extension TimeSpan: CustomStringConvertible {
    /// The shortest exact form: `90s`, not `90000ms`; `2h`, not `120m`.
    package var description: String {
        for unit in Self.units.reversed() where milliseconds != 0 && milliseconds % unit.factor == 0 {
            return "\(milliseconds / unit.factor)\(unit.name)"
        }
        return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
    }
}

extension TimeSpan: Codable {
    /// Reads the form that people write, `30m`.
    ///
    /// - Throws: `DecodingError` when the text is not a length of time.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let span = TimeSpan(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "`\(text)` is not a length of time")
        }
        self = span
    }

    /// Writes the form that people write, `30m`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension TimeSpan {
    /// The regular expression of JSON Schema for what `init(_:)` reads.
    package static let pattern = "^[0-9]+(ms|s|m|h|d)$"

    static let units: [(name: String, factor: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Longer than any session or lease can be meant to last; keeps the arithmetic of clocks far from overflow.
    private static let longest: Int64 = 100 * 365 * 86_400_000

    static func parse(_ text: String) -> Result<TimeSpan, QuantityError> {
        Quantity.parse(text, units: units, examples: "`30s`, `5m` or `2h`", limit: longest)
            .map { TimeSpan(milliseconds: $0) }
    }
}
