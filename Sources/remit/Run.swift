// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import RemitJournal
internal import RemitKernel
internal import RemitSession
internal import RemitTask

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        _superCommandName: "remit",
        abstract: "Run a task in a sandbox, and end all of it.",
        discussion: """
            The exit code is the agent's own, or: 64 usage, 121 outcome not met, 122 budget used up, 123 ended for \
            exceeding its scope, 124 deadline or idle, 125 remit failed, 126 refused before start, 127 command not \
            found, 128+n killed by signal n.
            """
    )

    @Option(name: [.customShort("f"), .customLong("file")], help: "The task file.")
    var file: String?
    @Option(help: "The profile to run under: a name, or a file, which has a / or ends in .yaml.")
    var profile: String?
    @Option(help: "The directory the agent works in.")
    var workspace: String?
    @Flag(help: "Bind the workspace read-only.")
    var readOnly = false
    @Flag(help: "Keep what it writes to the workspace apart, until `remit apply`.")
    var overlay = false
    @Option(help: "End the session after this long, for example 30m.")
    var deadline: TimeSpan?
    @Option(help: "End it when it neither writes nor computes for this long.")
    var idle: TimeSpan?
    @Option(help: "Memory of the whole session, for example 2GiB.")
    var memory: ByteCount?
    @Option(help: "Processes and threads of the whole session.")
    var processes: Int?
    @Option(help: "Processors' worth of time, for example 1.5.")
    var cpu: Double?
    @Option(name: .customLong("allow-host"), help: "Let the agent reach HOST[:PORT], *.DOMAIN, an address or a block.")
    var allowedHosts: [String] = []
    @Option(name: .customLong("env"), help: "Set NAME=VALUE, or pass NAME on from the caller.")
    var variables: [String] = []
    @Option(help: "The task's name.")
    var name: String?
    @Option(help: "Who answers for it.")
    var owner: String?
    @Option(help: "What is to be done, in one sentence.")
    var intent: String?
    @Flag(inversion: .prefixedNo, help: "Give the agent a terminal; automatic when standard input and output are one.")
    var tty: Bool?
    @Flag(
        help: "Start it in the background, print its identifier, and leave; with --tty it has a terminal to attach to.")
    var detach = false
    @Flag(help: "Start it in the background with a terminal, and attach: the detach keys leave it running.")
    var detachable = false
    @OptionGroup var terminalOptions: TerminalOptions
    @Option(name: .customLong("background-report"), help: .hidden)
    var background: Int32?
    @Flag(help: "Print the plan and what would be enforced; start nothing.")
    var dryRun = false
    @Option(name: .customLong("allow-degraded"), help: "Start although this required layer is not fully enforced.")
    var allowDegraded: [Layer] = []
    @Option(
        name: .customLong("assume-missing"),
        help: "With --dry-run: plan as for a host that cannot enforce this layer.")
    var assumedMissing: [Layer] = []
    @Flag(help: "Report what the agent looks for, opens and runs, for `remit explain`; it becomes slower.")
    var observe = false
    @Option(name: .customLong("status-fd"), help: "Write events as JSON Lines to this descriptor.")
    var statusDescriptor: Int32?
    @Flag(name: .shortAndLong, help: "Do not say how the session ended.")
    var quiet = false
    @OptionGroup var configurationOption: ConfigurationOption
    @Option(
        help: "Of a plan: table or json. Of a session in the log of a CI job: github, gitlab, or junit with --report.")
    var format: RunFormat = .table
    @Option(help: ArgumentHelp("The file for --format junit.", valueName: "file"))
    var report: String?
    @Option(help: ArgumentHelp("Append a summary in Markdown. [GitHub: GITHUB_STEP_SUMMARY]", valueName: "file"))
    var summary: String?
    @Argument(parsing: .postTerminator, help: "The command to run, after `--`.")
    var command: [String] = []

    /// Runs what these arguments ask for, as ``Remit`` would, without looking at all the other commands first: their
    /// names alone cost a tenth of a launch.
    ///
    /// Returns when it is not that simple: ``Remit`` then gives the help that is wanted, or says what is wrong.
    static func startAlone(_ arguments: [String]) {
        guard let command = try? parseAsRoot(arguments) as? Run else { return }
        do { try command.run() } catch let code as ExitCode {
            // The parser would lay out the help page first, and print nothing of it.
            Glibc.exit(code.rawValue)
        } catch {
            Remit.exit(withError: error)
        }
        Remit.exit()
    }

    // SAFETY: set once by the main thread before anything is parsed, read by it afterwards; there is no other thread.
    nonisolated(unsafe) static var payload: [String] = []

    func run() throws {
        let context = try Context()
        if detach || detachable, !dryRun, background == nil { throw try startInBackground(context) }
        if dryRun { return try showPlan(context) }
        if format.sharesLog, detach || detachable || tty == true {
            throw Output.fail("`--format \(format.rawValue)` is for a job's log, which is no terminal", code: 64)
        }
        let job = try JobLog(format, report: report, summary: summary)
        job.open(unsafe Self.payload)
        let result: JobResult
        do {
            let configuration = try context.configuration(configurationOption.path)
            // Before anything copies the environment: the sandbox's first process is a clone of this one.
            let secrets = CurrentProcess.takeVariables(configuration.secretVariables)
            let request = try makeRequest(context, configuration)
            result = try supervise(request, secrets, context)
        } catch let error as SessionError {
            let code = Output.fail(error)
            job.close(JobResult(refused: error))
            throw code
        } catch let code as ExitCode {
            // Why was said where it was found.
            let reason = SessionError(.usage, "what was asked for cannot be run: see the log")
            job.close(JobResult(refused: reason, code: code.rawValue))
            throw code
        }
        job.close(result)
        throw ExitCode(result.exitCode)
    }

    private func showPlan(_ context: Context) throws {
        guard let format = format.plan else {
            throw Output.fail("`--dry-run` shows a plan: `--format` table or json", code: 64)
        }
        let request = try makeRequest(context, context.configuration(configurationOption.path))
        do { PlanView(try AdmittedSession(request)).show(format) } catch {
            throw Output.fail(error)
        }
    }

    /// Runs the session, and says how it ended.
    private func supervise(
        _ request: RunRequest, _ secrets: [String: Secret], _ context: Context
    ) throws -> JobResult {
        let admitted = try AdmittedSession(request)
        // Start-up reconcile: what an earlier supervisor left is finished before anything new begins.
        Reconciliation.runBeforeStart(context.directories, environment: context.environment)
        let options = SupervisorOptions(
            status: statusDescriptor,
            traced: CurrentProcess.variable("REMIT_TRACE") == "1",
            configurationFile: context.configurationFile(configurationOption.path),
            secrets: secrets,
            escapes: terminalOptions.escapes,
            background: background,
            awaitsClient: background != nil && detachable,
            lines: format.sharesLog ? LineFilter(breaksSections: format == .gitlab) : nil
        )
        let supervisor = try Supervisor(admitted, directories: context.directories, options: options)
        let result = try supervisor.run()
        // A failure of our own is told even so: nobody else could say what it was.
        if let message = result.message, !quiet || result.exitCode == 125 {
            Output.write("remit: \(Terminal.printable(message))\n", to: 2)
        }
        let isTold = format.plan == nil || summary != nil
        return JobResult(result, isTold ? try? context.store.record(result.session) : nil)
    }

    private func makeRequest(_ context: Context, _ configuration: Configuration) throws -> RunRequest {
        let command = unsafe Self.payload
        var decoded: DecodedFile<TaskSpecification>?
        var directory = "."
        if let file {
            do { decoded = try TaskFile.load(file) } catch {
                throw Output.fail(error.description, hint: error.hint, code: 64)
            }
            directory = FileSystem.parent(of: file)
        }
        var task = decoded?.value ?? TaskSpecification(name: "ad-hoc")
        if let name { task.name = name }
        if let owner { task.owner = owner }
        if let intent { task.intent = intent }
        var catalogue = context.catalogue
        if let profile {
            task.profile = profile
            if ProfileArgument.isFile(profile) {
                let named = try ProfileArgument.load(profile, context)
                (task.profile, catalogue) = (named.profile.name, named.catalogue)
            }
        }
        if !command.isEmpty { task.command = command }
        if let deadline { task.deadline = deadline }
        if let idle { task.idle = idle }
        if let memory { task.limits.memory = memory }
        if let processes { task.limits.processes = processes }
        if let cpu { task.limits.cpu = cpu }
        if overlay, readOnly { throw Output.fail("`--overlay` and `--read-only` exclude each other", code: 64) }
        let mode: WorkspaceMode? = overlay ? .overlay : readOnly ? .read : nil
        if let workspace {
            task.workspace = Workspace(path: try absolute(workspace), mode: mode ?? .write)
        } else if let mode, let given = task.workspace {
            task.workspace = Workspace(path: given.path, mode: mode)
        } else if overlay {
            throw Output.fail("`--overlay` needs a workspace", hint: "add `--workspace DIRECTORY`", code: 64)
        }
        for variable in variables {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if let problem = VariableName.problem(parts[0]) {
                throw Output.fail("variable `\(parts[0])` \(problem)", code: 64)
            }
            if parts.count == 1, configuration.secretVariables.contains(parts[0]) {
                throw Output.fail(
                    "variable `\(parts[0])` holds a provider's secret, which no agent gets",
                    hint: "let the task ask for it under `credentials:`; the agent then holds a placeholder", code: 64)
            }
            task.environment[parts[0]] = parts.count == 2 ? parts[1] : CurrentProcess.variable(parts[0])
        }
        for text in allowedHosts {
            do throws(AllowedHost.Refusal) {
                task.network.allow = (task.network.allow ?? []) + [try AllowedHost.parse(text)]
            } catch {
                throw Output.fail("`--allow-host` \(error)", code: 64)
            }
        }
        try checkPlainTexts(task)
        let terminals =
            detachable || (!detach && !format.sharesLog && RawTerminal.isTerminal(0) && RawTerminal.isTerminal(1))
        if tty == true, !terminals, !detach {
            throw Output.fail("`--tty` needs a terminal as standard input and output", code: 64)
        }
        var request = RunRequest(
            task: task,
            file: decoded,
            directory: try absolute(directory),
            configuration: configuration,
            directories: context.directories,
            catalogue: catalogue,
            terminal: tty ?? terminals,
            excused: Set(allowDegraded),
            callerEnvironment: context.environment
        )
        // There is no option to ask for writing with: who names a workspace takes what the profile gives.
        // For an overlay there is one, and who asks for it is told.
        request.takesLesserWorkspace = self.workspace != nil && !overlay
        if !assumedMissing.isEmpty, !dryRun {
            throw Output.fail("`--assume-missing` is about plans: it needs `--dry-run`", code: 64)
        }
        request.assumedMissing = Set(assumedMissing)
        request.isObserved = observe
        return request
    }

    /// Runs this command once more, in the background, and attaches to it if that is wanted.
    ///
    /// - Returns: the exit code.
    private func startInBackground(_ context: Context) throws -> ExitCode {
        if detach, detachable { throw Output.fail("`--detach` and `--detachable` exclude each other", code: 64) }
        if detachable, tty == false { throw Output.fail("`--detachable` and `--no-tty` exclude each other", code: 64) }
        if detachable, !RawTerminal.isTerminal(0) || !RawTerminal.isTerminal(1) {
            throw Output.fail("`--detachable` needs a terminal as standard input and output", code: 64)
        }
        let process: BackgroundProcess
        do {
            process = try BackgroundProcess { report in
                // In front of everything else: behind `--` it would be the agent's.
                ["run", "--background-report", "\(report)"] + CommandLine.arguments.dropFirst(2)
            }
        } catch { throw Output.fail("\(error)", code: 125) }
        switch process.wait() {
        case .ended(let code, let said):
            try? FileSystem.writeAll(2, said, name: "standard error")
            return ExitCode(code == 0 ? 125 : code)
        case .reported(let session):
            if detach {
                Output.write("\(session)\n")
                return ExitCode(0)
            }
            let terminal = AttachedTerminal(
                session: session, isReadOnly: false, steals: false, options: terminalOptions, isQuiet: quiet)
            do { return try terminal.run(context) } catch let error as SessionError { throw Output.fail(error) }
        }
    }

    /// What came from options obeys the rules of the file.
    private func checkPlainTexts(_ task: TaskSpecification) throws {
        let command = task.command ?? []
        if let problem = Name.problem(task.name) { throw Output.fail("name `\(task.name)` \(problem)", code: 64) }
        for (option, text) in [("owner", owner), ("intent", intent)] {
            guard let text, let problem = PlainText.problem(text) else { continue }
            throw Output.fail("`--\(option)` \(problem)", code: 64)
        }
        for text in command {
            guard text.utf8.contains(0) else { continue }
            throw Output.fail("the command holds a NUL byte", code: 64)
        }
        if let processes, processes < 1 { throw Output.fail("`--processes` must be at least 1", code: 64) }
        if let cpu, !(0.01...1024).contains(cpu) { throw Output.fail("`--cpu` must be from 0.01 to 1024", code: 64) }
        if let deadline, deadline.milliseconds == 0 { throw Output.fail("`--deadline` must be longer", code: 64) }
        if let idle, idle.milliseconds == 0 { throw Output.fail("`--idle` must be longer", code: 64) }
    }

    private func absolute(_ path: String) throws -> String {
        do { return try FileSystem.resolved(path) } catch {
            throw Output.fail("cannot use `\(path)`: \(error.errno)", code: 126)
        }
    }
}
