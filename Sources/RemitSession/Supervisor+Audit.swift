// SPDX-License-Identifier: Apache-2.0
// What Landlock refused, by the kernel's own record, where this host audits and this process may read it.

internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox

/// The audit log, as one supervisor hears it.
final class LandlockWatch {
    let log: AuditLog
    let token: EventLoop.WatchToken
    var audit: LandlockAudit?

    init(_ log: AuditLog, _ token: EventLoop.WatchToken) {
        self.log = log
        self.token = token
    }
}

extension Supervisor {
    /// Before anything is launched: the kernel repeats no record for who was not there.
    func watchLandlock() {
        guard admitted.host.auditsLandlock, let log = try? AuditLog(),
            let token = try? loop.watch(log.number, for: .read, { [unowned self] _ in self.hearLandlock() })
        else { return }
        landlockWatch = LandlockWatch(log, token)
    }

    /// Records of one turn: what an agent makes the kernel write must not keep others unheard.
    private static let recordsAtOnce = 256

    private func hearLandlock() {
        guard let watch = landlockWatch, let sandbox else { return }
        if watch.audit == nil {
            watch.audit = LandlockAudit(maker: sandbox.initPID, expected: ["/" + SandboxPlan.Path.sealed])
        }
        for _ in 0..<Self.recordsAtOnce {
            guard let record = watch.log.next() else { return }
            for refusal in watch.audit?.take(record) ?? [] { recordRefusal(refusal, count: 1) }
        }
    }

    private func recordRefusal(_ refusal: LandlockRefusal, count: Int) {
        record(
            "session.landlock",
            [
                "blockers": .strings(refusal.blockers), "path": .optional(refusal.path), "count": .integer(count),
            ])
    }

    /// How often each was refused, and what nobody could read. When the credentials have ended: it may wait for the kernel.
    func recordLandlock() {
        guard let watch = landlockWatch else { return }
        hearLandlock()
        // Where something was refused, the domain's own end is the last record of it; the kernel is done with it soon.
        if watch.audit?.counts.isEmpty == false {
            for _ in 0..<50 where watch.audit?.isOver == false {
                ProcessIdentity.pause(milliseconds: 2)
                hearLandlock()
            }
        }
        landlockWatch = nil
        loop.unwatch(watch.token)
        let counts = watch.audit?.counts ?? [:]
        for (refusal, count) in counts where count > 1 { recordRefusal(refusal, count: count) }
        record(
            "session.audited",
            [
                "refused": .integer(counts.values.reduce(0, +)),
                "lost": .integer((watch.audit?.lost ?? 0) + watch.log.overruns),
            ])
        watch.log.close()
    }
}
