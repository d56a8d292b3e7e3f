// SPDX-License-Identifier: Apache-2.0

import RemitJournal
import RemitKernel
import RemitSession
import Testing

@Suite struct SessionHistoryTests {
    private func moment(_ second: Int) -> Moment {
        Moment(
            wall: WallInstant(nanoseconds: Int64(second) * 1_000_000_000),
            boot: BootInstant(nanoseconds: UInt64(second) * 1_000_000_000)
        )
    }

    private func history(_ records: [(String, JSONValue)]) -> SessionHistory {
        var history = SessionHistory(session: "s")
        for (index, record) in records.enumerated() { history.apply(record.0, record.1, at: moment(index + 1)) }
        return history
    }

    private let admission: JSONValue = [
        "task": "fix", "owner": "alice", "intent": "Fix it", "ticket": "T-1", "profile": "default",
        "command": ["sh", "-c", "true"],
        "workspace": "/w", "taskDigest": "aa", "profileDigest": "bb", "planDigest": "cc", "deadlineMilliseconds": 5000,
        "hasOutcome": true, "degradedAllowed": ["cgroup"],
        "layers": [["name": "seccomp", "state": "enforced", "detail": "x"]],
        "epoch": 1, "bootIdentifier": "boot", "supervisor": ["pid": 10, "startTicks": 20],
        "init": ["pid": 11, "startTicks": 21],
        "cgroup": "/sys/fs/cgroup/x", "controllers": ["pids": "/sys/fs/cgroup/pids/x"],
    ]

    @Test func `a whole session folds into what it was`() {
        let told = history([
            ("session.admitted", admission), ("session.launched", [:]), ("session.started", [:]),
            ("session.exited", ["code": 3]),
            ("session.ending", ["reason": "failed", "detail": "d"]), ("session.fenced", [:]),
            ("session.dead", ["processes": 0]),
            ("session.revoked", [:]), ("session.verified", [:]),
            ("session.outcome", ["state": "not-met", "details": ["x"], "artifacts": [["path": "r", "sha256": "ab"]]]),
            (JournalRecord.sealedType, [:]),
        ])
        #expect(
            told.task == "fix" && told.owner == "alice" && told.ticket == "T-1" && told.command == ["sh", "-c", "true"])
        #expect(told.supervisor == ProcessIdentity(pid: 10, startTicks: 20))
        #expect(told.initProcess == ProcessIdentity(pid: 11, startTicks: 21))
        #expect(told.layers == [ReceiptLayer(name: "seccomp", state: .enforced, detail: "x")])
        #expect(
            told.degradedAllowed == ["cgroup"] && told.hasOutcome && told.epoch == 1
                && told.deadlineMilliseconds == 5000)
        #expect(told.controllers == ["pids": "/sys/fs/cgroup/pids/x"])
        #expect(told.reason == .failed && told.detail == "d" && told.exit == .code(3) && told.processesLeft == 0)
        #expect(told.outcome?.state == .notMet && told.outcome?.artifacts.map(\.path) == ["r"])
        let times = [
            told.admitted, told.launched, told.started, told.endDecided, told.fenced, told.lastProcessDead,
            told.revoked, told.verified, told.sealed,
        ]
        #expect(times.compactMap { $0 } == [1, 2, 3, 5, 6, 7, 8, 9, 11].map(moment))
    }

    @Test func `the first reason stands`() {
        let told = history([
            ("session.ending", ["reason": "deadline", "detail": "2s"]), ("session.adopted", ["epoch": 2]),
            ("session.ending", ["reason": "supervisor-lost"]),
        ])
        #expect(told.reason == .deadline && told.detail == "2s" && told.endDecided == moment(1) && told.epoch == 2)
    }

    @Test func `every adoption is a new epoch, also one that does not say which`() {
        #expect(
            history([("session.admitted", ["epoch": 1]), ("session.adopted", [:]), ("session.adopted", [:])]).epoch == 3
        )
    }

    @Test func `denials keep the last count of each call, limits add up`() {
        let told = history([
            ("session.denied", ["call": "unshare", "count": 1]), ("session.denied", ["call": "unshare", "count": 4]),
            ("session.denied", ["call": "mount", "count": 2]), ("session.limit", ["name": "memory"]),
            ("session.denied", [:]),
        ])
        #expect(told.denials == ["unshare": 4, "mount": 2])
        #expect(told.limitsReached == ["memory"])
    }

    @Test func `what the session used is told once, and only what is a figure`() {
        let told = history([
            ("session.resources", ["cpuMicroseconds": 5]),
            ("session.limit", ["name": "memory"]), ("session.limit", ["name": "memory"]),
            ("session.resources", ["memoryPeakBytes": 4096, "tea": 1, "memoryKills": "two", "ioReadBytes": -1]),
        ])
        #expect(told.resources.figures == [.memoryPeakBytes: 4096])
        #expect(told.limitsReached == ["memory"])
        let receipt = told.receipt(journal: JournalHead(hash: "aa", count: 4), leases: [])
        #expect(receipt.resources == told.resources)
    }

    @Test func `what is not understood changes nothing`() {
        let told = history([
            ("session.tea", ["x": 1]),
            ("session.admitted", ["command": "text", "layers": [1, ["name": "x"]], "supervisor": ["pid": "1"]]),
            ("session.ending", ["reason": "boredom"]), ("session.exited", ["code": "x"]),
            ("session.outcome", ["state": "fine"]),
            ("session.dead", ["processes": nil]),
        ])
        #expect(told.command.isEmpty && told.layers.isEmpty && told.supervisor == nil && told.exit == .unknown)
        #expect(told.outcome == nil && told.processesLeft == nil && told.lastProcessDead == moment(6))
    }

    @Test func `processes that nobody could count are not zero`() {
        let told = history([("session.admitted", admission), ("session.dead", ["processes": nil])])
        let receipt = told.receipt(journal: JournalHead(hash: "aa", count: 2), leases: [])
        #expect(receipt.processesLeft == nil)
        #expect(receipt.reason == .supervisorLost)
        #expect(receipt.outcome.state == .notEvaluated)
    }
}
