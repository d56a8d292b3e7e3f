// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

extension LeaseMachine {
    mutating func start(_ now: Stamp, _ out: inout [LeaseAction]) {
        guard lease.state == .requested, awaiting == nil, inFlight == nil else { return }
        noteRequest(now, &out)
        let expiry = nextExpiry(now)
        guard now.advanced(by: policy.minimumLife).wall <= expiry.wall else {
            note(.void, now, &out) {
                $0.reason = "the deadline is too near"
                $0.verifiedBy = "never-issued"
            }
            return
        }
        asked = expiry
        awaiting = .issue
        let (handle, provider) = (lease.handle, lease.provider)
        note(.minting, durable: true, now, &out) {
            $0.handle = handle
            $0.provider = provider
            $0.expires = expiry
        }
    }

    mutating func deny(_ reason: String, _ now: Stamp, _ out: inout [LeaseAction]) {
        guard lease.state == .requested else { return }
        noteRequest(now, &out)
        note(.denied, now, &out) { $0.reason = reason }
    }

    private mutating func noteRequest(_ now: Stamp, _ out: inout [LeaseAction]) {
        let lease = lease
        var record = LeaseRecord(event: .requested, lease: lease.identifier, epoch: lease.epoch, time: now)
        record.name = lease.name
        record.provider = lease.provider
        record.handle = lease.handle
        record.session = lease.session
        record.task = lease.task
        record.owner = lease.owner
        record.scope = lease.scope
        record.ttlMilliseconds = lease.ttl.milliseconds
        record.isAgentHeld = lease.isAgentHeld
        record.parent = lease.parent
        record.deadline = lease.deadline
        out.append(.record(record, durable: false))
    }

    mutating func issued(_ issued: IssuedCredential, _ now: Stamp, _ out: inout [LeaseAction]) {
        guard inFlight == .issue, lease.state == .minting, let asked else { return }
        inFlight = nil
        if let ending { return beginRevoking(ending, now, &out) }
        let expires = now.projected(to: issued.expires)
        if expires.wall > asked.wall.advanced(by: policy.expiryTolerance) {
            out.append(.alarm(reason: "provider `\(lease.provider)` issued `\(lease.name)` for longer than asked"))
            note(.revoking, now, &out) {
                $0.reason = "issued for longer than asked"
                $0.expires = expires
            }
            return call(.revoke, &out)
        }
        if now.reached(expires) || now.reached(lease.deadline) {
            return beginRevoking("issued too late to be of use", now, &out)
        }
        credential = issued.content
        note(.active, now, &out) {
            $0.expires = expires
            $0.facts = issued.facts.isEmpty ? nil : Self.facts(issued.facts)
        }
        if let suspending {
            note(.suspended, now, &out) { $0.reason = suspending }
            self.suspending = nil
        } else {
            isDelivered = true
            out.append(.deliver(issued.content))
        }
        planRenewal(now)
    }

    private static func facts(_ facts: [String: String]) -> String {
        String(decoding: ProviderValue.map(facts.mapValues { .string($0) }).canonicalJSON(), as: UTF8.self)
    }

    mutating func issueFailed(_ failure: LeaseFailure, _ now: Stamp, _ out: inout [LeaseAction]) {
        guard lease.state == .minting else { return }
        if failure.isDefinite && failure.kind != .gone {
            return note(.void, now, &out) {
                $0.reason = "not issued"
                $0.failure = failure.kind
                $0.message = failure.message
                $0.verifiedBy = "never-issued"
            }
        }
        // The program has ended, so nothing it had not sent yet will be.
        settled = now.boot
        doubt(failure, epoch: nil, now, &out)
    }

    /// The provider may hold a credential that nobody has: look for it by its name.
    mutating func doubt(_ failure: LeaseFailure?, epoch: Int?, _ now: Stamp, _ out: inout [LeaseAction]) {
        isFenced = false
        note(.unknown, durable: true, epoch: epoch, now, &out) {
            $0.failure = failure?.kind
            $0.message = failure?.message
        }
        call(.probe, &out)
    }
}
