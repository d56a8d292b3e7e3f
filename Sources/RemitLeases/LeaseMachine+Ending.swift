// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

extension LeaseMachine {
    mutating func end(_ reason: String, _ now: Stamp, _ out: inout [LeaseAction]) {
        switch lease.state {
        case .requested:
            note(.void, now, &out) {
                $0.reason = reason
                $0.verifiedBy = "never-issued"
            }
        case .minting where awaiting == .issue:
            awaiting = nil
            note(.void, now, &out) {
                $0.reason = reason
                $0.verifiedBy = "never-issued"
            }
        case .minting: ending = ending ?? reason
        case .active, .renewing, .suspended: beginRevoking(reason, now, &out)
        default: break
        }
    }

    /// Takes the credential away from the agent and begins to end it at the provider.
    mutating func beginRevoking(
        _ reason: String,
        expires: Stamp? = nil,
        _ now: Stamp,
        _ out: inout [LeaseAction]
    ) {
        withdraw(&out)
        credential = nil
        renewAt = nil
        awaiting = nil
        pace = nil
        note(.revoking, now, &out) {
            $0.reason = reason
            $0.expires = expires
        }
        // A renewal under way could undo a revocation that overtakes it, so its answer comes first.
        if inFlight == nil { call(.revoke, &out) }
    }

    mutating func acknowledged(_ now: Stamp, _ out: inout [LeaseAction]) {
        guard inFlight == .revoke else { return }
        inFlight = nil
        isFenced = true
        note(.acknowledged, now, &out)
        call(.probe, &out)
    }

    mutating func probed(_ finding: ProbeFinding, _ now: Stamp, _ out: inout [LeaseAction]) {
        guard inFlight == .probe else { return }
        inFlight = nil
        switch (lease.state, finding) {
        case (.unknown, .gone): unknownIsGone(now, &out)
        case (.unknown, .present), (.unknown, .impossible): beginRevoking("issued, but the answer was lost", now, &out)
        case (_, .gone):
            note(.revoked, durable: true, now, &out) { $0.verifiedBy = "probe" }
        case (_, .present):
            retry(LeaseFailure(.transient, "revoked, but still present", isDefinite: true), now, &out)
        case (_, .impossible):
            note(.expiredPending, now, &out)
            settleExpiry(now, &out)
        }
    }

    private mutating func unknownIsGone(_ now: Stamp, _ out: inout [LeaseAction]) {
        // Revoking waits at the provider for an issue that still holds its lock, which a probe does not.
        guard isFenced else { return call(.revoke, &out) }
        if let settled, now.boot < settled {
            isFenced = false
            retryAt = settled
            return
        }
        note(.void, durable: true, now, &out) { $0.verifiedBy = "probe" }
    }

    mutating func settleExpiry(_ now: Stamp, _ out: inout [LeaseAction]) {
        guard lease.state == .expiredPending, let latest = lease.latestExpiry,
            now.isSurelyPast(latest, skew: policy.skew, rebootSkew: policy.rebootSkew)
        else { return }
        note(.expired, durable: true, now, &out) { $0.verifiedBy = "provider-ttl" }
    }

    mutating func endFailed(
        _ failure: LeaseFailure,
        _ operation: ProviderRequest.Operation,
        _ now: Stamp,
        _ out: inout [LeaseAction]
    ) {
        switch failure.kind {
        case .gone where operation == .revoke:
            // Not knowing it is as good as having revoked it, and proves as little.
            inFlight = .revoke
            acknowledged(now, &out)
        case .permanent: bury(failure, now, &out)
        case .gone, .transient, .auth: retry(failure, now, &out)
        }
    }

    private mutating func retry(_ failure: LeaseFailure, _ now: Stamp, _ out: inout [LeaseAction]) {
        if failure.kind == .auth { page(failure, &out) }
        // Our own access is for the operator to mend; it says nothing about the credential.
        let attempts = lease.attempts + (failure.kind == .auth ? 0 : 1)
        let since = lease.revokingSince ?? lease.mintingSince ?? now
        if lease.state == .deadLetter
            || attempts >= policy.deadLetterAttempts && now.elapsed(since: since) >= policy.deadLetterAge
        {
            return bury(failure, now, &out)
        }
        let pause = nextPause(now)
        retryAt = now.boot.advanced(by: pause)
        isFenced = false
        note(lease.state == .unknown ? .unknown : .revoking, now, &out) {
            $0.attempts = attempts
            $0.failure = failure.kind
            $0.message = failure.message
            $0.nextAttempt = now.wall.advanced(by: pause)
        }
    }

    private mutating func bury(_ failure: LeaseFailure, _ now: Stamp, _ out: inout [LeaseAction]) {
        let isNew = lease.state != .deadLetter
        let attempts = lease.attempts + 1
        let interval = policy.deadLetterInterval
        retryAt = now.boot.advanced(by: interval)
        isFenced = false
        note(.deadLetter, durable: isNew, now, &out) {
            $0.attempts = attempts
            $0.failure = failure.kind
            $0.message = failure.message
            $0.nextAttempt = now.wall.advanced(by: interval)
        }
        if isNew { out.append(.alarm(reason: "`\(lease.name)` cannot be revoked: \(failure.message)")) }
    }

    mutating func tryAgain(_ out: inout [LeaseAction]) { call(lease.state == .unknown ? .probe : .revoke, &out) }

    mutating func nextPause(_ now: Stamp) -> Duration {
        var pace = self.pace ?? RetryPace(policy.pace, began: now.boot)
        let pause = pace.next(at: now.boot, jitter: policy.jitter)
        self.pace = pace
        return pause
    }

    /// Tells a person once that our own access to the provider is refused.
    mutating func page(_ failure: LeaseFailure, _ out: inout [LeaseAction]) {
        if hasPaged { return }
        hasPaged = true
        out.append(.alarm(reason: "provider `\(lease.provider)` refuses our own access: \(failure.message)"))
    }

    // MARK: Recovery

    mutating func recovered(_ epoch: Int, _ now: Stamp, _ out: inout [LeaseAction]) {
        guard epoch > lease.epoch else {
            return out.append(.alarm(reason: "epoch \(epoch) is not newer than epoch \(lease.epoch)"))
        }
        withdraw(&out)
        (inFlight, awaiting, credential, renewAt, retryAt, pace) = (nil, nil, nil, nil, nil, nil)
        let reason = "the supervisor was lost"
        switch lease.state {
        case .requested:
            note(.void, epoch: epoch, now, &out) {
                $0.reason = reason
                $0.verifiedBy = "never-issued"
            }
        case .minting, .unknown:
            settled = settlement(now)
            doubt(nil, epoch: epoch, now, &out)
        case .active, .renewing, .suspended:
            note(.revoking, epoch: epoch, now, &out) { $0.reason = reason }
            call(.revoke, &out)
        case .revoking:
            note(.revoking, epoch: epoch, now, &out)
            call(.revoke, &out)
        case .deadLetter:
            note(.deadLetter, epoch: epoch, now, &out)
            call(.revoke, &out)
        case .expiredPending:
            note(.expiredPending, epoch: epoch, now, &out)
            settleExpiry(now, &out)
        case .denied, .void, .expired, .revoked: break
        }
    }

    /// When the issue of a lost supervisor can no longer begin: its time limit from now, or from the latest moment
    /// at which that supervisor could have begun it.
    private func settlement(_ now: Stamp) -> BootInstant {
        let limit = policy.issueTimeLimit + .seconds(1)
        guard let since = lease.mintingSince else { return now.boot.advanced(by: limit) }
        let left = policy.issuePatience + limit - now.elapsed(since: since)
        return now.boot.advanced(by: min(limit, max(left, .zero)))
    }
}
