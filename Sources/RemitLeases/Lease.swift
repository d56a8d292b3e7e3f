// SPDX-License-Identifier: Apache-2.0
// The durable half of a lease: exactly what its records say, nothing else.

package import RemitKernel

/// One credential issued for one session, as the journal knows it.
package struct Lease: Sendable, Hashable {
    package let identifier: String
    package let name: String
    package let provider: String
    /// The name at the provider, chosen by us before it was asked.
    package let handle: String
    package let session: String
    package let task: String
    package let owner: String
    /// Canonical JSON.
    package let scope: String
    package let ttl: Duration
    package let deadline: Stamp
    package let isAgentHeld: Bool
    package let parent: String?

    package internal(set) var epoch: Int
    package internal(set) var state: LeaseState = .requested
    package internal(set) var mintingSince: Stamp?
    package internal(set) var issuedAt: Stamp?
    /// When it ends by itself, as the provider said last.
    package internal(set) var expires: Stamp?
    /// The latest moment at which the provider may still honour it: the latest expiry ever asked for or heard of.
    package internal(set) var latestExpiry: Stamp?
    /// Canonical JSON of the provider's non-secret facts.
    package internal(set) var facts: String?
    package internal(set) var renewals = 0
    /// Failed attempts to end it.
    package internal(set) var attempts = 0
    package internal(set) var revokingSince: Stamp?
    package internal(set) var acknowledgedAt: Stamp?
    package internal(set) var nextAttempt: WallInstant?
    package internal(set) var lastFailure: LeaseFailure.Class?
    package internal(set) var lastMessage: String?
    package internal(set) var reason: String?
    package internal(set) var verifiedBy: String?
    package internal(set) var endedAt: Stamp?

    package init(_ request: LeaseRequest) {
        identifier = request.lease
        name = request.name
        provider = request.provider
        handle = request.handle
        session = request.session
        task = request.task
        owner = request.owner
        scope = String(decoding: ProviderValue.map(request.scope).canonicalJSON(), as: UTF8.self)
        // The journal holds milliseconds, and a lease must be the same before and after a restart.
        ttl = .milliseconds(request.ttl.milliseconds)
        deadline = request.deadline
        isAgentHeld = request.isAgentHeld
        parent = request.parent
        epoch = request.epoch
    }

    /// The lease that a `requested` record begins.
    ///
    /// - Throws: ``LedgerError`` when the record is of another kind or incomplete.
    package init(_ record: LeaseRecord) throws(LedgerError) {
        guard record.event == .requested else { throw .unrequested(record.lease, record.event) }
        guard let name = record.name, let provider = record.provider, let handle = record.handle,
            let session = record.session, let task = record.task, let owner = record.owner,
            let scope = record.scope, let ttl = record.ttlMilliseconds, let deadline = record.deadline
        else { throw .incomplete(record.lease, record.event) }
        identifier = record.lease
        self.name = name
        self.provider = provider
        self.handle = handle
        self.session = session
        self.task = task
        self.owner = owner
        self.scope = scope
        self.ttl = .milliseconds(ttl)
        self.deadline = deadline
        isAgentHeld = record.isAgentHeld ?? false
        parent = record.parent
        epoch = record.epoch
    }

    /// Takes a record into account.
    ///
    /// - Throws: ``LedgerError`` when the record is stale, belongs to another lease or cannot follow this state;
    ///   the lease is unchanged then.
    package mutating func apply(_ record: LeaseRecord) throws(LedgerError) {
        guard record.lease == identifier else { throw .foreign(identifier, record.lease) }
        guard record.epoch >= epoch else { throw .stale(identifier, record.epoch, newest: epoch) }
        guard let next = Self.next(record.event, from: state) else {
            throw .impossible(identifier, record.event, state)
        }
        if record.event == .minting && handle != record.handle { throw .incomplete(identifier, .minting) }
        note(record)
        state = next
        epoch = record.epoch
    }

    private mutating func note(_ record: LeaseRecord) {
        switch record.event {
        case .minting: mintingSince = record.time
        case .active: issuedAt = record.time
        case .renewed: renewals += 1
        case .acknowledged: acknowledgedAt = record.time
        case .revoking:
            if revokingSince == nil { revokingSince = record.time }
            // What was acknowledged before does not count for the next attempt.
            acknowledgedAt = nil
        case .unknown, .deadLetter: acknowledgedAt = nil
        default: break
        }
        if let limit = record.expires {
            // What was asked for and not confirmed may still have happened, but is nothing to rely on.
            if record.event != .minting && record.event != .renewing { expires = limit }
            latestExpiry = latestExpiry.map { max($0, limit) } ?? limit
        }
        if let facts = record.facts { self.facts = facts }
        if let reason = record.reason { self.reason = reason }
        if let attempts = record.attempts { self.attempts = attempts }
        nextAttempt = record.nextAttempt
        lastFailure = record.failure ?? lastFailure
        lastMessage = record.message ?? lastMessage
        verifiedBy = record.verifiedBy
        if record.event.isEnding { endedAt = record.time }
    }

    private func max(_ left: Stamp, _ right: Stamp) -> Stamp { left.wall >= right.wall ? left : right }
}

extension LeaseRecord.Event {
    /// The events after which nothing follows.
    var isEnding: Bool {
        switch self {
        case .denied, .void, .expired, .revoked: true
        default: false
        }
    }
}

extension Duration {
    /// Whole milliseconds, clamped to what fits.
    package var milliseconds: Int { Int(clamping: nanoseconds / 1_000_000) }
}
