// SPDX-License-Identifier: Apache-2.0
// The last steps: was the outcome reached, and what does the record say.

internal import RemitJournal
internal import RemitKernel
internal import RemitLeases
internal import RemitSandbox
internal import RemitTask

extension Supervisor {
    func judge() {
        recordLandlock()
        let left = recordChanges()
        guard machine.reason == .completed, let outcome = admitted.task.outcome else {
            return feed(.judged(met: true))
        }
        let judge = OutcomeJudge(outcome: outcome, workspace: admitted.sandbox.workspace, before: snapshot, left: left)
        // The workspace is judged as the agent left it, before the verify command leaves traces of its own.
        let judged = judge.judge()
        guard let command = outcome.verify else { return conclude(judged) }
        verify(command) { [unowned self] result in self.conclude(judged.with(result)) }
    }

    private func conclude(_ outcome: ReceiptOutcome) {
        record(
            "session.outcome",
            [
                "state": .string(outcome.state.rawValue), "details": .strings(outcome.details),
                "artifacts": .array(
                    outcome.artifacts.map { ["path": .string($0.path), "sha256": .string($0.digest)] }
                ),
            ]
        )
        feed(.judged(met: outcome.state != .notMet))
    }

    /// Runs the verify command in the same confinement: a sandbox of its own from the same profile, no credentials.
    private func verify(_ command: [String], completion: @escaping (OutcomeJudge.Verification) -> Void) {
        let run: VerifyRun
        do {
            run = try VerifyRun(command, of: admitted, on: loop, escapes: options.escapes, completion: completion)
        } catch {
            return loop.enqueue { completion(.failed("\(error)")) }
        }
        verification = run
    }

    func seal() {
        defer { settle() }
        let leases = keeper?.leases ?? []
        do {
            guard let recorder, leases.allSatisfy({ $0.state.isTerminal }) else {
                try recorder?.record(
                    "session.waiting", ["leases": .integer(leases.filter { !$0.state.isTerminal }.count)])
                try recorder?.commit()
                return
            }
            let path = try recorder.seal(leases: leases)
            SessionLayers(session, directories).tidy(recorder.history)
            receiptPath = path
            status?.send(
                "sealed",
                [
                    "reason": .string(machine.reason?.rawValue ?? ""), "exit": .integer(Int(machine.exitCode)),
                    "receipt": .string(path),
                ]
            )
        } catch {
            journalFailure = "\(error)"
        }
    }

    private func settle() {
        let answer = JSONValue.object([
            "session": .string(session), "reason": .string(machine.reason?.rawValue ?? ""),
            "sealed": .bool(receiptPath != nil),
        ])
        for waiter in waiters { waiter(ControlResponse(200, json: answer.canonicalBytes)) }
        waiters = []
        control?.close()
        FileSystem.removeDirectory("\(directories.runtime)/\(session)")
        isSettled = true
        // The journal is closed, or open leases are in it for `remit reap`: nothing is left for a guard to end.
        guardian?.dismiss()
        guardian = nil
    }
}
