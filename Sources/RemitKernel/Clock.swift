// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A moment on CLOCK_BOOTTIME, which goes on while the machine sleeps and which nobody can set.
package struct BootInstant: Comparable, Hashable, Sendable, Codable {
    /// Nanoseconds since boot.
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static var now: BootInstant {
        BootInstant(nanoseconds: UInt64(clamping: nanosecondsOf(CLOCK_BOOTTIME)))
    }

    /// The moment `duration` later; a result before boot is boot, one beyond the clock is its end.
    package func advanced(by duration: Duration) -> BootInstant {
        let step = duration.nanoseconds
        if step >= 0 {
            let (sum, overflow) = nanoseconds.addingReportingOverflow(UInt64(step))
            return BootInstant(nanoseconds: overflow ? .max : sum)
        }
        let back = step.magnitude
        return BootInstant(nanoseconds: nanoseconds > back ? nanoseconds - back : 0)
    }

    package func duration(to other: BootInstant) -> Duration {
        .nanoseconds(Int64(clamping: other.nanoseconds) - Int64(clamping: nanoseconds))
    }

    package static func < (left: BootInstant, right: BootInstant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The kernel's name for this boot; a boot time of another boot means nothing.
    package static let bootIdentifier: String =
        (try? FileSystem.read("/proc/sys/kernel/random/boot_id", limit: 64)).map {
            String(decoding: $0, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined()
        } ?? ""
}

/// A moment on CLOCK_REALTIME, for people and for other machines.
package struct WallInstant: Comparable, Hashable, Sendable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static var now: WallInstant { WallInstant(nanoseconds: nanosecondsOf(CLOCK_REALTIME)) }

    package func advanced(by duration: Duration) -> WallInstant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return WallInstant(nanoseconds: overflow ? (duration.nanoseconds < 0 ? .min : .max) : sum)
    }

    package static func < (left: WallInstant, right: WallInstant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// RFC 3339 in UTC with nanoseconds, for example `2026-11-23T20:31:52.123456789Z`.
    package var rfc3339: String {
        let seconds = nanoseconds.flooredQuotient(by: 1_000_000_000)
        let days = seconds.flooredQuotient(by: 86_400)
        let second = seconds - days * 86_400
        let (year, month, day) = Self.civil(days)
        let time = [second / 3600, second / 60 % 60, second % 60].map { $0.padded(2) }.joined(separator: ":")
        let fraction = (nanoseconds - seconds * 1_000_000_000).padded(9)
        return "\(year.padded(4))-\(month.padded(2))-\(day.padded(2))T\(time).\(fraction)Z"
    }

    /// Reads what ``rfc3339`` writes, with any number of fraction digits up to nine; only UTC (`Z`).
    package init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        func has(_ character: Unicode.Scalar, at index: Int) -> Bool {
            index < bytes.count && bytes[index] == UInt8(character.value)
        }
        guard let year = number(0..<4), has("-", at: 4), let month = number(5..<7), has("-", at: 7),
            let day = number(8..<10), has("T", at: 10), let hour = number(11..<13), has(":", at: 13),
            let minute = number(14..<16), has(":", at: 16), let second = number(17..<19),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60,
            year >= 1700, year < 2260
        else { return nil }
        var fraction: Int64 = 0
        var end = 19
        if has(".", at: 19) {
            let digits = bytes[20...].prefix { (48...57).contains($0) }
            guard (1...9).contains(digits.count), let value = number(20..<20 + digits.count) else { return nil }
            fraction = value
            for _ in digits.count..<9 { fraction *= 10 }
            end = 20 + digits.count
        }
        guard has("Z", at: end), bytes.count == end + 1 else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        guard Self.civil(days) == (year, month, day) else { return nil }
        nanoseconds = ((days * 24 + hour) * 60 + minute) * 60_000_000_000 + second * 1_000_000_000 + fraction
    }

    // Howard Hinnant's proleptic Gregorian calendar arithmetic, days since 1970-01-01.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted.flooredQuotient(by: 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

private func nanosecondsOf(_ clock: CInt) -> Int64 {
    let time = linux_clock(clock)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

extension Duration {
    /// The whole duration in nanoseconds, clamped to what fits.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carried) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds, for showing.
    package var seconds: Double { Double(nanoseconds) / 1e9 }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    fileprivate func padded(_ width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}
