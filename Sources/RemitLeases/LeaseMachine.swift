// SPDX-License-Identifier: Apache-2.0
// One lease's life as a value: each input returns what is to be done, and nothing is done here.

internal import RemitKernel

/// The state machine of one lease.
///
/// Every change of ``lease`` goes through a record, so that folding the records gives the same lease again. The rest
/// (what is in flight, when to try again, the credential itself) is lost with the process, and recovery assumes the
/// worst about it.
package struct LeaseMachine: Sendable {
    /// The durable half.
    package private(set) var lease: Lease
    /// The one call that has begun and not answered.
    package internal(set) var inFlight: ProviderRequest.Operation?

    let policy: LeasePolicy
    let wish: LeaseRequest?

    /// The call that waits for its record to be on disk.
    var awaiting: ProviderRequest.Operation?
    /// The expiry asked for by the call in flight.
    var asked: Stamp?
    /// Held only to deliver it again after a suspension.
    var credential: Secret?
    var isDelivered = false
    /// The end was asked for while an issue was under way.
    var ending: String?
    var suspending: String?
    var renewAt: BootInstant?
    var retryAt: BootInstant?
    var pace: RetryPace?
    /// An unknown lease was revoked since it was last in doubt, which waits for an issue still under way.
    var isFenced = false
    /// Until then a lost issue may still begin at the provider.
    var settled: BootInstant?
    var hasPaged = false

    /// A lease that nothing was recorded of yet.
    package init(_ request: LeaseRequest, policy: LeasePolicy = LeasePolicy()) {
        lease = Lease(request)
        wish = request
        self.policy = policy
    }

    /// A lease of a journal; say `.recovered` next.
    package init(recovering lease: Lease, policy: LeasePolicy = LeasePolicy()) {
        self.lease = lease
        wish = nil
        self.policy = policy
    }

    /// Takes an input into account. What does not fit the state is ignored.
    package mutating func handle(_ input: LeaseInput, at now: Stamp) -> [LeaseAction] {
        guard !lease.state.isTerminal else { return [] }
        var out: [LeaseAction] = []
        switch input {
        case .start: start(now, &out)
        case .deny(let reason): deny(reason, now, &out)
        case .journaled: journaled(&out)
        case .journalFailed(let reason): journalFailed(reason, now, &out)
        case .issued(let credential): issued(credential, now, &out)
        case .renewed(let expires, let content): renewed(expires, content, now, &out)
        case .failed(let failure): failed(failure, now, &out)
        case .timedOut: timedOut(now, &out)
        case .tick: tick(now, &out)
        case .suspend(let reason): suspend(reason, now, &out)
        case .resume: resume(now, &out)
        case .end(let reason): end(reason, now, &out)
        case .acknowledged: acknowledged(now, &out)
        case .probed(let finding): probed(finding, now, &out)
        case .recovered(let epoch): recovered(epoch, now, &out)
        }
        if let wake = nextWake(now) { out.append(.wake(at: wake)) }
        return out
    }

    /// Until when the agent may use the credential: its expiry or the deadline, whichever comes first.
    var useLimit: Stamp { lease.expires.map { lease.deadline.earlier(of: $0) } ?? lease.deadline }

    private func nextWake(_ now: Stamp) -> BootInstant? {
        switch lease.state {
        case .requested, .minting, .denied, .void, .expired, .revoked: return nil
        case .active:
            let end = now.moment(reaching: useLimit)
            return renewAt.map { min($0, end) } ?? end
        case .renewing, .suspended: return now.moment(reaching: useLimit)
        case .unknown, .revoking, .deadLetter: return inFlight == nil ? retryAt : nil
        case .expiredPending:
            return lease.latestExpiry.map {
                now.moment(surelyPast: $0, skew: policy.skew, rebootSkew: policy.rebootSkew)
            }
        }
    }

    private mutating func tick(_ now: Stamp, _ out: inout [LeaseAction]) {
        switch lease.state {
        case .active, .renewing, .suspended:
            if now.reached(useLimit) {
                beginRevoking(now.reached(lease.deadline) ? "deadline" : "expired", now, &out)
            } else if lease.state == .active, let renewAt, now.boot >= renewAt {
                renew(now, &out)
            }
        case .unknown, .revoking, .deadLetter:
            guard inFlight == nil, let retryAt, now.boot >= retryAt else { return }
            tryAgain(&out)
        case .expiredPending: settleExpiry(now, &out)
        case .requested, .minting, .denied, .void, .expired, .revoked: break
        }
    }

    private mutating func journaled(_ out: inout [LeaseAction]) {
        guard let operation = awaiting else { return }
        awaiting = nil
        call(operation, &out)
    }

    private mutating func journalFailed(_ reason: String, _ now: Stamp, _ out: inout [LeaseAction]) {
        guard let operation = awaiting else { return }
        awaiting = nil
        if operation == .issue {
            note(.void, now, &out) {
                $0.reason = "cannot be recorded: \(reason)"
                $0.verifiedBy = "never-issued"
            }
        } else {
            renewalFailed(LeaseFailure(.transient, "cannot be recorded: \(reason)", isDefinite: true), now, &out)
        }
    }

    private mutating func failed(_ failure: LeaseFailure, _ now: Stamp, _ out: inout [LeaseAction]) {
        guard let operation = inFlight else { return }
        inFlight = nil
        switch operation {
        case .issue: issueFailed(failure, now, &out)
        case .renew: renewalFailed(failure, now, &out)
        case .revoke, .probe, .list: endFailed(failure, operation, now, &out)
        }
    }

    private mutating func timedOut(_ now: Stamp, _ out: inout [LeaseAction]) {
        failed(LeaseFailure(.transient, "no answer within the time limit", isDefinite: false), now, &out)
    }

    // MARK: Shared by the extensions

    /// Records an event and takes it into account.
    mutating func note(
        _ event: LeaseRecord.Event,
        durable: Bool = false,
        epoch: Int? = nil,
        _ now: Stamp,
        _ out: inout [LeaseAction],
        _ fill: (inout LeaseRecord) -> Void = { _ in }
    ) {
        var record = LeaseRecord(event: event, lease: lease.identifier, epoch: epoch ?? lease.epoch, time: now)
        fill(&record)
        do {
            try lease.apply(record)
            out.append(.record(record, durable: durable))
        } catch {
            // Unreachable as far as tests can tell; a wrong record would be worse than a missing one.
            out.append(.alarm(reason: "lease `\(lease.name)`: \(error)"))
        }
    }

    mutating func call(_ operation: ProviderRequest.Operation, _ out: inout [LeaseAction]) {
        inFlight = operation
        retryAt = nil
        let isMinting = operation == .issue || operation == .renew
        out.append(
            .call(
                ProviderRequest(
                    operation: operation,
                    instance: lease.provider,
                    handle: lease.handle,
                    session: lease.session,
                    task: lease.task,
                    owner: lease.owner,
                    scope: isMinting ? wish?.scope ?? [:] : nil,
                    notAfter: isMinting ? asked?.wall.rfc3339 : nil,
                    ttlSeconds: isMinting ? lease.ttl.milliseconds / 1000 : nil,
                    epoch: lease.epoch
                )
            )
        )
    }

    /// The expiry to ask for: one time to live from now, but never past the deadline.
    func nextExpiry(_ now: Stamp) -> Stamp { now.advanced(by: lease.ttl).earlier(of: lease.deadline) }

    mutating func withdraw(_ out: inout [LeaseAction]) {
        if isDelivered { out.append(.withdraw) }
        isDelivered = false
    }
}
