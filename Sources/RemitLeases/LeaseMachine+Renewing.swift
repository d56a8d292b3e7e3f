// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

extension LeaseMachine {
    /// Plans the next renewal at half of the time that is left, unless the deadline leaves nothing to gain.
    mutating func planRenewal(_ now: Stamp) {
        pace = nil
        renewAt = nil
        guard wish?.isRenewable == true, let expires = lease.expires,
            expires.wall < lease.deadline.wall.advanced(by: .seconds(-1))
        else { return }
        renewAt = now.boot.advanced(by: now.boot.duration(to: now.moment(reaching: expires)) / 2)
    }

    mutating func renew(_ now: Stamp, _ out: inout [LeaseAction]) {
        guard lease.state == .active, inFlight == nil, awaiting == nil else { return }
        renewAt = nil
        let expiry = nextExpiry(now)
        asked = expiry
        awaiting = .renew
        // The provider may prolong it and the answer be lost, so the later expiry is on record first.
        note(.renewing, durable: true, now, &out) { $0.expires = expiry }
    }

    mutating func renewed(_ wall: WallInstant, _ content: Secret?, _ now: Stamp, _ out: inout [LeaseAction]) {
        guard inFlight == .renew else { return }
        inFlight = nil
        if lease.state == .revoking { return call(.revoke, &out) }
        guard lease.state == .renewing || lease.state == .suspended, let asked else { return }
        let expires = now.projected(to: wall)
        if wall > asked.wall.advanced(by: policy.expiryTolerance) {
            out.append(.alarm(reason: "provider `\(lease.provider)` renewed `\(lease.name)` for longer than asked"))
            return beginRevoking("renewed for longer than asked", expires: expires, now, &out)
        }
        note(.renewed, now, &out) { $0.expires = expires }
        hasPaged = false
        if let content {
            credential = content
            if lease.state == .active {
                isDelivered = true
                out.append(.deliver(content))
            }
        }
        planRenewal(now)
    }

    mutating func renewalFailed(_ failure: LeaseFailure, _ now: Stamp, _ out: inout [LeaseAction]) {
        if lease.state == .revoking { return call(.revoke, &out) }
        guard lease.state == .renewing || lease.state == .suspended else { return }
        note(.renewalFailed, now, &out) {
            $0.failure = failure.kind
            $0.message = failure.message
        }
        switch failure.kind {
        case .gone: return beginRevoking("the provider no longer knows it", now, &out)
        case .permanent:
            renewAt = nil
            out.append(.alarm(reason: "`\(lease.name)` cannot be renewed: \(failure.message)"))
        case .auth, .transient:
            if failure.kind == .auth { page(failure, &out) }
            renewAt = now.boot.advanced(by: max(.milliseconds(100), nextPause(now)))
        }
    }

    mutating func suspend(_ reason: String, _ now: Stamp, _ out: inout [LeaseAction]) {
        switch lease.state {
        case .active, .renewing:
            // A renewal that has not begun will not; one under way may finish.
            if awaiting == .renew { awaiting = nil }
            withdraw(&out)
            note(.suspended, now, &out) { $0.reason = reason }
        case .requested, .minting: suspending = reason
        default: break
        }
    }

    mutating func resume(_ now: Stamp, _ out: inout [LeaseAction]) {
        suspending = nil
        guard lease.state == .suspended, let credential, !now.reached(useLimit) else { return }
        note(.resumed, now, &out)
        isDelivered = true
        out.append(.deliver(credential))
        // While suspended nothing is renewed, so it may be overdue.
        if inFlight == nil && renewAt == nil { planRenewal(now) }
    }
}
