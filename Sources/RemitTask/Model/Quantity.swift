// SPDX-License-Identifier: Apache-2.0
// The one reader for an integer with a unit, so that lengths of time and sizes refuse the same mistakes alike.

/// Why a quantity was refused: the end of a sentence that begins with the offending text.
package struct QuantityError: Error, Hashable, Sendable {
    /// What is wrong, to follow the offending text: `has no unit`.
    package let problem: String
    /// What to write instead.
    package let hint: String?
}

enum Quantity {
    /// Reads digits followed by one of the units, given with their factors; the unit `""` allows a bare number.
    static func parse(
        _ text: String, units: [(name: String, factor: Int64)], examples: String, limit: Int64
    ) -> Result<Int64, QuantityError> {
        func refuse(_ problem: String, hint: String? = nil) -> Result<Int64, QuantityError> {
            .failure(QuantityError(problem: problem, hint: hint ?? "write \(examples)"))
        }
        let digits = String(text.prefix { $0.isASCII && $0.isWholeNumber })
        let unit = String(text.dropFirst(digits.count))
        guard !text.isEmpty else { return refuse("is empty") }
        guard !digits.isEmpty else {
            return refuse(text.utf8.first == UInt8(ascii: "-") ? "is negative" : "does not begin with a number")
        }
        guard let factor = units.first(where: { $0.name == unit })?.factor else {
            let names = units.map(\.name).filter { !$0.isEmpty }.joined(separator: ", ")
            if unit.isEmpty { return refuse("has no unit: use one of \(names)") }
            let trimmed = String(unit.drop { $0 == " " || $0 == "\t" })
            if trimmed != unit, units.contains(where: { $0.name == trimmed }) {
                return refuse("has a space before its unit", hint: "write `\(Excerpt.of(digits))\(trimmed)`")
            }
            if unit.utf8.first == UInt8(ascii: ".") { return refuse("is not a whole number: use a smaller unit") }
            let near = units.map(\.name).first { $0.lowercased() == unit.lowercased() } ?? decimalTwin(unit, in: units)
            return refuse(
                "has the unknown unit `\(Excerpt.of(unit))`: use one of \(names)",
                hint: near.map { "write `\(Excerpt.of(digits))\($0)`" }
            )
        }
        guard let number = Int64(digits) else { return refuse("is too large") }
        let (value, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow, value <= limit else { return refuse("is too large") }
        return .success(value)
    }

    /// `GB`, `G` and `Gi` mean `GiB`; `min`, `sec` and `hours` mean `m`, `s` and `h`.
    private static func decimalTwin(_ unit: String, in units: [(name: String, factor: Int64)]) -> String? {
        guard let first = unit.lowercased().first else { return nil }
        let twins = units.filter { $0.name.lowercased().first == first }
        return twins.first { $0.name.count == 1 || $0.name.hasSuffix("iB") }?.name
    }
}
