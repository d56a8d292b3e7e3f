// SPDX-License-Identifier: Apache-2.0
// The life of a session as a value: what it hears, and what is to be done about it. No I/O.

package import RemitJournal

/// Decides what happens next in a session. Every ending goes through the same five steps, in the same order:
/// fence, kill, revoke, verify (the leases' own probes), seal.
package struct SessionMachine: Sendable {
    package enum Input: Hashable, Sendable {
        /// The sandbox is built.
        case ready
        /// Every credential is there.
        case leased
        /// The agent's program runs.
        case started
        /// Nothing of the agent will run, and why.
        case cannotStart(String, code: Int32)
        /// The agent's main process ended.
        case agentEnded(AgentExit)
        /// No process of the session is left.
        case dead
        /// The session has to end, for this reason.
        case end(EndReason, String)
        /// Every lease has ended, or nothing more can be done about it now.
        case leasesEnded
        /// The outcome was judged: met, or not.
        case judged(met: Bool)
        /// Whoever waits does not want to wait any longer.
        case hurry
    }

    package enum Action: Hashable, Sendable {
        /// Let the agent go.
        case release
        /// Cut what the agent holds: relays, credentials.
        case fence
        /// Kill every process.
        case kill
        /// End every lease and verify its end.
        case revoke
        /// Stop waiting for leases: they stay open in the journal.
        case abandonLeases
        /// Look whether the outcome was reached.
        case judge
        /// Stop looking: it was not.
        case abandonOutcome
        /// Close the journal, sign the receipt, leave.
        case seal
    }

    package enum Phase: Hashable, Sendable {
        case building
        case running
        case dying
        case revoking
        case judging
        case sealed
    }

    package private(set) var phase: Phase = .building
    /// Why the session ends; set with the decision, never changed after it.
    package private(set) var reason: EndReason?
    /// The reason in words, for people.
    package private(set) var explanation = ""
    /// How the agent's main process ended, as far as anyone saw.
    package private(set) var exit: AgentExit = .unknown
    /// The exit code when nothing of the agent ran.
    package private(set) var failureCode: Int32?
    package private(set) var outcomeMet: Bool?
    private var isReady = false
    private var isLeased = false
    private var isHurried = false

    package init() {}

    package mutating func handle(_ input: Input) -> [Action] {
        switch (phase, input) {
        case (.building, .ready):
            isReady = true
            return releaseIfComplete()
        case (.building, .leased):
            isLeased = true
            return releaseIfComplete()
        case (.building, .cannotStart(let why, let code)), (.running, .cannotStart(let why, let code)):
            failureCode = code
            return decide(.failed, why)
        case (.running, .started): return []
        case (.running, .agentEnded(let exit)):
            self.exit = exit
            return decide(exit == .code(0) ? .completed : .failed, "")
        case (.building, .end(let reason, let why)), (.running, .end(let reason, let why)):
            return decide(reason, why)
        case (.dying, .agentEnded(let exit)) where self.exit == .unknown:
            self.exit = exit
            return []
        case (.building, .dead), (.running, .dead):
            let actions = decide(.failed, "the sandbox ended by itself")
            return actions + handle(.dead)
        case (.dying, .dead):
            phase = .revoking
            return isHurried ? [.revoke, .abandonLeases] : [.revoke]
        case (.dying, .hurry):
            isHurried = true
            return []
        case (.revoking, .hurry): return [.abandonLeases]
        case (.judging, .hurry): return [.abandonOutcome]
        case (.revoking, .leasesEnded):
            phase = .judging
            return [.judge]
        case (.judging, .judged(let met)):
            outcomeMet = met
            phase = .sealed
            return [.seal]
        default: return []
        }
    }

    private mutating func releaseIfComplete() -> [Action] {
        guard isReady, isLeased else { return [] }
        phase = .running
        return [.release]
    }

    private mutating func decide(_ reason: EndReason, _ explanation: String) -> [Action] {
        self.reason = reason
        self.explanation = explanation
        phase = .dying
        return [.fence, .kill]
    }

    /// The exit code of `remit run`, the agent's own, or that of another ending.
    package var exitCode: Int32 {
        if let failureCode { return failureCode }
        switch reason {
        case .completed, .failed:
            if outcomeMet == false, reason == .completed { return 121 }
            switch exit {
            case .code(let code): return Int32(clamping: code)
            case .signal(let signal): return 128 + Int32(clamping: signal)
            case .unknown: return 125
            }
        case .deadline, .idle: return 124
        case .budget: return 122
        case .scope, .strikes: return 123
        case .killed: return 137
        case .supervisorLost, nil: return 125
        }
    }
}
