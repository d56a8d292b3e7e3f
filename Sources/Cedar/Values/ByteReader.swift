// SPDX-License-Identifier: Apache-2.0

/// Reads the texts of extension values from left to right.
struct ByteReader {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: CedarString) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { index == bytes.count }

    /// The byte to be read next.
    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    /// Reads `text` where it is next, wholly or not at all.
    mutating func skip(_ text: String) -> Bool {
        guard bytes[index...].starts(with: text.utf8) else { return false }
        index += text.utf8.count
        return true
    }

    /// Reads all ASCII digits that follow as one number, negated where `negative`.
    ///
    /// Returns nil where there are fewer than `count`, or the number is out of range.
    mutating func digits(atLeast count: Int, negative: Bool = false) -> Int64? {
        let start = index
        var number: Int64 = 0
        while let digit = digit() {
            let (scaled, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = scaled.addingReportingOverflow(negative ? -digit : digit)
            guard !overflow, !overflow2 else { return nil }
            number = sum
        }
        return index - start >= count ? number : nil
    }

    /// Reads exactly `count` (at most 18) ASCII digits.
    mutating func digits(exactly count: Int) -> Int? {
        var number = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            number = number * 10 + Int(digit)
        }
        return number
    }

    /// Reads all ASCII digits that follow, of which there must be between 1 and `most`; with how many there were.
    mutating func fraction(atMost most: Int) -> (Int, count: Int)? {
        var number = 0
        var count = 0
        while let digit = digit() {
            count += 1
            guard count <= most else { return nil }
            number = number * 10 + Int(digit)
        }
        return count > 0 ? (number, count) : nil
    }

    private mutating func digit() -> Int64? {
        guard let next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) else { return nil }
        index += 1
        return Int64(next - UInt8(ascii: "0"))
    }
}
