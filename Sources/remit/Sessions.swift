// SPDX-License-Identifier: Apache-2.0
// ps, inspect, logs: looking at sessions.

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSession

struct ListSessions: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ps", abstract: "List sessions.")

    @Flag(name: .shortAndLong, help: "Those that are over as well.")
    var all = false
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let store = try Context().store
        let records: [SessionRecord] = store.identifiers
            .compactMap { try? store.record($0) }
            .filter { all || $0.state != .ended }
            .sorted { SessionView.time($0.history.admitted) < SessionView.time($1.history.admitted) }
        switch formatOption.format {
        case .json: Output.json(.array(records.map(SessionView.json)))
        case .table:
            var table = Table(columns: ["SESSION", "TASK", "OWNER", "STATE", "REASON", "CHANGE", "STARTED"])
            for record in records {
                table.rows.append([
                    record.session, record.history.task, record.history.owner, record.state.rawValue,
                    record.reason?.rawValue ?? "-", record.review == .none ? "-" : record.review.rawValue,
                    SessionView.time(record.history.admitted),
                ])
            }
            Output.table(table)
        }
    }
}

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show everything known about a session.",
        discussion: """
            With `--posture`, what a running session really holds, read from outside through /proc and its control \
            groups, and compared with its plan: exit code 1 when something differs.
            """
    )

    @Argument(help: "The session, or the beginning of its identifier.")
    var session: String
    @Flag(help: "Look at the running session from outside, and mark what differs from its plan.")
    var posture = false
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        if posture { return try showPosture() }
        let record = try Context().record(session)
        switch formatOption.format {
        case .json: Output.json(SessionView.details(record))
        case .table:
            var table = Table(columns: ["WHAT", "VALUE"])
            table.rows = SessionView.rows(record)
            Output.table(table)
        }
    }

    private func showPosture() throws {
        let context = try Context()
        let view: PostureView
        do { view = try PostureView(try context.store.resolve(session), context) } catch {
            throw Output.fail(error)
        }
        view.show(formatOption.format)
        if !view.holds { throw ExitCode(1) }
    }
}

struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what the agent wrote, its credentials taken out.",
        discussion: "On a terminal, colours are kept and every other control sequence is taken out."
    )

    @Argument(help: "The session, or the beginning of its identifier.")
    var session: String
    @Flag(help: "Standard error instead of standard output.")
    var stderr = false
    @Flag(help: "What it asked its network for, and what became of that, instead of what it wrote.")
    var egress = false
    @Option(help: "With --egress: table, json (JSON Lines) or har (HTTP Archive 1.2).")
    var format: EgressLog.Format = .table

    func run() throws {
        let context = try Context()
        if egress { return try EgressLog(context.record(session), context).show(format) }
        do {
            let session = try context.store.resolve(session)
            let path = "\(context.directories.session(session))/\(stderr ? "stderr" : "stdout").log"
            let file: OwnedDescriptor
            do { file = try FileSystem.open(path) } catch {
                // A terminal has one stream only, and a session that never ran has none.
                if error.errno == .notFound { return }
                throw Output.fail("\(error)", code: 125)
            }
            // A file gets what was written; a terminal gets nothing that it would obey.
            var text = RawTerminal.isTerminal(1) ? TerminalText() : nil
            try FileSystem.readPieces(file.number, name: path) { piece in
                let shown = text?.pass(piece[...]) ?? Array(piece)
                try? FileSystem.writeAll(1, shown, name: "output")
            }
            if let rest = text?.finish() { try? FileSystem.writeAll(1, rest, name: "output") }
        } catch let error as SessionError {
            throw Output.fail(error)
        }
    }
}
