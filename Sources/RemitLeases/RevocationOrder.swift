// SPDX-License-Identifier: Apache-2.0

/// In which order leases are ended: what hangs on another lease goes first.
package enum RevocationOrder {
    /// The leases with every child before its parent, otherwise in the order given.
    ///
    /// A cycle cannot come from us; were it in a journal, its members would come in the order given.
    package static func sorted(_ leases: [Lease]) -> [Lease] {
        let children = Dictionary(grouping: leases) { $0.parent ?? "" }
        var done: Set<String> = []
        var sorted: [Lease] = []
        func visit(_ lease: Lease) {
            guard done.insert(lease.identifier).inserted else { return }
            for child in children[lease.identifier] ?? [] { visit(child) }
            sorted.append(lease)
        }
        for lease in leases { visit(lease) }
        return sorted
    }

    /// Whether a lease's own revocation may begin: its children have ended, or have been tried at least once, so
    /// that one dead provider does not keep the others' credentials alive.
    package static func mayRevoke(_ lease: Lease, among leases: some Sequence<Lease>) -> Bool {
        leases.allSatisfy { child in
            guard child.parent == lease.identifier, child.identifier != lease.identifier else { return true }
            switch child.state {
            case .requested, .denied, .void, .expired, .revoked, .expiredPending, .deadLetter: return true
            case .revoking, .unknown: return child.attempts > 0 || child.lastFailure == .auth
            case .minting, .active, .renewing, .suspended: return false
            }
        }
    }
}
