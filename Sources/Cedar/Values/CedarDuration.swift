// SPDX-License-Identifier: Apache-2.0

/// A span of time in milliseconds, the extension type `duration`.
public struct CedarDuration: Hashable, Comparable, Sendable {
    /// The span, which may be negative.
    public let milliseconds: Int64

    /// The span of `milliseconds`.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Reads an optional `-` and quantities in the order `d`, `h`, `m`, `s`, `ms`, each at most once, at least one, such
    /// as `1d2h30m`; nil for anything else, and out of range.
    public init?(_ text: CedarString) {
        var reader = ByteReader(text)
        let isNegative = reader.skip("-")
        var total: Int64 = 0
        var last = -1
        repeat {
            guard let quantity = reader.digits(atLeast: 1, negative: isNegative),
                let unit = CedarDuration.unit(&reader), unit > last
            else { return nil }
            last = unit
            let (part, overflow) = quantity.multipliedReportingOverflow(by: CedarDuration.factors[unit])
            let (sum, overflow2) = total.addingReportingOverflow(part)
            guard !overflow, !overflow2 else { return nil }
            total = sum
        } while !reader.isAtEnd
        milliseconds = total
    }

    private static let factors: [Int64] = [86_400_000, 3_600_000, 60_000, 1_000, 1]

    /// Reads a unit; its index in ``factors``. Milliseconds first, since `m` is the beginning of `ms`.
    private static func unit(_ reader: inout ByteReader) -> Int? {
        for (unit, index) in [("ms", 4), ("d", 0), ("h", 1), ("m", 2), ("s", 3)] where reader.skip(unit) {
            return index
        }
        return nil
    }

    /// Whether `left` is the smaller span.
    public static func < (left: CedarDuration, right: CedarDuration) -> Bool {
        left.milliseconds < right.milliseconds
    }
}

extension CedarDuration: CustomStringConvertible {
    /// The shortest text the span is read from: whole units, the largest first.
    public var description: String {
        if milliseconds == 0 { return "0ms" }
        var rest = milliseconds.magnitude
        var text = milliseconds < 0 ? "-" : ""
        for (factor, unit) in zip(CedarDuration.factors, ["d", "h", "m", "s", "ms"]) where rest >= factor.magnitude {
            text += "\(rest / factor.magnitude)\(unit)"
            rest %= factor.magnitude
        }
        return text
    }
}
