// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitNetwork
internal import RemitSandbox
internal import RemitSession
internal import RemitTask

/// Whether a session may do something, and because of which line: asked before there is one, or from inside of one.
struct Why: ParsableCommand {
    /// What is asked about.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case path, host, exec, syscall, env
    }

    static let configuration = CommandConfiguration(
        abstract: "Say whether a session may do something, and which line of which file says so.",
        discussion: """
            Nothing is started. The answer is that of every layer that has a say: what the session's root would hold, \
            modes as the agent's user meets them, Landlock, the very system-call filter, the rules of the network. \
            `remit why path /etc/shadow`, `remit why path src/main.c --write`, `remit why exec node`, \
            `remit why host https://api.example.com/v1/x --method POST`, `remit why syscall ioctl --argument 1=TIOCSTI`, \
            `remit why env AWS_PROFILE`. Inside a session, `--self` asks about that one.

            Exit code 0 when all of it is allowed, 1 when something is denied, 64 when the question is malformed, 126 \
            when the task itself would be refused.
            """
    )

    @Argument(help: "What is asked about: path, host, exec, syscall or env.")
    var kind: Kind
    @Argument(help: "Paths inside, hosts or URLs, programs, system calls, variables.")
    var values: [String]
    @Option(help: "The profile it would run under: a name, or a file, which has a / or ends in .yaml.")
    var profile: String?
    @Option(name: [.customShort("f"), .customLong("file"), .customLong("task")], help: "The task file.")
    var file: String?
    @Option(help: "The directory the agent would work in.")
    var workspace: String?
    @Flag(help: "With the workspace read-only.")
    var readOnly = false
    @Flag(help: "With what it writes to the workspace kept apart.")
    var overlay = false
    @Option(
        name: .customLong("allow-host"), help: "With HOST[:PORT], *.DOMAIN, an address or a block allowed, as by `run`."
    )
    var allowedHosts: [String] = []
    @Flag(help: "Ask about writing a path, not about reading it.")
    var write = false
    @Option(help: "The method of a request; GET when a URL is given.")
    var method: String?
    @Option(
        name: .customLong("argument"),
        help: ArgumentHelp("An argument of a system call, as `profile show` takes them.", valueName: "index=value"))
    var arguments: [String] = []
    @Flag(name: .customLong("self"), help: "Ask about the session that this runs in.")
    var isSelf = false
    @OptionGroup var configurationOption: ConfigurationOption
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let context = try Context()
        try checkOptions()
        let answers: [Answer]
        let view: WhyView
        if isSelf {
            let session = try OwnSession()
            view = WhyView(kind: kind, act: act, book: session.book, notes: session.notes)
            answers = try values.map { try session.answer(self, $0) }
        } else {
            let planned = try PlannedSession(self, context)
            view = WhyView(kind: kind, act: act, book: planned.book, notes: planned.notes)
            answers = try values.map { try planned.answer(self, $0) }
        }
        view.show(answers, formatOption.format)
        if !answers.allSatisfy(\.isAllowed) { throw ExitCode(1) }
    }

    /// The words for what is asked about.
    var act: String {
        switch kind {
        case .path: write ? "write" : "read"
        case .host: "reach"
        case .exec: "execute"
        case .syscall: "call"
        case .env: "pass"
        }
    }

    private func checkOptions() throws {
        func refuse(_ option: String, _ kinds: String) throws {
            throw Output.fail("`\(option)` is about \(kinds)", hint: "see `remit help why`", code: 64)
        }
        if write, kind != .path { try refuse("--write", "paths") }
        if method != nil, kind != .host { try refuse("--method", "hosts") }
        if !arguments.isEmpty, kind != .syscall { try refuse("--argument", "system calls") }
        let others = [profile, file, workspace].contains { $0 != nil } || readOnly || overlay || !allowedHosts.isEmpty
        if isSelf, others {
            throw Output.fail("`--self` is about the session that this runs in, whatever its files say", code: 64)
        }
        if overlay, readOnly { throw Output.fail("`--overlay` and `--read-only` exclude each other", code: 64) }
        for value in values {
            if value.isEmpty { throw Output.fail("a question about nothing: `''`", code: 64) }
            if kind == .path || kind == .exec, value.utf8.count > 4095 {
                throw Output.fail("a path longer than any can be", code: 64)
            }
            if kind == .env, let problem = VariableName.problem(value) {
                throw Output.fail("variable `\(Excerpt.of(value))` \(problem)", code: 64)
            }
        }
    }

    /// Reads a host as it is asked about.
    func networkQuestion(_ value: String) throws -> NetworkQuestion {
        do { return try NetworkQuestion(value, method: method) } catch {
            throw Output.fail("`\(Excerpt.of(value))` \(error.description)", code: 64)
        }
    }
}
