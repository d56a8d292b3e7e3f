// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitLeases
import Testing

@Suite struct LeaseMachineIssuingTests {
    @Test func `nothing is asked of the provider before minting is on disk`() {
        var lease = LeaseHarness()
        lease.send(.start, journal: false)
        #expect(lease.events == [.requested, .minting])
        #expect(lease.calls.isEmpty)
        #expect(lease.records.last?.handle == "remit_0123456789abcdefghjk")
        lease.send(.journaled)
        #expect(lease.calls.map(\.operation) == [.issue])
        #expect(lease.calls[0].handle == "remit_0123456789abcdefghjk")
        #expect(lease.calls[0].notAfter == lease.now.advanced(by: .seconds(120)).wall.rfc3339)
        #expect(lease.calls[0].scope == ["tables": .list([.string("orders")])])
    }

    @Test func `a journal that refuses minting leaves a void lease and no call`() {
        var lease = LeaseHarness()
        lease.send(.start, journal: false)
        lease.send(.journalFailed(reason: "no space"))
        #expect(lease.state == .void)
        #expect(lease.calls.isEmpty)
    }

    @Test func `a denied lease never reaches the provider`() {
        var lease = LeaseHarness()
        lease.send(.deny(reason: "policy"))
        lease.send(.start)
        #expect(lease.state == .denied)
        #expect(lease.calls.isEmpty)
    }

    @Test func `an issued credential is delivered once and renewed at half of its time`() {
        let lease = LeaseHarness.active()
        #expect(lease.state == .active)
        #expect(lease.deliveredText == ["secret-content"])
        #expect(lease.wake == lease.now.boot.advanced(by: .seconds(60)))
        #expect(lease.machine.lease.facts == #"{"role":"r"}"#)
    }

    @Test(arguments: [LeaseFailure.Class.permanent, .auth])
    func `a definite refusal leaves a void lease`(kind: LeaseFailure.Class) {
        var lease = LeaseHarness()
        lease.send(.start)
        lease.send(.failed(LeaseFailure(kind, "no", isDefinite: true)))
        #expect(lease.state == .void)
        #expect(lease.machine.lease.lastFailure == kind)
    }

    @Test(arguments: [LeaseFailure.Class.permanent, .transient, .gone])
    func `an unclear refusal is looked into by name`(kind: LeaseFailure.Class) {
        var lease = LeaseHarness()
        lease.send(.start)
        lease.send(.failed(LeaseFailure(kind, "what", isDefinite: false)))
        #expect(lease.state == .unknown)
        #expect(lease.lastCall == .probe)
    }

    @Test func `an unknown lease is void only after revoking and a second probe`() {
        var lease = LeaseHarness()
        lease.send(.start)
        lease.send(.timedOut)
        #expect(lease.state == .unknown)
        lease.send(.probed(.gone))
        #expect(lease.state == .unknown)
        #expect(lease.lastCall == .revoke)
        lease.send(.acknowledged)
        lease.send(.probed(.gone))
        #expect(lease.state == .void)
        #expect(lease.machine.lease.verifiedBy == "probe")
    }

    @Test func `an unknown lease that exists is revoked`() {
        var lease = LeaseHarness()
        lease.send(.start)
        lease.send(.timedOut)
        lease.send(.probed(.present))
        #expect(lease.state == .revoking)
        lease.send(.acknowledged)
        lease.send(.probed(.gone))
        #expect(lease.state == .revoked)
    }

    @Test func `an expiry later than asked is revoked and not delivered`() {
        var lease = LeaseHarness()
        lease.send(.start)
        lease.issue(for: .seconds(122))
        #expect(lease.state == .revoking)
        #expect(lease.lastCall == .revoke)
        #expect(lease.delivered.isEmpty)
        #expect(lease.alarms.count == 1)
        #expect(lease.machine.lease.expires?.wall == lease.now.advanced(by: .seconds(122)).wall)
    }

    @Test func `what was issued after its own expiry is revoked and not delivered`() {
        var lease = LeaseHarness()
        lease.send(.start)
        lease.issue(for: .seconds(-1))
        #expect(lease.state == .revoking)
        #expect(lease.delivered.isEmpty)
    }

    @Test func `the expiry asked for never passes the deadline`() {
        var lease = LeaseHarness(LeaseHarness.request(deadline: .seconds(30)))
        lease.send(.start)
        #expect(lease.calls[0].notAfter == LeaseHarness.start.advanced(by: .seconds(30)).wall.rfc3339)
        lease.issue(for: .seconds(30))
        #expect(lease.wake == lease.now.boot.advanced(by: .seconds(30)))
    }

    @Test func `a deadline too near is not worth a credential`() {
        var lease = LeaseHarness(LeaseHarness.request(deadline: .milliseconds(900)))
        lease.send(.start)
        #expect(lease.state == .void)
        #expect(lease.calls.isEmpty)
    }

    @Test func `ending before the call begins leaves a void lease`() {
        var lease = LeaseHarness()
        lease.send(.start, journal: false)
        lease.send(.end(reason: "killed"))
        lease.send(.journaled)
        #expect(lease.state == .void)
        #expect(lease.calls.isEmpty)
    }

    @Test func `ending while the provider issues waits for the reply and then revokes`() {
        var lease = LeaseHarness()
        lease.send(.start)
        lease.send(.end(reason: "killed"))
        #expect(lease.state == .minting)
        lease.issue()
        #expect(lease.state == .revoking)
        #expect(lease.delivered.isEmpty)
        #expect(lease.machine.lease.reason == "killed")
    }
}

@Suite struct LeaseMachineRenewingTests {
    @Test func `a renewal is on disk before the provider is asked`() {
        var lease = LeaseHarness.active()
        lease.pass(.seconds(60))
        lease.send(.tick, journal: false)
        #expect(lease.state == .renewing)
        #expect(lease.calls.map(\.operation) == [.issue])
        lease.send(.journaled)
        #expect(lease.lastCall == .renew)
        lease.send(.renewed(expires: lease.now.wall.advanced(by: .seconds(120)), content: nil))
        #expect(lease.state == .active)
        #expect(lease.machine.lease.renewals == 1)
        #expect(lease.delivered.count == 1)
        #expect(lease.wake == lease.now.boot.advanced(by: .seconds(60)))
    }

    @Test func `new content of a renewal replaces the old`() {
        var lease = LeaseHarness.active()
        lease.passAndTick(.seconds(60))
        let content = Secret(Array("second".utf8))
        lease.send(.renewed(expires: lease.now.wall.advanced(by: .seconds(120)), content: content))
        #expect(lease.deliveredText == ["secret-content", "second"])
    }

    @Test func `no renewal reaches past the deadline`() {
        var lease = LeaseHarness.active(LeaseHarness.request(deadline: .seconds(150)))
        lease.passAndTick(.seconds(60))
        #expect(lease.calls.last?.notAfter == LeaseHarness.start.advanced(by: .seconds(150)).wall.rfc3339)
        lease.send(.renewed(expires: LeaseHarness.start.advanced(by: .seconds(150)).wall, content: nil))
        #expect(lease.wake == LeaseHarness.start.boot.advanced(by: .seconds(150)))
        lease.passAndTick(.seconds(90))
        #expect(lease.state == .revoking)
        #expect(lease.machine.lease.reason == "deadline")
        #expect(lease.withdrawals == 1)
    }

    @Test func `a renewal for longer than asked is revoked`() {
        var lease = LeaseHarness.active()
        lease.passAndTick(.seconds(60))
        lease.send(.renewed(expires: lease.now.wall.advanced(by: .seconds(3600)), content: nil))
        #expect(lease.state == .revoking)
        #expect(lease.withdrawals == 1)
        #expect(lease.machine.lease.expires?.wall == lease.now.wall.advanced(by: .seconds(3600)))
    }

    @Test func `a failing renewal is tried again until the expiry and then revoked`() {
        var lease = LeaseHarness.active()
        lease.passAndTick(.seconds(60))
        var tries = 0
        while lease.state != .revoking {
            tries += 1
            if lease.state == .renewing { lease.send(.failed(.transient())) }
            guard let wake = lease.wake else { break }
            lease.passAndTick(lease.now.boot.duration(to: wake))
        }
        #expect(tries > 3 && tries < 20)
        #expect(lease.state == .revoking)
        #expect(lease.machine.lease.reason == "expired")
        #expect(lease.now.boot <= LeaseHarness.start.boot.advanced(by: .seconds(121)))
        // A lost renewal may have happened, so waiting for the expiry means the last one asked for.
        lease.send(.failed(.transient()))
        lease.passAndTick(.seconds(1))
        lease.send(.acknowledged)
        lease.send(.probed(.impossible))
        #expect(lease.wake.map { $0 > LeaseHarness.start.boot.advanced(by: .seconds(200)) } == true)
    }

    @Test func `a renewal refused for good keeps the credential until its expiry`() {
        var lease = LeaseHarness.active()
        lease.passAndTick(.seconds(60))
        lease.send(.failed(LeaseFailure(.permanent, "no", isDefinite: true)))
        #expect(lease.state == .active)
        #expect(lease.alarms.count == 1)
        #expect(lease.wake.map { $0 > lease.now.boot.advanced(by: .seconds(59)) } == true)
    }

    @Test func `a credential the provider no longer knows is withdrawn and verified`() {
        var lease = LeaseHarness.active()
        lease.passAndTick(.seconds(60))
        lease.send(.failed(LeaseFailure(.gone, "unknown", isDefinite: true)))
        #expect(lease.state == .revoking)
        #expect(lease.withdrawals == 1)
        #expect(lease.lastCall == .revoke)
    }

    @Test func `the end waits for a renewal under way before it revokes`() {
        var lease = LeaseHarness.active()
        lease.passAndTick(.seconds(60))
        lease.send(.end(reason: "completed"))
        #expect(lease.state == .revoking)
        #expect(lease.withdrawals == 1)
        #expect(lease.lastCall == .renew)
        lease.send(.renewed(expires: lease.now.wall.advanced(by: .seconds(120)), content: nil))
        #expect(lease.lastCall == .revoke)
        #expect(lease.delivered.count == 1)
    }

    @Test func `a suspended credential is withdrawn, not renewed, and delivered again when resumed`() {
        var lease = LeaseHarness.active()
        lease.send(.suspend(reason: "scope"))
        #expect(lease.state == .suspended)
        #expect(lease.withdrawals == 1)
        lease.passAndTick(.seconds(70))
        #expect(lease.state == .suspended)
        lease.send(.resume)
        #expect(lease.state == .active)
        #expect(lease.delivered.count == 2)
        lease.send(.tick)
        #expect(lease.lastCall == .renew)
    }

    @Test func `a suspended credential that expires is revoked`() {
        var lease = LeaseHarness.active()
        lease.send(.suspend(reason: "scope"))
        lease.passAndTick(.seconds(120))
        #expect(lease.state == .revoking)
        lease.send(.resume)
        #expect(lease.delivered.count == 1)
    }

    @Test func `a suspension asked for while issuing holds from the start`() {
        var lease = LeaseHarness()
        lease.send(.start)
        lease.send(.suspend(reason: "approval"))
        lease.issue()
        #expect(lease.state == .suspended)
        #expect(lease.delivered.isEmpty)
        lease.send(.resume)
        #expect(lease.delivered.count == 1)
    }

    @Test func `setting the clock back does not prolong the use of a credential`() {
        var lease = LeaseHarness.active()
        lease.send(.suspend(reason: "keep it from renewing"))
        lease.now.wall = lease.now.wall.advanced(by: .seconds(-3600))
        lease.passAndTick(.seconds(120))
        #expect(lease.state == .revoking)
    }

    @Test func `setting the clock forward ends the use of a credential`() {
        var lease = LeaseHarness.active()
        lease.now.wall = lease.now.wall.advanced(by: .seconds(3600))
        lease.send(.tick)
        #expect(lease.state == .revoking)
    }
}
