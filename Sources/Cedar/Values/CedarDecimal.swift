// SPDX-License-Identifier: Apache-2.0

/// A decimal number with four digits after the point, the extension type `decimal`.
public struct CedarDecimal: Hashable, Comparable, Sendable {
    /// The number in ten-thousandths.
    public let tenThousandths: Int64

    /// The number of `tenThousandths`/10000.
    public init(tenThousandths: Int64) {
        self.tenThousandths = tenThousandths
    }

    /// Reads an optional `-`, digits, a point and one to four digits; nil for anything else, and out of range.
    public init?(_ text: CedarString) {
        var reader = ByteReader(text)
        let isNegative = reader.skip("-")
        guard let whole = reader.digits(atLeast: 1, negative: isNegative), reader.skip("."),
            let (fraction, count) = reader.fraction(atMost: 4), reader.isAtEnd
        else { return nil }
        let (scaled, overflow) = whole.multipliedReportingOverflow(by: 10_000)
        var tail = Int64(fraction)
        for _ in count..<4 { tail *= 10 }
        let (sum, overflow2) = scaled.addingReportingOverflow(isNegative ? -tail : tail)
        guard !overflow, !overflow2 else { return nil }
        tenThousandths = sum
    }

    /// Whether `left` is the smaller number.
    public static func < (left: CedarDecimal, right: CedarDecimal) -> Bool {
        left.tenThousandths < right.tenThousandths
    }
}

extension CedarDecimal: CustomStringConvertible {
    /// The shortest text the number is read from: at least one digit after the point.
    public var description: String {
        let magnitude = tenThousandths.magnitude
        var fraction = String(magnitude % 10_000)
        fraction = String(repeating: "0", count: 4 - fraction.utf8.count) + fraction
        while fraction.utf8.count > 1, fraction.utf8.last == UInt8(ascii: "0") { fraction.removeLast() }
        return "\(tenThousandths < 0 ? "-" : "")\(magnitude / 10_000).\(fraction)"
    }
}
