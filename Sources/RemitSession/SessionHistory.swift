// SPDX-License-Identifier: Apache-2.0
// A session as its journal tells it: the one fold behind `ps`, `inspect`, recovery and the receipt.

package import RemitJournal
package import RemitKernel

/// Everything about a session except its leases, folded from its `session.*` records.
package struct SessionHistory: Sendable {
    package let session: String
    package private(set) var task = ""
    package private(set) var owner = ""
    package private(set) var intent = ""
    package private(set) var ticket: String?
    package private(set) var profile = ""
    package private(set) var command: [String] = []
    package private(set) var workspace: String?
    package private(set) var taskDigest = ""
    package private(set) var profileDigest: String?
    package private(set) var planDigest: String?
    package private(set) var layers: [ReceiptLayer] = []
    package private(set) var degradedAllowed: [String] = []
    package private(set) var deadlineMilliseconds: Int?
    /// The configuration file it was admitted under.
    package private(set) var configuration: String?
    package private(set) var hasOutcome = false

    /// Who supervises: raised by every supervisor that takes the session over.
    package private(set) var epoch = 0
    package private(set) var bootIdentifier = ""
    package private(set) var supervisor: ProcessIdentity?
    package private(set) var initProcess: ProcessIdentity?
    package private(set) var cgroup: String?
    package private(set) var controllers: [String: String] = [:]

    package private(set) var proof: ReceiptProof?
    package private(set) var reason: EndReason?
    package private(set) var detail: String?
    package private(set) var exit: AgentExit = .unknown
    package private(set) var denials: [String: Int] = [:]
    package private(set) var limitsReached: [String] = []
    package private(set) var resources = ReceiptResources()
    /// What it did in its network; nothing when it had none.
    package private(set) var egress: ReceiptEgress?
    /// What becomes of what it does in its workspace, as its task says.
    package private(set) var workspaceMode: String?
    /// What its outcome allows to be changed; nil when it does not say.
    package private(set) var allowedChanges: [String]?
    /// What it left over its workspace.
    package private(set) var changes: ReceiptChanges?
    /// The process that held its connections and secrets.
    package private(set) var gate: ProcessIdentity?
    package private(set) var processesLeft: Int?
    package private(set) var outcome: ReceiptOutcome?

    package private(set) var admitted: Moment?
    package private(set) var launched: Moment?
    package private(set) var started: Moment?
    package private(set) var endDecided: Moment?
    package private(set) var fenced: Moment?
    package private(set) var lastProcessDead: Moment?
    package private(set) var revoked: Moment?
    package private(set) var verified: Moment?
    package private(set) var sealed: Moment?

    /// The history of a session of which nothing is recorded yet.
    package init(session: String) { self.session = session }

    /// Folds a whole journal.
    package init(_ records: [JournalRecord]) {
        session = records.first?.session ?? ""
        for record in records {
            apply(record.type, record.body, at: Moment(wall: record.time, boot: record.boot))
        }
    }

    package mutating func apply(_ type: String, _ body: JSONValue, at moment: Moment) {
        switch type {
        case "session.admitted": admit(body, moment)
        case "session.adopted": epoch = body["epoch"]?.number ?? epoch + 1
        case "session.launched": launched = moment
        case "session.proved": proof = Self.proof(body)
        case "session.started": started = moment
        case "session.exited": exit = Self.exit(body)
        case "session.denied":
            if let call = body["call"]?.text { denials[call] = body["count"]?.number ?? 0 }
        case "session.limit":
            if let name = body["name"]?.text, !limitsReached.contains(name) { limitsReached.append(name) }
        case "egress.started":
            gate = Self.process(body["gate"])
            egress = egress ?? ReceiptEgress()
        case let type where type.hasPrefix("egress."):
            egress = egress ?? ReceiptEgress()
            egress?.apply(type, body)
        case JournalRecord.resourcesType: resources = ReceiptResources(journal: body)
        case "session.ending":
            if reason == nil {
                reason = body["reason"]?.text.flatMap(EndReason.init(rawValue:))
                detail = body["detail"]?.text
                endDecided = moment
            }
        case "session.fenced": fenced = moment
        case "session.dead":
            lastProcessDead = moment
            processesLeft = body["processes"]?.number
        case "session.revoked": revoked = moment
        case "session.verified": verified = moment
        case ReceiptChanges.recordType: changes = ReceiptChanges(journal: body)
        case "session.outcome": outcome = Self.outcome(body)
        case JournalRecord.sealedType: sealed = moment
        default: break
        }
    }

    private mutating func admit(_ body: JSONValue, _ moment: Moment) {
        admitted = moment
        task = body["task"]?.text ?? ""
        owner = body["owner"]?.text ?? ""
        intent = body["intent"]?.text ?? ""
        ticket = body["ticket"]?.text
        profile = body["profile"]?.text ?? ""
        command = body["command"]?.elements?.compactMap(\.text) ?? []
        workspace = body["workspace"]?.text
        workspaceMode = body["workspaceMode"]?.text
        allowedChanges = body["allowedChanges"]?.elements?.compactMap(\.text)
        taskDigest = body["taskDigest"]?.text ?? ""
        profileDigest = body["profileDigest"]?.text
        planDigest = body["planDigest"]?.text
        deadlineMilliseconds = body["deadlineMilliseconds"]?.number
        hasOutcome = body["hasOutcome"]?.flag ?? false
        configuration = body["configuration"]?.text
        degradedAllowed = body["degradedAllowed"]?.elements?.compactMap(\.text) ?? []
        layers = (body["layers"]?.elements ?? []).compactMap { layer in
            guard let name = layer["name"]?.text, let detail = layer["detail"]?.text,
                let state = layer["state"]?.text.flatMap(ReceiptLayer.State.init(rawValue:))
            else { return nil }
            return ReceiptLayer(name: name, state: state, detail: detail)
        }
        epoch = body["epoch"]?.number ?? 1
        bootIdentifier = body["bootIdentifier"]?.text ?? ""
        supervisor = Self.process(body["supervisor"])
        initProcess = Self.process(body["init"])
        cgroup = body["cgroup"]?.text
        controllers = (body["controllers"]?.members ?? [:]).compactMapValues(\.text)
    }

    private static func process(_ value: JSONValue?) -> ProcessIdentity? {
        guard let pid = value?["pid"]?.number, let ticks = value?["startTicks"]?.number, ticks >= 0 else { return nil }
        return ProcessIdentity(pid: Int32(clamping: pid), startTicks: UInt64(ticks))
    }

    private static func proof(_ body: JSONValue) -> ReceiptProof? {
        guard let held = body["held"]?.elements?.compactMap(\.text), let nanoseconds = body["nanoseconds"]?.number
        else { return nil }
        return ReceiptProof(held: held, nanoseconds: nanoseconds)
    }

    private static func exit(_ body: JSONValue) -> AgentExit {
        if let code = body["code"]?.number { return .code(code) }
        if let signal = body["signal"]?.number { return .signal(signal) }
        return .unknown
    }

    private static func outcome(_ body: JSONValue) -> ReceiptOutcome? {
        guard let state = body["state"]?.text.flatMap(ReceiptOutcome.State.init(rawValue:)) else { return nil }
        return ReceiptOutcome(
            state: state,
            details: body["details"]?.elements?.compactMap(\.text) ?? [],
            artifacts: (body["artifacts"]?.elements ?? []).compactMap {
                guard let path = $0["path"]?.text, let digest = $0["sha256"]?.text else { return nil }
                return ReceiptOutcome.Artifact(path: path, digest: digest)
            }
        )
    }
}
