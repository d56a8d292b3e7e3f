// SPDX-License-Identifier: Apache-2.0

/// A point in time, the extension type `datetime`.
public struct CedarDatetime: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted; negative before.
    public let milliseconds: Int64

    /// The point `milliseconds` after the epoch.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Reads `YYYY-MM-DD`, `YYYY-MM-DDThh:mm:ss[.SSS]Z` or `YYYY-MM-DDThh:mm:ss[.SSS]±hhmm`; nil for anything else, for
    /// days that don't exist, and for leap seconds.
    public init?(_ text: CedarString) {
        var reader = ByteReader(text)
        guard let year = reader.digits(exactly: 4), reader.skip("-"),
            let month = reader.digits(exactly: 2), reader.skip("-"),
            let day = reader.digits(exactly: 2),
            let days = CedarDatetime.days(year: year, month: month, day: day)
        else { return nil }
        var milliseconds = days * 86_400_000
        if !reader.isAtEnd {
            guard reader.skip("T"),
                let hour = reader.digits(exactly: 2), hour < 24, reader.skip(":"),
                let minute = reader.digits(exactly: 2), minute < 60, reader.skip(":"),
                let second = reader.digits(exactly: 2), second < 60
            else { return nil }
            milliseconds += ((hour * 60 + minute) * 60 + second) * 1_000
            if reader.skip(".") {
                guard let fraction = reader.digits(exactly: 3) else { return nil }
                milliseconds += fraction
            }
            guard let offset = CedarDatetime.offset(&reader), reader.isAtEnd else { return nil }
            milliseconds -= offset
        }
        self.milliseconds = Int64(milliseconds)
    }

    /// Reads `Z` or `±hhmm`; in milliseconds east of Greenwich.
    private static func offset(_ reader: inout ByteReader) -> Int? {
        if reader.skip("Z") { return 0 }
        let isEast = reader.skip("+")
        guard isEast || reader.skip("-"),
            let hours = reader.digits(exactly: 2), hours < 24,
            let minutes = reader.digits(exactly: 2), minutes < 60
        else { return nil }
        let offset = (hours * 60 + minutes) * 60_000
        return isEast ? offset : -offset
    }

    /// Days from the epoch to a date of the proleptic Gregorian calendar, or nil where there is no such date.
    private static func days(year: Int, month: Int, day: Int) -> Int? {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...12).contains(month), day >= 1, day <= lengths[month - 1] else { return nil }
        // Counted from 0000-03-01, so that the leap day is the last of its year, in whole eras of 400 years.
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The point `duration` later, or nil out of range.
    public func offset(by duration: CedarDuration) -> CedarDatetime? {
        let (sum, overflow) = milliseconds.addingReportingOverflow(duration.milliseconds)
        return overflow ? nil : CedarDatetime(milliseconds: sum)
    }

    /// The time from `other` to this, or nil out of range.
    public func duration(since other: CedarDatetime) -> CedarDuration? {
        let (difference, overflow) = milliseconds.subtractingReportingOverflow(other.milliseconds)
        return overflow ? nil : CedarDuration(milliseconds: difference)
    }

    /// The midnight at which the day begins, or nil out of range.
    public var date: CedarDatetime? {
        let (start, overflow) = milliseconds.subtractingReportingOverflow(time.milliseconds)
        return overflow ? nil : CedarDatetime(milliseconds: start)
    }

    /// The time since midnight, also before the epoch.
    public var time: CedarDuration {
        let rest = milliseconds % 86_400_000
        return CedarDuration(milliseconds: rest < 0 ? rest + 86_400_000 : rest)
    }

    /// Whether `left` is earlier.
    public static func < (left: CedarDatetime, right: CedarDatetime) -> Bool {
        left.milliseconds < right.milliseconds
    }
}

extension CedarDatetime: CustomStringConvertible {
    /// The point in UTC with milliseconds; for years beyond four digits the text isn't one that is read again.
    public var description: String {
        let time = time.milliseconds
        let midnight = (milliseconds / 86_400_000) - (milliseconds % 86_400_000 < 0 ? 1 : 0)
        let (year, month, day) = CedarDatetime.date(days: midnight)
        let sign = year < 0 ? "-" : ""
        let clock = [time / 3_600_000, time / 60_000 % 60, time / 1_000 % 60].map { CedarDatetime.padded($0, to: 2) }
        return sign + CedarDatetime.padded(abs(year), to: 4) + "-" + CedarDatetime.padded(month, to: 2) + "-"
            + CedarDatetime.padded(day, to: 2) + "T" + clock.joined(separator: ":") + "."
            + CedarDatetime.padded(time % 1_000, to: 3) + "Z"
    }

    /// The text the point is read from; nil for years of more than four digits, which can be computed, but not written.
    var literal: String? {
        let text = description
        return CedarDatetime(CedarString(text)) == self ? text : nil
    }

    /// The date `days` after the epoch.
    private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }

    private static func padded(_ number: Int64, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
