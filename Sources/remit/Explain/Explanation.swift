// SPDX-License-Identifier: Apache-2.0
// Every refusal that a session's journal tells of, with the layer that refused and the line that would allow it.

internal import RemitGate
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitSession
internal import RemitTask

struct Explanation {
    let session: String
    private(set) var denials: [Denial] = []
    /// What cannot be seen of this session, and what would show it.
    private(set) var unseen: [String] = []

    private let home: String?
    private var book = LineBook(origins: [:], files: [:], task: nil)
    private var calls: SystemCallExplainer?
    private var profile = ""
    private var files: [String: String] = [:]
    private var task: DecodedFile<TaskSpecification>?

    init(_ session: String, _ records: [JournalRecord], home: String?) {
        self.session = session
        self.home = home
        let described = records.last { $0.type == "session.described" }?.body
        describe(described)
        systemCalls(records)
        paths(records)
        landlock(records)
        egress(records)
        limits(records)
        leases(records)
        variables(described)
        ending(records)
        limitsOfSight(described, records)
    }

    private mutating func describe(_ described: JSONValue?) {
        guard let described, let description = described["description"] else { return }
        let origins = LineBook.origins(description)
        profile = description["profile"]?.text ?? ""
        files = (described["files"]?.members ?? [:]).compactMapValues(\.text)
        // The file may have changed since: a line is only told of one that can still be read.
        task = described["taskFile"]?.text.flatMap { try? TaskFile.load($0) }
        book = LineBook(origins: origins, files: files, task: task)
        let changes = ProfileSystemCalls(
            allow: description["systemCalls"]?["allow"]?.elements?.compactMap(\.text) ?? [],
            deny: description["systemCalls"]?["deny"]?.elements?.compactMap(\.text) ?? [])
        calls = try? SystemCallExplainer(changes, origins: origins, notify: true)
    }

    private mutating func add(
        _ kind: Denial.Kind, _ layer: String, _ subject: String, _ detail: String, count: Int? = nil,
        line: LineBook.Place? = nil, _ remedy: Remedy
    ) {
        denials.append(
            Denial(
                kind: kind, layer: layer, subject: subject, detail: detail, count: count, line: line, remedy: remedy,
                place: place(remedy)))
    }

    /// Where a remedy's line would go.
    private func place(_ remedy: Remedy) -> String? {
        switch remedy.target {
        case .profile:
            if let file = files[profile] { return file }
            return profile.isEmpty ? "the profile" : "a profile of your own that extends `\(profile)`"
        case .task: return task?.file ?? "the task"
        case .configuration: return "the operator's configuration"
        case .nowhere: return nil
        }
    }

    // MARK: system calls

    private mutating func systemCalls(_ records: [JournalRecord]) {
        var counts: [String: Int] = [:]
        for record in records where record.type == "session.denied" {
            guard let call = record.body["call"]?.text else { continue }
            counts[call] = max(counts[call] ?? 0, record.body["count"]?.number ?? 0)
        }
        for (call, count) in counts.sorted(by: { $0.key < $1.key }) {
            let source = source(of: call)
            var line: LineBook.Place?
            if case .profile(let word, let list, _) = source { line = book.profile("systemCalls.\(list).\(word)") }
            add(
                .syscall, "seccomp", call, source.description, count: count,
                line: line ?? LineBook.Place(value: call, text: "built in: \(source)"), Remedy.call(call, source))
        }
    }

    /// The line that refused a reported call: the first one that reports it.
    private func source(of call: String) -> SystemCallSource {
        let lines = calls.map { $0.policy.lines + $0.policy.fallbacks } ?? []
        return lines.first { $0.rule.name == call && $0.rule.action == .notify }?.source ?? .unlisted
    }

    // MARK: paths

    private mutating func paths(_ records: [JournalRecord]) {
        for record in records where record.type == "session.observed" {
            let body = record.body
            guard let path = body["path"]?.text, let act = body["act"]?.text.flatMap(ObservedAct.init(rawValue:)) else {
                continue
            }
            let layer = body["layer"]?.text ?? "mounts"
            let deciding = body["line"]?.text.flatMap(DecidingLine.init(path:))
            let detail = body["detail"]?.text ?? ""
            let opinion = Opinion(layer, .denies, detail, line: deciding)
            let kind: Denial.Kind = act == .execute ? .program : act == .connect ? .socket : .path
            add(
                kind, layer, path, "\(act.rawValue): \(detail)", line: deciding.map(book.place),
                Remedy.path(path, act, refusedBy: opinion, home: home))
        }
    }

    // MARK: Landlock, by the kernel's own record

    private mutating func landlock(_ records: [JournalRecord]) {
        var counts: [LandlockRefusal: Int] = [:]
        for record in records where record.type == "session.landlock" {
            let blockers = record.body["blockers"]?.elements?.compactMap(\.text) ?? []
            let refusal = LandlockRefusal(blockers: blockers, path: record.body["path"]?.text)
            counts[refusal] = max(counts[refusal] ?? 0, record.body["count"]?.number ?? 0)
        }
        for (refusal, count) in counts.sorted(by: { ($0.key.path ?? "") < ($1.key.path ?? "") }) {
            let rights = refusal.blockers.joined(separator: ", ")
            guard let path = refusal.path else {
                add(
                    .syscall, "landlock", rights, "it leads out of the session", count: count,
                    line: LineBook.Place(value: rights, text: "built in: Landlock's scope"),
                    Remedy(.nowhere, nil, .never, "processes outside of the session are not the agent's"))
                continue
            }
            // An observed session has said so already, and not how often.
            if let known = denials.firstIndex(where: { $0.subject == path && $0.layer == "landlock" }) {
                denials[known].count = (denials[known].count ?? 0) + count
                continue
            }
            let opinion = Opinion("landlock", .denies, "no rule gives \(rights) there")
            add(
                refusal.act == .execute ? .program : .path, "landlock", path,
                "\(refusal.act.rawValue): \(opinion.detail)", count: count,
                line: book.bind(of: path) ?? LineBook.Place(value: rights, text: "built in: Landlock's rules"),
                Remedy.path(path, refusal.act, refusedBy: opinion, home: home))
        }
    }

    // MARK: the network

    private mutating func egress(_ records: [JournalRecord]) {
        var order: [Denial] = []
        for record in records where record.type.hasPrefix("egress.") {
            guard var members = record.body.members else { continue }
            if record.type == "egress.tripwire" {
                let lease = record.body["lease"]?.text ?? "?"
                order.append(
                    denial(
                        .credential, "the placeholder of `\(lease)` toward \(record.body["host"]?.text ?? "?")",
                        "a placeholder went where its secret is not for",
                        Remedy(
                            .configuration, nil, .never,
                            "the secret is bound to its hosts: change `inject` of the provider only where that host is meant"
                        )))
                continue
            }
            members["kind"] = .string(String(record.type.dropFirst("egress.".count)))
            guard let entry = try? EgressRecord(json: .object(members)), !entry.isAllowed else { continue }
            let host = entry.name ?? entry.address ?? "?"
            let detail = "\(entry.kind.rawValue): \(entry.reason ?? "refused") (\(entry.rule))"
            let isRequest = entry.kind == .request
            let subject =
                isRequest
                ? "\(entry.method ?? "?") \(host)\(entry.path ?? "")" : host + (entry.port.map { ":\($0)" } ?? "")
            var new = denial(
                isRequest ? .request : .host, subject, detail,
                isRequest
                    ? Remedy(
                        .task,
                        "network: {allow: [{host: \(Remedy.quoted(host)), http: {methods: [\(entry.method ?? "GET")], paths: [\(Remedy.quoted(entry.path ?? "/"))]}}]}",
                        .careful, "one method and one path are all that this takes")
                    : Remedy.host(host, port: entry.port, reason: entry.reason))
            new.count = entry.count
            new.line = book.place(of: .rule(entry.rule))
            if let index = order.firstIndex(where: { $0.subject == new.subject && $0.kind == new.kind }) {
                order[index].count = (order[index].count ?? 1) + entry.count
            } else {
                order.append(new)
            }
        }
        denials += order
    }

    private func denial(_ kind: Denial.Kind, _ subject: String, _ detail: String, _ remedy: Remedy) -> Denial {
        Denial(kind: kind, layer: "egress", subject: subject, detail: detail, remedy: remedy, place: place(remedy))
    }

    // MARK: limits, leases, variables, the end

    private mutating func limits(_ records: [JournalRecord]) {
        for record in records where record.type == "session.limit" {
            guard let name = record.body["name"]?.text else { continue }
            let value = record.body["limit"]?.text
            add(
                .limit, "limits.\(name)", name, "the limit of \(value ?? "the host") was reached",
                line: book.profile("limits.\(name)"), Remedy.limit(name, value: value))
        }
        for record in records where record.type == "egress.exhausted" {
            let dimension = record.body["dimension"]?.text ?? "?"
            add(
                .limit, "egress", "budget \(dimension)", "the budget is used up",
                line: book.place(of: .task("budget")),
                Remedy(.task, "budget: {\(dimension): …}", .careful, "it bounds what a session can cost"))
        }
    }

    private mutating func leases(_ records: [JournalRecord]) {
        var names: [String: String] = [:]
        for record in records where record.type.hasPrefix("lease.") {
            let lease = record.body["lease"]?.text ?? ""
            if let name = record.body["name"]?.text { names[lease] = name }
            guard ["lease.denied", "lease.renewal-failed"].contains(record.type) else { continue }
            let why = record.body["message"]?.text ?? record.body["reason"]?.text ?? "the provider refused"
            add(
                .credential, "provider", names[lease] ?? lease, "\(record.type.dropFirst(6)): \(why)",
                line: book.place(of: .task("credentials")),
                Remedy(.task, nil, .careful, "ask for what the provider gives: `remit check` says what is too wide"))
        }
    }

    private mutating func variables(_ described: JSONValue?) {
        for name in described?["withheld"]?.elements?.compactMap(\.text) ?? [] {
            add(.variable, "environment", name, "the caller's variable was not passed on", Remedy.variable(name))
        }
    }

    private mutating func ending(_ records: [JournalRecord]) {
        guard let ending = records.first(where: { $0.type == "session.ending" }),
            let reason = ending.body["reason"]?.text, ["deadline", "idle", "strikes", "scope"].contains(reason)
        else { return }
        let detail = ending.body["detail"]?.text ?? ""
        let remedy: Remedy =
            switch reason {
            case "deadline", "idle":
                Remedy(.task, "\(reason): …", .fine, "more than \(detail), where the work takes longer")
            case "strikes":
                Remedy(.nowhere, nil, .never, "a program that tries so many forbidden calls is not what it should be")
            default: Remedy(.nowhere, nil, .careful, "what it was ended for is told above")
            }
        add(
            .end, "session", reason, detail.isEmpty ? "the session was ended" : "the session was ended: \(detail)",
            line: reason == "deadline" || reason == "idle" ? book.place(of: .task(reason)) : nil, remedy)
    }

    // MARK: what is not seen

    private mutating func limitsOfSight(_ described: JSONValue?, _ records: [JournalRecord]) {
        guard let described else {
            unseen.append("the session is an earlier version's: lines and variables are not known")
            return
        }
        let audited = records.last { $0.type == "session.audited" }?.body
        if described["observed"]?.flag != true {
            let landlock = audited == nil ? "read-only or closed by Landlock" : "or is read-only"
            unseen.append(
                "paths: what was looked for and is not there, \(landlock) shows only in a session that is observed: "
                    + "`remit run --observe`")
        }
        if let lost = audited?["lost"]?.number, lost > 0 {
            unseen.append("\(lost) or more of the kernel's records of Landlock came after too many others")
        }
        if let sums = records.last(where: { $0.type == "session.observation" })?.body {
            if let lost = sums["lost"]?.number, lost > 0 {
                unseen.append("\(lost) observed calls could not be looked at, or came after too many others")
            }
            if let more = sums["unrecorded"]?.number, more > 0 {
                unseen.append("\(more) further refusals of paths were not recorded")
            }
        }
        let silent = described["description"]?["layers"]?.elements?.contains {
            $0["name"]?.text == "seccomp" && $0["state"]?.text != "enforced"
        }
        if silent == true { unseen.append("system calls: this host does not report them") }
        if described["description"]?["network"] == .null {
            unseen.append(
                "connections: the session had no network at all, and nobody who could have recorded what it tried to reach"
            )
        }
        unseen.append(
            "system calls that are on no list, refused for an argument (a set-id bit, a kind of socket), or refused as a "
                + "runtime's harmless question, are answered by the kernel alone")
    }
}
