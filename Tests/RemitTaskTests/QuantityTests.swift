// SPDX-License-Identifier: Apache-2.0

import RemitTask
import Testing

@Suite struct QuantityTests {
    @Test(arguments: [
        ("500ms", 500, "500ms"), ("30s", 30_000, "30s"), ("90s", 90_000, "90s"), ("60s", 60_000, "1m"),
        ("120m", 7_200_000, "2h"), ("7d", 604_800_000, "7d"), ("0s", 0, "0s"), ("1500ms", 1500, "1500ms"),
    ])
    func `a length of time is read and printed in its shortest form`(text: String, milliseconds: Int64, printed: String)
    {
        #expect(TimeSpan(text)?.milliseconds == milliseconds)
        #expect(TimeSpan(text)?.description == printed)
        #expect(TimeSpan(text)?.duration == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        ("512KiB", 524_288, "512KiB"), ("1024KiB", 1_048_576, "1MiB"), ("4GiB", 4_294_967_296, "4GiB"),
        ("1TiB", 1_099_511_627_776, "1TiB"), ("1000", 1000, "1000"), ("0", 0, "0"),
    ])
    func `a size is read and printed in its shortest form`(text: String, bytes: UInt64, printed: String) {
        #expect(ByteCount(text)?.bytes == bytes)
        #expect(ByteCount(text)?.description == printed)
    }

    @Test(arguments: ["", "30", "m", "-1s", "+1s", "1 s", "1S", "1.5s", "٣s", "1s ", "99999999999d"])
    func `what is no length of time is refused`(text: String) {
        #expect(TimeSpan(text) == nil)
    }

    @Test(arguments: ["", "KiB", "-1", "4GB", "4G", "4 GiB", "4gib", "0x10", "1e3", "9999999999TiB"])
    func `what is no size is refused`(text: String) {
        #expect(ByteCount(text) == nil)
    }

    @Test func `a task may end where its profile goes on, and not the other way`() {
        let io = TransferLimits(read: ByteCount(bytes: 8192))
        let profile = Limits(io: io, whenReached: .end)
        let (limits, violations) = profile.lowered(
            by: Limits(
                io: TransferLimits(read: ByteCount(bytes: 9000), write: ByteCount(bytes: 4096)), whenReached: .continue)
        )
        #expect(violations.map(\.limit) == ["io.read", "whenReached"])
        #expect(limits.io == TransferLimits(read: ByteCount(bytes: 8192), write: ByteCount(bytes: 4096)))
        #expect(limits.whenReached == .end)
        #expect(Limits(whenReached: .continue).lowered(by: Limits(whenReached: .end)).limits.whenReached == .end)
        #expect(Limits().lowered(by: Limits()).limits == Limits())
    }

    @Test func `a task lowers the limits of its profile and cannot raise them`() {
        let profile = Limits(memory: ByteCount(bytes: 100), processes: 10, openFiles: 64)
        let task = Limits(memory: ByteCount(bytes: 50), processes: 20, cpu: 0.5)
        let (limits, violations) = profile.lowered(by: task)
        #expect(limits == Limits(memory: ByteCount(bytes: 50), processes: 10, cpu: 0.5, openFiles: 64))
        #expect(violations.map(\.description) == ["limit `processes` of `20` is above the profile's `10`"])
    }
}
