// SPDX-License-Identifier: Apache-2.0
// What a receipt says about a finished session.

package import RemitKernel

/// The content of a session's receipt: who wanted what, what was enforced, what was issued, and how all of it ended.
package struct ReceiptPredicate: Hashable, Sendable {
    /// The session's id.
    package var session: String
    /// The task's name.
    package var task: String
    /// Who answers for the task.
    package var owner: String
    /// What the task is for, in its own words.
    package var intent: String
    /// The ticket the task refers to, if any.
    package var ticket: String?
    /// Why the session ended.
    package var reason: EndReason
    /// How the agent's main process ended.
    package var exit: AgentExit
    /// The SHA-256 of the resolved task in hexadecimal.
    package var taskDigest: String
    /// The SHA-256 of the launch plan; nil when the session ended before there was one.
    package var planDigest: String?
    /// The SHA-256 of the resolved profile; nil when the session ended before there was one.
    package var profileDigest: String?
    /// The end of the sealed journal.
    package var journal: JournalHead
    /// What was really enforced.
    package var layers: [ReceiptLayer] = []
    /// What was proved inside before the agent ran; nil when it never came to that.
    package var proof: ReceiptProof?
    /// The layers whose absence the operator allowed by name.
    package var degradedAllowed: [String] = []
    /// Every credential that was issued or may have been.
    package var leases: [ReceiptLease] = []
    /// How many acts were denied, by kind.
    package var denials: [String: Int] = [:]
    /// Whether the task reached what it was to reach.
    package var outcome = ReceiptOutcome()
    /// When what happened.
    package var times: ReceiptTimes
    /// How many processes of the session are left; nil when that could not be found out.
    package var processesLeft: Int?
    /// The limits that the session ran into, such as `memory`.
    package var limitsReached: [String] = []
    /// What the session used.
    package var resources = ReceiptResources()
    /// What it did in its network; nothing for a session without one.
    package var egress: ReceiptEgress?
    /// What it left over its workspace, to be reviewed; nothing for a workspace that it changed itself, or could not.
    package var changes: ReceiptChanges?

    /// A predicate of what every session has; the rest is set afterwards.
    package init(
        session: String, task: String, owner: String, intent: String, ticket: String? = nil, reason: EndReason,
        exit: AgentExit, taskDigest: String, planDigest: String? = nil, profileDigest: String? = nil,
        journal: JournalHead, times: ReceiptTimes, processesLeft: Int?
    ) {
        self.session = session
        self.task = task
        self.owner = owner
        self.intent = intent
        self.ticket = ticket
        self.reason = reason
        self.exit = exit
        self.taskDigest = taskDigest
        self.planDigest = planDigest
        self.profileDigest = profileDigest
        self.journal = journal
        self.times = times
        self.processesLeft = processesLeft
    }
}

/// Why a session ended.
package enum EndReason: String, Hashable, Sendable, CaseIterable {
    /// The main process ended with status 0.
    case completed
    /// The main process ended in another way.
    case failed
    /// The time the task was given was over.
    case deadline
    /// Nothing happened for longer than allowed.
    case idle
    /// A budget was used up.
    case budget
    /// The agent stepped outside its scope.
    case scope
    /// Too many acts were denied.
    case strikes
    /// Somebody ended it.
    case killed
    /// The supervisor died.
    case supervisorLost = "supervisor-lost"
}

/// How the agent's main process ended.
package enum AgentExit: Hashable, Sendable {
    /// It exited with this status.
    case code(Int)
    /// It was ended by this signal.
    case signal(Int)
    /// It never started, or nobody was there to see its end.
    case unknown
}

/// One layer of the confinement.
package struct ReceiptLayer: Hashable, Sendable {
    /// Whether the layer held.
    package enum State: String, Hashable, Sendable, CaseIterable {
        /// As planned.
        case enforced
        /// In part, or in a weaker way.
        case degraded
        /// Not at all.
        case missing
    }
    /// The layer's name.
    package var name: String
    /// Whether it held.
    package var state: State
    /// How, or why not.
    package var detail: String

    /// A layer from its parts.
    package init(name: String, state: State, detail: String) {
        self.name = name
        self.state = state
        self.detail = detail
    }
}

/// What was attempted inside the finished sandbox, and refused, before the agent ran.
package struct ReceiptProof: Hashable, Sendable {
    /// The probes that were refused, such as `mount`.
    package var held: [String]
    /// What all of them took.
    package var nanoseconds: Int

    /// A proof from its parts.
    package init(held: [String], nanoseconds: Int) {
        self.held = held
        self.nanoseconds = nanoseconds
    }
}

/// One lease, from issue to proof of its end.
package struct ReceiptLease: Hashable, Sendable {
    /// Who could read the secret.
    package enum Exposure: String, Hashable, Sendable, CaseIterable {
        /// A file that only the session could read.
        case file
        /// The agent's environment.
        case agentHeld = "agent-held"
        /// Nobody inside: the session held a placeholder, which was swapped outside of it.
        case placeholder
    }
    /// The lease's id.
    package var id: String
    /// The credential's name in the task.
    package var name: String
    /// The provider instance.
    package var provider: String
    /// The name at the provider, chosen by us before the issue.
    package var handle: String
    /// Who could read the secret.
    package var exposure: Exposure
    /// The last state of the lease, such as `revoked`.
    package var state: String
    /// When it was issued; nil when it never was, or nobody knows.
    package var issuedAt: WallInstant?
    /// When it ends by itself.
    package var expiresAt: WallInstant?
    /// When its revocation was acknowledged.
    package var revokedAt: WallInstant?
    /// What showed that it is gone, such as `probe`; nil while nothing has.
    package var verifiedBy: String?

    /// A lease from its parts.
    package init(
        id: String, name: String, provider: String, handle: String, exposure: Exposure, state: String,
        issuedAt: WallInstant? = nil, expiresAt: WallInstant? = nil, revokedAt: WallInstant? = nil,
        verifiedBy: String? = nil
    ) {
        self.id = id
        self.name = name
        self.provider = provider
        self.handle = handle
        self.exposure = exposure
        self.state = state
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
        self.verifiedBy = verifiedBy
    }
}

/// Whether the task reached what it was to reach.
package struct ReceiptOutcome: Hashable, Sendable {
    /// The result of the check.
    package enum State: String, Hashable, Sendable, CaseIterable {
        /// Reached.
        case met
        /// Not reached.
        case notMet = "not-met"
        /// Nobody could look.
        case notEvaluated = "not-evaluated"
        /// The task names no outcome.
        case none
    }
    /// A file the task was to leave behind.
    package struct Artifact: Hashable, Sendable {
        /// Its path in the workspace.
        package var path: String
        /// The SHA-256 of its contents in hexadecimal.
        package var digest: String

        /// An artifact from its parts.
        package init(path: String, digest: String) {
            self.path = path
            self.digest = digest
        }
    }
    /// The result.
    package var state: State
    /// What was looked at and found, one sentence each.
    package var details: [String]
    /// The files the task was to leave behind and did.
    package var artifacts: [Artifact]

    /// An outcome from its parts; without any, that of a task that names none.
    package init(state: State = .none, details: [String] = [], artifacts: [Artifact] = []) {
        self.state = state
        self.details = details
        self.artifacts = artifacts
    }
}

/// A point in time by both clocks: the time of day for people, the time since boot for durations.
package struct Moment: Hashable, Sendable {
    /// The time of day.
    package var wall: WallInstant
    /// The time since boot.
    package var boot: BootInstant

    /// A moment from its parts.
    package init(wall: WallInstant, boot: BootInstant) {
        self.wall = wall
        self.boot = boot
    }

    /// This moment.
    package static var now: Moment { Moment(wall: .now, boot: .now) }
}

/// When what happened; nil where it did not, or nobody was there to see it.
package struct ReceiptTimes: Hashable, Sendable {
    /// When the task was accepted.
    package var admitted: Moment
    /// When the agent was started.
    package var launched: Moment?
    /// When the end was decided.
    package var endDecided: Moment?
    /// When nothing could get in or out any more.
    package var fenced: Moment?
    /// When the last process was dead.
    package var lastProcessDead: Moment?
    /// When every revocation was acknowledged.
    package var revoked: Moment?
    /// When every credential was seen to be gone.
    package var verified: Moment?
    /// When the receipt was written.
    package var sealed: Moment

    /// Times with the two that every session has.
    package init(admitted: Moment, sealed: Moment) {
        self.admitted = admitted
        self.sealed = sealed
    }
}
