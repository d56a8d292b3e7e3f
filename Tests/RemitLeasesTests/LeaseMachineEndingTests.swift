// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitLeases
import Testing

@Suite struct LeaseMachineEndingTests {
    @Test func `an acknowledgement proves nothing, a probe does`() {
        var lease = LeaseHarness.revoking()
        #expect(lease.withdrawals == 1)
        lease.send(.acknowledged)
        #expect(lease.state == .revoking)
        #expect(lease.lastCall == .probe)
        lease.send(.probed(.gone))
        #expect(lease.state == .revoked)
        #expect(lease.machine.lease.verifiedBy == "probe")
    }

    @Test func `a provider that does not know the lease is probed as well`() {
        var lease = LeaseHarness.revoking()
        lease.send(.failed(LeaseFailure(.gone, "unknown lease", isDefinite: true)))
        #expect(lease.state == .revoking)
        #expect(lease.lastCall == .probe)
    }

    @Test func `a lie is revoked again`() {
        var lease = LeaseHarness.revoking()
        lease.send(.acknowledged)
        lease.send(.probed(.present))
        #expect(lease.state == .revoking)
        #expect(lease.machine.lease.attempts == 1)
        #expect(lease.machine.lease.acknowledgedAt == nil)
        lease.passAndTick(.seconds(1))
        #expect(lease.lastCall == .revoke)
    }

    @Test func `a failed probe revokes again before it probes again`() {
        var lease = LeaseHarness.revoking()
        lease.send(.acknowledged)
        lease.send(.timedOut)
        lease.passAndTick(.seconds(1))
        #expect(lease.lastCall == .revoke)
    }

    @Test func `the first minute is quick and the time after is patient`() {
        var lease = LeaseHarness.revoking()
        var waits: [Duration] = []
        while lease.state == .revoking, waits.count < 100 {
            lease.send(.failed(.transient()))
            guard let wake = lease.wake, lease.state == .revoking else { break }
            waits.append(lease.now.boot.duration(to: wake))
            lease.passAndTick(waits[waits.count - 1])
        }
        #expect(
            waits.prefix(7) == [
                .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8),
                .seconds(15),
            ])
        #expect(
            waits.dropFirst(9).prefix(6) == [
                .seconds(10), .seconds(20), .seconds(40), .seconds(80), .seconds(160), .seconds(300),
            ])
        #expect(lease.state == .deadLetter)
        #expect(lease.machine.lease.attempts >= 10)
        #expect(lease.alarms.count == 1)
        #expect(lease.wake == lease.now.boot.advanced(by: .seconds(3600)))
    }

    @Test func `jitter may shorten every wait and never lengthens one`() {
        var lease = LeaseHarness.revoking(policy: LeaseHarness.policy { _ in 0 })
        lease.send(.failed(.transient()))
        #expect(lease.wake == lease.now.boot)
        var long = LeaseHarness.revoking(policy: LeaseHarness.policy { _ in 1_000_000 })
        long.send(.failed(.transient()))
        #expect(long.wake == long.now.boot.advanced(by: .milliseconds(250)))
    }

    @Test func `many quick failures are no dead letter before a quarter of an hour`() {
        var lease = LeaseHarness.revoking(policy: LeaseHarness.policy { _ in 0 })
        for _ in 0..<50 {
            lease.send(.failed(.transient()))
            lease.passAndTick(.milliseconds(10))
        }
        #expect(lease.state == .revoking)
        #expect(lease.machine.lease.attempts == 50)
        lease.pass(.seconds(900))
        lease.send(.failed(.transient()))
        #expect(lease.state == .deadLetter)
    }

    @Test func `a quarter of an hour is no dead letter before ten failures`() {
        var lease = LeaseHarness.revoking()
        lease.pass(.seconds(3000))
        for _ in 0..<9 {
            lease.send(.failed(.transient()))
            #expect(lease.state == .revoking)
            lease.passAndTick(.seconds(300))
        }
        lease.send(.failed(.transient()))
        #expect(lease.state == .deadLetter)
    }

    @Test func `a dead letter is tried hourly and can still be revoked`() {
        var lease = LeaseHarness.revoking()
        lease.send(.failed(LeaseFailure(.permanent, "not allowed", isDefinite: true)))
        #expect(lease.state == .deadLetter)
        let calls = lease.calls.count
        lease.passAndTick(.seconds(3599))
        #expect(lease.calls.count == calls)
        lease.passAndTick(.seconds(1))
        #expect(lease.lastCall == .revoke)
        lease.send(.failed(.transient()))
        #expect(lease.state == .deadLetter)
        #expect(lease.alarms.count == 1)
        lease.passAndTick(.seconds(3600))
        lease.send(.acknowledged)
        lease.send(.probed(.gone))
        #expect(lease.state == .revoked)
    }

    @Test func `our own refused access pages once and burns no attempts`() {
        var lease = LeaseHarness.revoking()
        for _ in 0..<30 {
            lease.send(.failed(LeaseFailure(.auth, "password", isDefinite: true)))
            lease.passAndTick(.seconds(300))
        }
        #expect(lease.state == .revoking)
        #expect(lease.machine.lease.attempts == 0)
        #expect(lease.alarms.count == 1)
    }

    @Test func `what cannot be probed ends with its expiry on both clocks`() {
        var lease = LeaseHarness.revoking()
        lease.send(.acknowledged)
        lease.send(.probed(.impossible))
        #expect(lease.state == .expiredPending)
        #expect(lease.wake == LeaseHarness.start.boot.advanced(by: .seconds(125)))
        lease.now.wall = lease.now.wall.advanced(by: .seconds(3600))
        lease.send(.tick)
        #expect(lease.state == .expiredPending)
        lease.now.wall = lease.now.wall.advanced(by: .seconds(-3600))
        lease.passAndTick(.seconds(124))
        #expect(lease.state == .expiredPending)
        lease.passAndTick(.seconds(1))
        #expect(lease.state == .expired)
        #expect(lease.machine.lease.verifiedBy == "provider-ttl")
    }

    @Test func `nothing follows a terminal state`() {
        var lease = LeaseHarness.revoking()
        lease.send(.acknowledged)
        lease.send(.probed(.gone))
        let (records, calls) = (lease.records.count, lease.calls.count)
        for input: LeaseInput in [.start, .end(reason: "x"), .tick, .recovered(epoch: 9), .probed(.present), .resume] {
            lease.send(input)
        }
        #expect(lease.records.count == records && lease.calls.count == calls && lease.wake == nil)
    }
}

@Suite struct LeaseMachineRecoveryTests {
    @Test func `an active lease of a lost supervisor is revoked under the new epoch`() {
        let old = LeaseHarness.active()
        var lease = LeaseHarness(recovering: old.machine.lease, at: old.now.advanced(by: .seconds(3)))
        lease.send(.recovered(epoch: 2))
        #expect(lease.state == .revoking)
        #expect(lease.machine.lease.epoch == 2)
        #expect(lease.calls.last?.epoch == 2)
        #expect(lease.lastCall == .revoke)
    }

    @Test func `an epoch that is not newer is refused`() {
        let old = LeaseHarness.active()
        var lease = LeaseHarness(recovering: old.machine.lease, at: old.now)
        lease.send(.recovered(epoch: 1))
        #expect(lease.calls.isEmpty && lease.records.isEmpty)
        #expect(lease.alarms.count == 1)
    }

    @Test func `a lost issue is void only after it can no longer begin`() {
        var old = LeaseHarness()
        old.send(.start)
        var lease = LeaseHarness(recovering: old.machine.lease, at: old.now.advanced(by: .seconds(1)))
        lease.send(.recovered(epoch: 2))
        #expect(lease.state == .unknown)
        lease.send(.probed(.gone))
        lease.send(.acknowledged)
        lease.send(.probed(.gone))
        #expect(lease.state == .unknown)
        #expect(lease.wake == lease.now.boot.advanced(by: .seconds(11)))
        lease.passAndTick(.seconds(11))
        #expect(lease.lastCall == .probe)
        lease.send(.probed(.gone))
        #expect(lease.lastCall == .revoke)
        lease.send(.acknowledged)
        lease.send(.probed(.gone))
        #expect(lease.state == .void)
    }

    @Test func `a lost issue that committed late is found by the second look`() {
        var old = LeaseHarness()
        old.send(.start)
        var lease = LeaseHarness(recovering: old.machine.lease, at: old.now)
        lease.send(.recovered(epoch: 2))
        lease.send(.probed(.gone))
        lease.send(.acknowledged)
        lease.send(.probed(.gone))
        lease.passAndTick(.seconds(11))
        lease.send(.probed(.present))
        #expect(lease.state == .revoking)
        #expect(lease.lastCall == .revoke)
    }

    @Test func `a lost issue of long ago needs no second look`() {
        var old = LeaseHarness()
        old.send(.start)
        var lease = LeaseHarness(recovering: old.machine.lease, at: old.now.advanced(by: .seconds(3600)))
        lease.send(.recovered(epoch: 2))
        lease.send(.probed(.gone))
        lease.send(.acknowledged)
        lease.send(.probed(.gone))
        #expect(lease.state == .void)
    }

    @Test func `after a reboot an expiry is judged by wall time with a wider margin`() {
        var lease = LeaseHarness.revoking()
        lease.send(.acknowledged)
        lease.send(.probed(.impossible))
        var again = LeaseHarness(recovering: lease.machine.lease, at: lease.now)
        again.reboot(after: .seconds(130))
        again.send(.recovered(epoch: 2))
        #expect(again.state == .expiredPending)
        #expect(again.wake == again.now.boot.advanced(by: .seconds(50)))
        again.passAndTick(.seconds(50))
        #expect(again.state == .expired)
    }

    @Test func `a request that was never begun is void`() {
        let lease = LeaseHarness()
        var again = LeaseHarness(recovering: lease.machine.lease, at: lease.now)
        again.send(.recovered(epoch: 2))
        #expect(again.state == .void)
        #expect(again.calls.isEmpty)
    }

    @Test func `a dead letter is tried at once by whoever takes over`() {
        var lease = LeaseHarness.revoking()
        lease.send(.failed(LeaseFailure(.permanent, "not allowed", isDefinite: true)))
        var again = LeaseHarness(recovering: lease.machine.lease, at: lease.now)
        again.send(.recovered(epoch: 2))
        #expect(again.lastCall == .revoke)
        again.send(.acknowledged)
        again.send(.probed(.gone))
        #expect(again.state == .revoked)
    }
}
