// SPDX-License-Identifier: Apache-2.0
// A live session's posture as a table and as JSON.

internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitSession

struct PostureView {
    let session: String
    let expectation: PostureExpectation
    let posture: Posture
    let comparison: PostureComparison

    /// Nothing that could be read differs from the plan.
    var holds: Bool { comparison.holds }

    /// Asks the session's supervisor what it must hold, and /proc what it holds.
    ///
    /// - Throws: ``SessionError`` when the session does not run, or its first process cannot be found.
    init(_ session: String, _ context: Context) throws(SessionError) {
        self.session = session
        expectation = try Self.ask(session, context)
        do {
            posture = try PostureReader(expectation).read()
        } catch {
            throw SessionError(.failed, "cannot look at session `\(session)`: \(error)")
        }
        comparison = PostureComparison(posture, with: expectation)
    }

    private static func ask(_ session: String, _ context: Context) throws(SessionError) -> PostureExpectation {
        let response: ControlResponse
        do {
            response = try ControlClient.ask(context.directories.control(session), "GET", "/posture")
        } catch {
            let state = try context.store.record(session).state
            throw SessionError(
                .failed, "session `\(session)` is not running (\(state.rawValue)): there is nothing to look at",
                hint: "`remit inspect \(session)` shows what is recorded")
        }
        let body = try? JSONValue(parsing: response.body)
        guard response.status == 200 else {
            let reason = body?["error"]?.text ?? "its supervisor answered \(response.status)"
            throw SessionError(.failed, "cannot look at session `\(session)`: \(reason)")
        }
        guard let expectation = body.flatMap({ PostureExpectation($0) }), expectation.session == session else {
            throw SessionError(.failed, "cannot look at session `\(session)`: its supervisor is of another version")
        }
        return expectation
    }

    // MARK: showing

    func show(_ format: Format) {
        switch format {
        case .json: Output.json(json)
        case .table:
            Output.table(table)
            let (differences, unreadable) = (comparison.differences.count, comparison.unreadable.count)
            let tasks = posture.processes.reduce(0) { $0 + $1.tasks.count }
            Output.write(
                """

                \(comparison.items.count) items of \(posture.processes.count) processes and \(tasks) tasks: \
                \(differences == 0 ? "none differs" : "\(differences) DIFFER") from the plan, \(unreadable) unreadable
                Landlock, securebits and the closed user-namespace door are not visible from outside; \
                `remit doctor --prove` tries them.

                """)
        }
    }

    /// One row of the table: items that read alike.
    private struct Row: Hashable {
        let what: String
        let expected: String
        let found: String
        let verdict: PostureItem.Verdict

        /// Mounts that hold are a crowd: those that read alike are one row.
        init(_ item: PostureItem) {
            verdict = item.verdict
            guard item.verdict == .holds, let crowd = ["mount ", "source of "].first(where: item.what.hasPrefix) else {
                (what, expected, found) = (item.what, item.expected, item.found)
                return
            }
            what = crowd
            expected = crowd == "mount " ? item.expected : "the file that was approved"
            found = crowd == "mount " ? item.found : "that file"
        }
    }

    /// Differences first.
    private var table: Table {
        var order: [Row] = []
        var members: [Row: [PostureItem]] = [:]
        for item in comparison.items {
            let row = Row(item)
            if members[row] == nil { order.append(row) }
            members[row, default: []].append(item)
        }
        let rank: [PostureItem.Verdict: Int] = [.differs: 0, .unreadable: 1, .holds: 2]
        let sorted = order.enumerated().sorted {
            (rank[$0.element.verdict] ?? 3, $0.offset) < (rank[$1.element.verdict] ?? 3, $1.offset)
        }
        var table = Table(columns: ["", "WHAT", "EXPECTED", "FOUND", "WHERE"])
        for (_, row) in sorted {
            let items = members[row] ?? []
            let names = Set(items.map(\.what)).sorted()
            let crowd =
                names.count > 1
                ? "\(row.what)\(names[0].dropFirst(row.what.count)) and \(names.count - 1) more" : names[0]
            var places: [String] = []
            for place in items.map(Self.holder) where places.last != place { places.append(place) }
            let mark = [PostureItem.Verdict.differs: "DIFFERS", .unreadable: "unreadable"][row.verdict] ?? "holds"
            table.rows.append([
                mark, crowd, row.expected, row.found,
                places.count > 4 ? "\(places.count) of them" : places.joined(separator: " "),
            ])
        }
        return table
    }

    /// `session`, a process, or a process and a thread of it.
    private static func holder(_ item: PostureItem) -> String {
        guard let process = item.process else { return "session" }
        guard let task = item.task, task != process else { return "\(process)" }
        return "\(process)/\(task)"
    }

    private var json: JSONValue {
        [
            "session": .string(session), "holds": .bool(comparison.holds),
            "differences": .integer(comparison.differences.count),
            "unreadable": .integer(comparison.unreadable.count),
            "settled": .bool(posture.isSettled), "gone": .integer(posture.gone),
            "expected": expectation.json,
            "processes": .array(posture.processes.map(Self.json)),
            "items": .array(
                comparison.items.map {
                    [
                        "process": .optional($0.process.map { Int($0) }), "task": .optional($0.task.map { Int($0) }),
                        "what": .string($0.what), "expected": .string($0.expected), "found": .string($0.found),
                        "verdict": .string($0.verdict.rawValue),
                    ]
                }),
        ]
    }
}
