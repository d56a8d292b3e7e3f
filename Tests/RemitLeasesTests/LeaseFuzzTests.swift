// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitLeases
import Testing

/// splitmix64, so that a failing seed can be run again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A machine under random inputs, with what must hold checked at each.
private struct FuzzedLease {
    static let secret = "s3cr3t-Kx9vQ2-never-in-a-record"
    static let content = Secret(Array(secret.utf8))

    var harness: LeaseHarness
    var generator: SeededGenerator
    var isMintingDurable = false
    var isAgentHolding = false
    /// What would exist at a provider that does as it is told.
    var isAcknowledged = false
    var provenGone = false
    var violations: [String] = []
    private var seenRecords = 0
    private var seenCalls = 0
    private var epoch = 1

    init(seed: UInt64) {
        generator = SeededGenerator(seed)
        let deadline = Duration.milliseconds(Int.random(in: 500...600_000, using: &generator))
        harness = LeaseHarness(LeaseHarness.request(deadline: deadline), policy: LeaseHarness.policy { $0 / 2 })
    }

    mutating func step() {
        harness.pass(.milliseconds(Int.random(in: 0...20_000, using: &generator)))
        if Int.random(in: 0..<40, using: &generator) == 0 {
            harness.now.wall = harness.now.wall.advanced(by: .seconds(Int.random(in: -4000...4000, using: &generator)))
        }
        send(randomInput())
    }

    private mutating func randomInput() -> LeaseInput {
        let failure = LeaseFailure(
            LeaseFailure.Class.allCases.randomElement(using: &generator) ?? .transient, "no",
            isDefinite: Bool.random(using: &generator)
        )
        let seconds = Int.random(in: -5...150, using: &generator)
        let expires = harness.now.wall.advanced(by: .seconds(seconds))
        let content = Self.content
        switch Int.random(in: 0..<16, using: &generator) {
        case 0: return .start
        case 1: return .journaled
        case 2: return Int.random(in: 0..<4, using: &generator) == 0 ? .journalFailed(reason: "full") : .journaled
        case 3: return .issued(IssuedCredential(content: content, expires: expires, facts: ["role": "r"]))
        case 4: return .renewed(expires: expires, content: Bool.random(using: &generator) ? content : nil)
        case 5: return .failed(failure)
        case 6: return .timedOut
        case 7, 8: return .tick
        case 9: return .suspend(reason: "scope")
        case 10: return .resume
        case 11: return Int.random(in: 0..<4, using: &generator) == 0 ? .end(reason: "completed") : .tick
        case 12: return .acknowledged
        case 13: return .probed(ProbeFinding.allCases.randomElement(using: &generator) ?? .gone)
        case 14: return Int.random(in: 0..<20, using: &generator) == 0 ? .deny(reason: "no") : .tick
        default:
            guard Int.random(in: 0..<10, using: &generator) == 0 else { return .tick }
            epoch += Int.random(in: 0...1, using: &generator)
            return .recovered(epoch: epoch)
        }
    }

    mutating func send(_ input: LeaseInput) {
        let before = harness.machine.lease
        let inFlight = harness.machine.inFlight
        let deliveries = harness.delivered.count
        let withdrawals = harness.withdrawals
        if case .journaled = input, before.state == .minting { isMintingDurable = true }
        if case .acknowledged = input, inFlight == .revoke { (isAcknowledged, provenGone) = (true, false) }
        if case .failed(let failure) = input, inFlight == .revoke, failure.kind == .gone {
            (isAcknowledged, provenGone) = (true, false)
        }
        if case .probed(let finding) = input, inFlight == .probe { provenGone = isAcknowledged && finding == .gone }
        harness.send(input, journal: false)
        check(before, input, deliveries, withdrawals)
        let after = harness.machine.lease.state
        if after == .revoking && harness.lastCall == .revoke && harness.calls.count > seenCalls {
            isAcknowledged = false
        }
        seenRecords = harness.records.count
        seenCalls = harness.calls.count
    }

    private mutating func check(_ before: Lease, _ input: LeaseInput, _ deliveries: Int, _ withdrawals: Int) {
        let after = harness.machine.lease
        if before.state.isTerminal && (after != before || harness.calls.count > seenCalls) {
            violations.append("\(before.state) is not final")
        }
        let calls = harness.calls[seenCalls...]
        if calls.count > 1 { violations.append("two calls at once") }
        if calls.contains(where: { $0.operation == .issue }) {
            if !isMintingDurable { violations.append("issue before its record is durable") }
            if harness.calls.filter({ $0.operation == .issue }).count > 1 { violations.append("two issues") }
        }
        if harness.delivered.count > deliveries { isAgentHolding = true }
        if harness.withdrawals > withdrawals && harness.delivered.count == deliveries { isAgentHolding = false }
        if isAgentHolding != after.state.isUsable {
            violations.append("agent holds \(isAgentHolding) in \(after.state)")
        }
        if after.state == .revoked && before.state != .revoked && !provenGone {
            violations.append("revoked without a probe after an acknowledgement")
        }
        if after.state == .void && before.state != .void && before.state == .unknown && !provenGone {
            violations.append("void without a probe after an acknowledgement")
        }
        if after.state.isUsable, let expires = after.expires, before.state.isUsable, case .tick = input,
            harness.now.reached(expires) || harness.now.reached(after.deadline)
        {
            violations.append("usable after its end")
        }
        if let asked = calls.last?.notAfter.flatMap(WallInstant.init(rfc3339:)), asked > after.deadline.wall {
            violations.append("asked for more than the deadline")
        }
        if harness.alarms.contains(where: { $0.contains("cannot follow") }) { violations.append(harness.alarms[0]) }
        for record in harness.records[seenRecords...] {
            let texts = [record.reason, record.message, record.facts, record.scope, record.verifiedBy, record.handle]
            if texts.contains(where: { $0?.contains(Self.secret) == true }) {
                violations.append("a secret in \(record.event)")
            }
        }
    }

    /// Crash now: fold what was recorded, take over, and let the provider cooperate.
    func recoveryEnds(_ prefix: Int, rebooted: Bool) -> Bool {
        guard let lease = LeaseLedger.fold(harness.records.prefix(prefix)).first else { return true }
        if lease.state.isTerminal { return true }
        var again = LeaseHarness(recovering: lease, at: harness.now, policy: LeaseHarness.policy { $0 / 2 })
        if rebooted { again.reboot(after: .seconds(30)) }
        again.send(.recovered(epoch: lease.epoch + 1))
        for _ in 0..<40 where !again.state.isTerminal {
            switch again.machine.inFlight {
            case .probe: again.send(.probed(.gone))
            case .revoke: again.send(.acknowledged)
            default:
                guard let wake = again.wake else { return false }
                again.passAndTick(max(.zero, again.now.boot.duration(to: wake)))
            }
        }
        return again.state.isTerminal
    }
}

@Suite struct LeaseFuzzTests {
    @Test func `a hundred thousand random lives break no rule`() {
        var reached: Set<LeaseState> = []
        for seed in 0..<100_000 as Range<UInt64> {
            var lease = FuzzedLease(seed: seed)
            if seed % 4 != 0 { lease.send(.start) }
            if seed % 4 > 1 { lease.send(.journaled) }
            let count = 5 + Int(seed % 60)
            for _ in 0..<count {
                lease.step()
                reached.insert(lease.harness.state)
            }
            guard lease.violations.isEmpty else {
                Issue.record("seed \(seed): \(lease.violations[0])")
                return
            }
        }
        #expect(reached == Set(LeaseState.allCases))
    }

    @Test func `the fold of the records is the machine's lease at every moment`() {
        for seed in 0..<5_000 as Range<UInt64> {
            var lease = FuzzedLease(seed: seed)
            lease.send(.start)
            lease.send(.journaled)
            var ledger = LeaseLedger()
            var folded = 0
            for _ in 0..<40 {
                lease.step()
                for record in lease.harness.records[folded...] { ledger.append(record) }
                folded = lease.harness.records.count
                guard ledger.refused.isEmpty, ledger.leases == [lease.harness.machine.lease] else {
                    Issue.record("seed \(seed): \(ledger.refused.first?.error.description ?? "another lease")")
                    return
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func `a crash after any record ends in a terminal state`(rebooted: Bool) {
        for seed in 0..<2_000 as Range<UInt64> {
            var lease = FuzzedLease(seed: seed)
            lease.send(.start)
            lease.send(.journaled)
            for _ in 0..<30 { lease.step() }
            for prefix in 0...lease.harness.records.count where !lease.recoveryEnds(prefix, rebooted: rebooted) {
                Issue.record("seed \(seed) stays open after record \(prefix)")
                return
            }
        }
    }

    @Test func `every record survives its flat form`() throws {
        for seed in 0..<2_000 as Range<UInt64> {
            var lease = FuzzedLease(seed: seed)
            lease.send(.start)
            for _ in 0..<30 { lease.step() }
            for record in lease.harness.records {
                #expect(try LeaseRecord(type: record.event.rawValue, fields: record.fields) == record)
            }
        }
    }
}
