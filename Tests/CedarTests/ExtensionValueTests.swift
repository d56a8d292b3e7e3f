// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cedar

struct ExtensionValueTests {
    @Test(
        arguments: [
            ("1.0", 10_000), ("-0.5", -5_000), ("12.3456", 123_456), ("00.1", 1_000),
            ("922337203685477.5807", Int64.max), ("-922337203685477.5808", Int64.min),
        ] as [(String, Int64)])
    func `a decimal has one to four digits after the point`(text: String, expected: Int64) {
        #expect(CedarDecimal(CedarString(text))?.tenThousandths == expected)
    }

    @Test(arguments: [
        "", "1", "1.", ".1", "+1.0", "1.00000", "1.0 ", " 1.0", "1e1", "1.0e1", "--1.0", "922337203685477.5808",
        "-922337203685477.5809", "99999999999999999999.0", "١.٠",
    ])
    func `other texts are no decimal`(text: String) {
        #expect(CedarDecimal(CedarString(text)) == nil)
    }

    @Test(arguments: ["0.0", "-0.1", "1.0001", "1234.5", "-922337203685477.5808"])
    func `a decimal is written as it is read`(text: String) {
        #expect(CedarDecimal(CedarString(text))?.description == text)
    }

    @Test(arguments: [
        ("1.1.1.1", "1.1.1.1"), ("1.1.1.1/32", "1.1.1.1"), ("10.0.0.1/24", "10.0.0.1/24"), ("::", "::"),
        ("::1", "::1"), ("1::", "1::"), ("FE80::0:1/64", "fe80::1/64"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("::/0", "::/0"),
    ])
    func `an address is read and written`(text: String, expected: String) {
        #expect(CedarIPAddress(CedarString(text))?.description == expected)
    }

    @Test(arguments: [
        "", "1", "1.1.1", "1.1.1.1.1", "01.1.1.1", "1.1.1.256", "1.1.1.1/33", "1.1.1.1/", "1.1.1.1/01", "1.1.1.1/+1",
        "1.1.1.1/1/1", ":", ":::", "1:::2", "::1::", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:8:9", "12345::",
        "::ffff:1.2.3.4", "::/129", "::/1000", "fe80::1%eth0", " ::1", "g::", "1:2:3:4::5:6:7:8",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa",
    ])
    func `other texts are no address`(text: String) {
        #expect(CedarIPAddress(CedarString(text)) == nil)
    }

    @Test func `ranges hold what their prefix says`() throws {
        let ip = { try #require(CedarIPAddress(CedarString($0))) } as (String) throws -> CedarIPAddress
        #expect(try ip("10.0.0.1").isInRange(ip("10.0.0.99/24")))
        #expect(try !ip("10.0.1.1").isInRange(ip("10.0.0.0/24")))
        #expect(try !ip("10.0.0.0/23").isInRange(ip("10.0.0.0/24")))
        #expect(try ip("1.2.3.4").isInRange(ip("0.0.0.0/0")))
        #expect(try ip("1::").isInRange(ip("::/0")))
        #expect(try !ip("1.2.3.4").isInRange(ip("::/0")))
        #expect(try ip("127.9.9.9").isLoopback && ip("::1").isLoopback && !ip("::2").isLoopback)
        #expect(try !ip("126.0.0.0/7").isLoopback)
        #expect(try ip("224.0.0.1").isMulticast && ip("ff02::1").isMulticast && !ip("223.0.0.1").isMulticast)
        #expect(try ip("10.0.0.1/24") != ip("10.0.0.0/24"))
    }

    @Test(
        arguments: [
            ("1970-01-01", 0), ("2024-02-29", 1_709_164_800_000), ("0000-01-01", -62_167_219_200_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("1969-12-31T23:59:59.999Z", -1),
            ("2024-10-15T11:35:00+0530", 1_728_972_300_000), ("1970-01-01T00:00:00-2359", 86_340_000),
        ] as [(String, Int64)])
    func `a datetime counts from the epoch`(text: String, expected: Int64) {
        #expect(CedarDatetime(CedarString(text))?.milliseconds == expected)
    }

    @Test(arguments: [
        "", "2024", "2024-2-3", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-01", "2024-01-00", "2024-04-31",
        "2024-01-01T", "2024-01-01Z", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z",
        "2016-12-31T23:59:60Z", "2024-01-01T00:00:00z", "2024-01-01t00:00:00Z", "2024-01-01T00:00:00+00:00",
        "2024-01-01T00:00:00+2400", "2024-01-01T00:00:00+0060", "2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.1234Z",
        "2024-01-01T00:00:00Z ", "-001-01-01", "2024-01-01T00:00Z",
    ])
    func `other texts are no datetime`(text: String) {
        #expect(CedarDatetime(CedarString(text)) == nil)
    }

    @Test func `days and times of day round towards the past`() throws {
        let noon = try #require(CedarDatetime("1969-12-31T12:00:00Z"))
        #expect(noon.time == CedarDuration("12h"))
        #expect(noon.date == CedarDatetime("1969-12-31"))
        #expect(CedarDatetime(milliseconds: .min).date == nil)
        #expect(CedarDatetime(milliseconds: .max).date != nil)
        #expect(CedarDatetime(milliseconds: .max).offset(by: CedarDuration(milliseconds: 1)) == nil)
        #expect(noon.description == "1969-12-31T12:00:00.000Z")
        #expect(CedarDatetime("2024-02-29T01:02:03.004Z")?.description == "2024-02-29T01:02:03.004Z")
        #expect(!CedarDatetime(milliseconds: .min).description.isEmpty)
    }

    @Test(
        arguments: [
            ("1d2h3m4s5ms", 93_784_005), ("-1ms", -1), ("0s", 0), ("1m", 60_000), ("1ms", 1), ("1m1ms", 60_001),
            ("-9223372036854775808ms", Int64.min), ("9223372036854775807ms", Int64.max), ("0001h", 3_600_000),
        ] as [(String, Int64)])
    func `a duration adds its parts`(text: String, expected: Int64) {
        #expect(CedarDuration(CedarString(text))?.milliseconds == expected)
    }

    @Test(arguments: [
        "", "-", "1", "h", "1h2d", "1h1h", "1 h", "1h ", "+1h", "1.5h", "1ms1s", "9223372036854775808ms",
        "106751991168d", "9223372036854775807ms1ms",
    ])
    func `other texts are no duration`(text: String) {
        #expect(CedarDuration(CedarString(text)) == nil)
    }

    @Test func `durations are written in whole units`() {
        #expect(CedarDuration("90m")?.description == "1h30m")
        #expect(CedarDuration(milliseconds: 0).description == "0ms")
        #expect(CedarDuration(milliseconds: .min).description == "-106751991167d7h12m55s808ms")
    }
}
