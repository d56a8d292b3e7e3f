// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSession

struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Attach to the terminal of a session that runs in the background.",
        discussion: """
            The session was started with `remit run --tty --detach`, or `--detachable`. One client types; others may look \
            on. The detach keys leave the session running, as does the end of this command for any other reason. When the \
            session ends, the exit code is that of `remit run`.
            """
    )

    @Argument(help: "The session, or the beginning of its identifier.")
    var session: String
    @Flag(help: "Only look on: nothing typed is sent, and the session's window keeps its size.")
    var readOnly = false
    @Flag(help: "Detach whoever is attached.")
    var steal = false
    @OptionGroup var terminalOptions: TerminalOptions

    func run() throws {
        let context = try Context()
        do {
            let session = try context.store.resolve(session)
            let terminal = AttachedTerminal(
                session: session, isReadOnly: readOnly, steals: steal, options: terminalOptions)
            throw try terminal.run(context)
        } catch let error as SessionError {
            throw Output.fail(error)
        }
    }
}

/// What concerns the terminal of whoever looks at a session.
struct TerminalOptions: ParsableArguments {
    @Option(help: "The keys that detach, between commas; a key is a character, or ctrl- and one.")
    var detachKeys: DetachKeys = .standard
    @Option(
        name: .customLong("terminal-escapes"),
        help: "What of the agent's control sequences a terminal gets: safe (what drawing needs) or all.")
    var escapes: TerminalEscapes = .safe
}

/// The caller's terminal, attached to a session.
struct AttachedTerminal {
    let session: String
    let isReadOnly: Bool
    let steals: Bool
    let options: TerminalOptions
    var isQuiet = false

    /// Runs until it is detached, or the session is over.
    ///
    /// - Returns: the exit code.
    func run(_ context: Context) throws -> ExitCode {
        guard isReadOnly || (RawTerminal.isTerminal(0) && RawTerminal.isTerminal(1)) else {
            throw SessionError(
                .usage, "attaching needs a terminal as standard input and output", hint: "or `--read-only`")
        }
        let request = AttachRequest(
            size: isReadOnly ? nil : RawTerminal.windowSize(of: 0), isReadOnly: isReadOnly, steals: steals)
        let answer: AttachAnswer
        do { answer = try ControlClient.attach(context.directories.control(session), request) } catch {
            let state = try context.store.record(session).state
            let hint = state == .ended ? nil : "its supervisor is gone: run `remit reap`"
            throw SessionError(.failed, "session `\(session)` is not running (\(state.rawValue))", hint: hint)
        }
        switch answer {
        case .refused(let response):
            let reason = (try? JSONValue(parsing: response.body))?["error"]?.text ?? "status \(response.status)"
            let hint = reason.contains("attached already") ? "`--steal` takes it over, `--read-only` looks on" : nil
            throw SessionError(.failed, "cannot attach to session `\(session)`: \(reason)", hint: hint)
        case .attached(let connection): return try attached(connection)
        }
    }

    private func attached(_ connection: AttachConnection) throws -> ExitCode {
        let result: AttachResult
        do {
            let client = try AttachClient(
                connection, isReadOnly: isReadOnly, keys: options.detachKeys, escapes: options.escapes)
            result = try client.run()
        } catch {
            throw SessionError(.failed, "cannot attach to session `\(session)`: \(error)")
        }
        switch result {
        case .detached:
            say("remit: detached from session \(session); `remit attach \(session)` comes back")
            return ExitCode(0)
        case .closed(let why):
            say("remit: detached from session \(session): \(why)")
            return ExitCode(0)
        case .signalled(let signal):
            say("remit: detached from session \(session), which goes on")
            return ExitCode(128 + signal)
        case .ended(let code, let message):
            if !message.isEmpty, !isQuiet || code == 125 { say("remit: \(message)") }
            return ExitCode(code)
        case .lost:
            throw SessionError(
                .failed, "the supervisor of session `\(session)` is gone",
                hint: "its guard ends the session; see `remit ps`")
        }
    }

    private func say(_ text: String) { Output.write("\(Terminal.printable(text))\n", to: 2) }
}

extension DetachKeys: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }

    var defaultValueDescription: String { "ctrl-\\,d" }
}
