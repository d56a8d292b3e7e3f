// SPDX-License-Identifier: Apache-2.0

extension Lease {
    /// The state that follows `event`, or nil when it cannot happen there.
    static func next(_ event: LeaseRecord.Event, from state: LeaseState) -> LeaseState? {
        allowed[event]?.first { $0.from.contains(state) }?.to(state)
    }

    private struct Step: Sendable {
        let from: Set<LeaseState>
        let to: @Sendable (LeaseState) -> LeaseState

        init(_ from: Set<LeaseState>, _ to: LeaseState) {
            self.from = from
            self.to = { _ in to }
        }

        init(staying from: Set<LeaseState>) {
            self.from = from
            self.to = { $0 }
        }
    }

    private static let ending: Set<LeaseState> = [.unknown, .revoking, .deadLetter]

    private static let allowed: [LeaseRecord.Event: [Step]] = [
        .denied: [Step([.requested], .denied)],
        .minting: [Step([.requested], .minting)],
        .unknown: [Step([.minting, .unknown], .unknown)],
        .void: [Step([.requested, .minting, .unknown], .void)],
        .active: [Step([.minting], .active)],
        .renewing: [Step([.active], .renewing)],
        .renewed: [Step([.renewing], .active), Step(staying: [.suspended])],
        .renewalFailed: [Step([.renewing], .active), Step(staying: [.suspended])],
        .suspended: [Step([.active, .renewing], .suspended)],
        .resumed: [Step([.suspended], .active)],
        .revoking: [Step([.minting, .unknown, .active, .renewing, .suspended, .revoking], .revoking)],
        .acknowledged: [Step(staying: ending)],
        .expiredPending: [Step([.revoking, .deadLetter, .expiredPending], .expiredPending)],
        .expired: [Step([.expiredPending], .expired)],
        .revoked: [Step([.revoking, .deadLetter], .revoked)],
        .deadLetter: [Step(ending, .deadLetter)],
    ]
}
