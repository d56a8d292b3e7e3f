// SPDX-License-Identifier: Apache-2.0

package import RemitJournal
internal import RemitKernel
package import RemitLeases

extension SessionHistory {
    /// The receipt of a session whose journal was just sealed.
    package func receipt(journal: JournalHead, leases: [Lease]) -> ReceiptPredicate {
        let now = Moment.now
        var times = ReceiptTimes(admitted: admitted ?? now, sealed: sealed ?? now)
        times.launched = launched
        times.endDecided = endDecided
        times.fenced = fenced
        times.lastProcessDead = lastProcessDead
        times.revoked = revoked
        times.verified = verified
        var predicate = ReceiptPredicate(
            session: session,
            task: task,
            owner: owner,
            intent: intent,
            ticket: ticket,
            reason: reason ?? .supervisorLost,
            exit: exit,
            taskDigest: taskDigest,
            planDigest: planDigest,
            profileDigest: profileDigest,
            journal: journal,
            times: times,
            processesLeft: processesLeft
        )
        predicate.layers = layers
        predicate.proof = proof
        predicate.degradedAllowed = degradedAllowed
        predicate.denials = denials
        predicate.limitsReached = limitsReached
        predicate.resources = resources
        predicate.egress = egress
        predicate.changes = changes
        predicate.outcome = outcome ?? ReceiptOutcome(state: hasOutcome ? .notEvaluated : .none)
        predicate.leases = leases.map { lease in
            ReceiptLease(
                id: lease.identifier,
                name: lease.name,
                provider: lease.provider,
                handle: lease.handle,
                exposure: lease.isPlaceholder ? .placeholder : lease.isAgentHeld ? .agentHeld : .file,
                // Nothing was revoked where the secret is accepted: only the session's way to it is gone.
                state: lease.isPlaceholder && lease.state == .revoked ? "withdrawn" : lease.state.rawValue,
                issuedAt: lease.issuedAt?.wall,
                expiresAt: lease.expires?.wall,
                revokedAt: lease.state == .revoked ? (lease.acknowledgedAt ?? lease.endedAt)?.wall : nil,
                verifiedBy: lease.verifiedBy
            )
        }
        return predicate
    }
}
