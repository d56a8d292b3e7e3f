// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitKernel

@testable import RemitJournal

/// A directory that is gone when the test is.
final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "remit-journal-\(Random.identifier(12))").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: file(name)))) }

    func write(_ bytes: [UInt8], to name: String, mode: Int = 0o600) throws {
        try Data(bytes).write(to: URL(filePath: file(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file(name))
    }
}

extension JournalClock {
    /// A clock that goes on by a millisecond each time it is read.
    static var ticking: JournalClock {
        var ticks: UInt64 = 0
        return JournalClock(
            wall: { WallInstant(nanoseconds: 1_795_000_000_000_000_000 + Int64(ticks) * 1_000_000) },
            boot: {
                ticks += 1
                return BootInstant(nanoseconds: 5_000_000_000 + ticks * 1_000_000)
            }
        )
    }
}

/// A journal of `records` ordinary records, sealed, and the key it is signed with.
func finishedJournal(
    records: Int, session: String = "s1", key: HostKey = HostKey(), sealBody: JSONValue = ["reason": "completed"]
) throws -> [UInt8] {
    let scratch = try Scratch()
    let writer = try JournalWriter.create(
        at: scratch.file("j"), session: session, key: key, clock: .ticking
    )
    for number in 0..<records {
        try writer.append(
            "lease.minting", ["name": "orders — \"db\"", "number": .integer(number), "tags": ["a", nil]])
    }
    _ = try writer.seal(sealBody)
    return try scratch.bytes("j")
}

func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true).map { Array($0) + [UInt8(ascii: "\n")] }
}

func sample(journal: JournalHead = JournalHead(hash: String(repeating: "d", count: 64), count: 7)) -> ReceiptPredicate {
    func moment(_ milliseconds: Int64) -> Moment {
        Moment(
            wall: WallInstant(nanoseconds: 1_795_000_000_000_000_000 + milliseconds * 1_000_000),
            boot: BootInstant(nanoseconds: UInt64(7_000_000_000 + milliseconds * 1_000_000))
        )
    }
    var times = ReceiptTimes(admitted: moment(0), sealed: moment(900))
    times.launched = moment(20)
    times.endDecided = moment(800)
    times.fenced = moment(802)
    times.lastProcessDead = moment(815)
    times.verified = moment(890)
    var predicate = ReceiptPredicate(
        session: "s1", task: "fix-orders", owner: "alice@example.com", intent: "fix the “rounding” error",
        ticket: "ORD-1234", reason: .deadline, exit: .signal(9), taskDigest: Hex.sha256([1]),
        planDigest: Hex.sha256([2]), journal: journal, times: times, processesLeft: 0
    )
    predicate.layers = [
        ReceiptLayer(name: "landlock", state: .enforced, detail: "ABI 4"),
        ReceiptLayer(name: "cgroup", state: .degraded, detail: "no delegation"),
    ]
    predicate.degradedAllowed = ["cgroup"]
    predicate.leases = [
        ReceiptLease(
            id: "l1", name: "orders-db", provider: "orders", handle: "as_l1", exposure: .agentHeld, state: "revoked",
            issuedAt: moment(10).wall, expiresAt: moment(60_000).wall, revokedAt: moment(850).wall, verifiedBy: "probe"
        )
    ]
    predicate.denials = ["connect": 3, "open": 1]
    predicate.outcome = ReceiptOutcome(
        state: .notMet, details: ["`report.json` is missing"],
        artifacts: [ReceiptOutcome.Artifact(path: "out/a.txt", digest: Hex.sha256([3]))]
    )
    predicate.proof = ReceiptProof(held: ["mount", "reach"], nanoseconds: 480_000)
    predicate.limitsReached = ["memory"]
    predicate.resources = ReceiptResources([.memoryPeakBytes: 67_108_864, .cpuMicroseconds: 120_000, .memoryKills: 1])
    return predicate
}
