// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

extension LeaseKeeper {
    /// Ends every lease, children first, all providers at once.
    ///
    /// The completion runs once: when every lease has ended or nothing more can be done about it now, or when
    /// `patience` is over. What has not ended then stays open in the journal, for `remit reap`; the keeper does
    /// nothing any more and writes nothing any more.
    package func endAll(
        reason: String,
        patience: Duration = .seconds(10),
        completion: @escaping ([Lease]) -> Void
    ) {
        wait(patience, completion)
        for lease in RevocationOrder.sorted(leases) { send(.end(reason: reason), to: lease.identifier) }
        loop.enqueue { [weak self] in self?.settle() }
    }

    /// Takes over the open leases of a journal whose supervisor is gone, and ends them.
    ///
    /// - Parameter epoch: newer than the ledger's; records are written with it.
    package func adopt(
        _ ledger: LeaseLedger,
        epoch: Int,
        patience: Duration = .seconds(10),
        completion: @escaping ([Lease]) -> Void
    ) {
        wait(patience, completion)
        let open = RevocationOrder.sorted(ledger.open)
        for lease in open { add(LeaseMachine(recovering: lease, policy: policy)) }
        for lease in open { send(.recovered(epoch: epoch), to: lease.identifier) }
        loop.enqueue { [weak self] in self?.settle() }
    }

    private func wait(_ patience: Duration, _ completion: @escaping ([Lease]) -> Void) {
        isEnding = true
        if let patience = self.patience { loop.cancel(patience) }
        let earlier = finish
        finish = { leases in
            earlier?(leases)
            completion(leases)
        }
        self.patience = loop.schedule(after: patience) { [weak self] in self?.conclude() }
    }

    /// Concludes as soon as nothing is left to wait for.
    func settle() {
        guard isEnding, !isStopped, finish != nil, machines.values.allSatisfy(Self.isSettled) else { return }
        conclude()
    }

    /// A dead letter waits an hour and a pending expiry for its time: neither is worth anybody's patience.
    private static func isSettled(_ machine: LeaseMachine) -> Bool {
        let state = machine.lease.state
        return state.isTerminal || state == .expiredPending || state == .deadLetter && machine.inFlight == nil
    }

    private func conclude() {
        guard let finish else { return }
        self.finish = nil
        stop()
        finish(leases)
    }
}
