// SPDX-License-Identifier: Apache-2.0

internal import RemitJournal
internal import RemitKernel
internal import RemitLeases
internal import RemitSession

/// What a CI job is told of a session: the same for every service.
struct JobResult {
    enum Level: Hashable { case notice, warning, error }

    /// One thing that happened.
    struct Finding: Hashable {
        let level: Level
        let title: String
        let text: String
    }

    /// More of one kind are counted in a last one: services show ten a step.
    private static let findingLimit = 8

    let title: String
    let exitCode: Int32
    var seconds: Double = 0
    var findings: [Finding] = []
    /// What and its value, for a table.
    var facts: [(name: String, value: String)] = []
    /// Whether an outcome was asked for and met; `nil` without one, or when nobody looked.
    var isOutcomeMet: Bool?
    var outcomeDetails: [String] = []
    /// It was ended for what it did.
    var isStruck = false

    var isGood: Bool { exitCode == 0 }

    /// Of a session that was refused.
    init(refused error: SessionError, code: Int32? = nil) {
        title = error.kind == .refused ? "refused before the start" : "not started"
        exitCode = code ?? error.exitCode
        let hint = error.hint.map { "\nhint: \($0)" } ?? ""
        findings = [Finding(level: .error, title: "remit: \(title)", text: error.description + hint)]
        facts = [("ending", title), ("exit code", "\(exitCode)")]
    }

    /// Of one that ran, as its journal tells it.
    init(_ result: SessionResult, _ record: SessionRecord?) {
        exitCode = result.exitCode
        let history = record?.history
        title = record?.reason?.rawValue ?? "failed"
        let text = result.message ?? "session \(result.session): \(title), exit code \(exitCode)"
        findings = [Finding(level: exitCode == 0 ? .notice : .error, title: "remit: \(title)", text: text)]
        facts = [("session", result.session), ("ending", title), ("exit code", "\(exitCode)")]
        guard let record, let history else { return }
        isStruck = [.strikes, .scope].contains(record.reason)
        if let detail = history.detail, !detail.isEmpty { facts.append(("why", detail)) }
        facts += [("task", history.task), ("owner", history.owner), ("profile", history.profile)]
        if !history.intent.isEmpty { facts.append(("intent", history.intent)) }
        if let started = history.admitted, let ended = history.lastProcessDead {
            seconds = started.boot.duration(to: ended.boot).seconds
            facts.append(("duration", "\((seconds * 10).rounded() / 10) s"))
        }
        if let left = history.processesLeft { facts.append(("processes left", "\(left)")) }
        for lease in record.leases { facts.append(("credential \(lease.name)", lease.state.rawValue)) }
        addOutcome(history)
        addDenials(history)
        if let receipt = result.receipt { facts.append(("receipt", receipt)) }
    }

    private mutating func addOutcome(_ history: SessionHistory) {
        guard let outcome = history.outcome else { return }
        outcomeDetails = outcome.details
        if outcome.state == .met { isOutcomeMet = true }
        if outcome.state == .notMet { isOutcomeMet = false }
        facts.append(("outcome", outcome.state.rawValue))
        guard outcome.state == .notMet else { return }
        add(outcome.details.map { Finding(level: .error, title: "remit: outcome not met", text: $0) })
    }

    private mutating func addDenials(_ history: SessionHistory) {
        let calls = history.denials.sorted { $0.key < $1.key }
        add(
            calls.map {
                Finding(level: .warning, title: "remit: refused system call", text: "\($0.key), \(times($0.value))")
            })
        let hosts = (history.egress?.hosts ?? [:]).filter { $0.value.denied > 0 }.sorted { $0.key < $1.key }
        add(
            hosts.map {
                Finding(
                    level: .warning, title: "remit: refused connection", text: "\($0.key), \(times($0.value.denied))")
            })
        let tripwires = (history.egress?.tripwires ?? [:]).sorted { $0.key < $1.key }
        add(
            tripwires.map {
                Finding(
                    level: .error, title: "remit: credential sent elsewhere", text: "\($0.key), \(times($0.value))")
            })
        add(history.limitsReached.map { Finding(level: .warning, title: "remit: limit reached", text: $0) })
        let refused = calls.reduce(0) { $0 + $1.value } + hosts.reduce(0) { $0 + $1.value.denied }
        facts.append(("refused acts", "\(refused)"))
    }

    private func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }

    private mutating func add(_ more: [Finding]) {
        findings += more.prefix(Self.findingLimit)
        guard more.count > Self.findingLimit, let first = more.first else { return }
        let rest = more.count - Self.findingLimit
        findings.append(Finding(level: first.level, title: first.title, text: "and \(rest) more: see `remit inspect`"))
    }
}
