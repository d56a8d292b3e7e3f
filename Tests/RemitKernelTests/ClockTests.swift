// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import Testing

@Suite struct ClockTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (1_795_552_312_123_456_789, "2026-11-24T20:31:52.123456789Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
            (-2_208_988_800_000_000_000, "1900-01-01T00:00:00.000000000Z"),
        ] as [(Int64, String)])
    func `a moment is written as RFC 3339 and read back`(_ nanoseconds: Int64, _ text: String) {
        #expect(WallInstant(nanoseconds: nanoseconds).rfc3339 == text)
        #expect(WallInstant(rfc3339: text)?.nanoseconds == nanoseconds)
    }

    @Test func `any moment survives the round trip`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            // 1700 to 2259: what the reader accepts.
            let moment = WallInstant(
                nanoseconds: Int64.random(in: -8_500_000_000_000_000_000...9_100_000_000_000_000_000, using: &generator)
            )
            #expect(WallInstant(rfc3339: moment.rfc3339) == moment, "\(moment.rfc3339)")
        }
    }

    @Test(arguments: [
        "", "Z", "2026-11-23", "2026-11-23T20:31:52", "2026-11-23t20:31:52Z", "2026-11-23T20:31:52z",
        "2026-11-23T20:31:52+00:00", "2026-11-23T20:31:52.Z", "2026-11-23T20:31:52.1234567890Z", "2026-02-30T00:00:00Z",
        "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-23T24:00:00Z",
        "2026-11-23T20:60:00Z", "2026-11-23T20:31:60Z", "2026-11-23T20:31:52ZZ", " 2026-11-23T20:31:52Z",
        "+026-11-23T20:31:52Z", "2026-11-23T20:31:52.1 Z", "9999-11-23T20:31:52Z", "2026-11-23T20:31:-1Z",
        "２０26-11-23T20:31:52Z",
    ])
    func `what is not RFC 3339 in UTC is refused`(_ text: String) {
        #expect(WallInstant(rfc3339: text) == nil)
    }

    @Test func `a short fraction counts as what it is`() {
        #expect(WallInstant(rfc3339: "1970-01-01T00:00:00.5Z")?.nanoseconds == 500_000_000)
        #expect(WallInstant(rfc3339: "1970-01-01T00:00:00.000000001Z")?.nanoseconds == 1)
        #expect(WallInstant(rfc3339: "1970-01-01T00:00:01Z")?.nanoseconds == 1_000_000_000)
    }

    @Test func `the boot clock does not go beyond its ends`() {
        let start = BootInstant(nanoseconds: 10)
        #expect(start.advanced(by: .nanoseconds(-11)).nanoseconds == 0)
        #expect(start.advanced(by: .nanoseconds(5)).nanoseconds == 15)
        #expect(BootInstant(nanoseconds: .max - 1).advanced(by: .seconds(1)).nanoseconds == .max)
        #expect(start.advanced(by: .seconds(Int64.max)).nanoseconds == UInt64(Int64.max) + 10)
        #expect(start.duration(to: BootInstant(nanoseconds: 4)) == .nanoseconds(-6))
    }

    @Test func `a duration is clamped to the nanoseconds that fit`() {
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        #expect(Duration.milliseconds(-1500).nanoseconds == -1_500_000_000)
        #expect(WallInstant(nanoseconds: .max).advanced(by: .seconds(1)).nanoseconds == .max)
        #expect(WallInstant(nanoseconds: .min).advanced(by: .seconds(-1)).nanoseconds == .min)
    }

    @Test func `both clocks go forward`() {
        let (boot, wall) = (BootInstant.now, WallInstant.now)
        #expect(BootInstant.now >= boot)
        #expect(wall.nanoseconds > 1_700_000_000_000_000_000)
        #expect(BootInstant.bootIdentifier.count == 36)
    }
}
