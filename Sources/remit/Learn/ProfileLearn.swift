// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitGate
internal import RemitJournal
internal import RemitKernel
internal import RemitNetwork
internal import RemitSandbox
internal import RemitSession
internal import RemitTask

/// Runs a command under observation, and writes the least profile that would have let it.
struct ProfileLearn: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract: "Run a command under observation, and write the profile that it needs.",
        discussion: """
            The command runs in a real session that shows more of the host than a profile should: all of /etc and /opt but \
            for what holds secrets. What it looks for, opens, runs and calls is observed, and the profile is the least that \
            would have let it. It is written with the reason for each line, and with what this one run cannot show: files \
            that were looked for and not found, programs that were not run, calls that were refused. What is on the floor \
            of every session, and what holds secrets, is never learned.

            The profile goes to standard output, or to `--output`; the command's own output and the report go to standard \
            error. Exit code 0 when the command succeeded, 1 when it did not: the profile is written all the same. \
            126 when the session is refused.
            """
    )

    @Option(
        help: ArgumentHelp(
            """
            The profile to compare with, and to take limits and variables from: a name, or a file, which has a / or ends \
            in .yaml.
            """,
            valueName: "profile"))
    var base = "coding"
    @Option(help: "The new profile's name; that of the output file where there is one.")
    var name: String?
    @Option(name: .shortAndLong, help: "Where to write the profile, which must not be there yet.")
    var output: String?
    @Option(help: "The directory the command works in.")
    var workspace = "."
    @Flag(help: "Bind the workspace read-only.")
    var readOnly = false
    @Flag(help: "Keep what it writes to the workspace apart, until `remit apply` or `remit discard`.")
    var overlay = false
    @Option(name: .customLong("bind"), help: "Show this directory of the host as well, read-only.")
    var binds: [String] = []
    @Option(
        name: .customLong("allow-host"), help: "Let the command reach HOST[:PORT], *.DOMAIN, an address or a block.")
    var allowedHosts: [String] = []
    @Option(help: "End the command after this long, for example 30m.")
    var deadline: TimeSpan?
    @OptionGroup var configurationOption: ConfigurationOption
    @Argument(parsing: .postTerminator, help: "The command to run, after `--`.")
    var command: [String] = []

    func run() throws {
        let context = try Context()
        let configuration = try context.configuration(configurationOption.path)
        let found = try ProfileArgument.load(base, context)
        let baseProfile = found.profile
        let newName = try profileName()
        guard !command.isEmpty else {
            throw Output.fail("there is no command", hint: "write it after `--`", code: 64)
        }
        if let output, FileSystem.exists(output) {
            throw Output.fail("`\(output)` is there already", hint: "name another file, or move it away", code: 64)
        }
        if overlay, readOnly { throw Output.fail("`--overlay` and `--read-only` exclude each other", code: 64) }
        // What the command writes is not the profile.
        let answer = try redirectOutput()
        let school = try makeSchool(baseProfile, context)
        let catalogue = found.catalogue.adding(text: school.text, named: ProfileSchool.name)
        let request = try request(context, configuration, catalogue)
        let admitted: AdmittedSession
        let supervisor: Supervisor
        let result: SessionResult
        do {
            admitted = try AdmittedSession(request)
            Reconciliation.runBeforeStart(context.directories, environment: context.environment)
            supervisor = try Supervisor(
                admitted, directories: context.directories,
                options: SupervisorOptions(configurationFile: context.configurationFile(configurationOption.path)))
            result = try supervisor.run()
        } catch {
            throw Output.fail(error)
        }
        let record = try context.record(result.session)
        let lesson = ProfileLesson(
            base: baseProfile, seen: admitted.profile,
            evidence: try evidence(supervisor.observations, admitted, result.session, context),
            home: context.environment["HOME"])
        let figures = record.history.resources.figures
        let failure = result.exitCode == 0 ? nil : result.message ?? "exit status \(result.exitCode)"
        let text = lesson.yaml(
            ProfileLesson.Run(
                name: newName, command: command, failure: failure,
                memoryPeak: figures[.memoryPeakBytes] ?? figures[.memoryPeakBytesSampled],
                processesPeak: figures[.processesPeak] ?? figures[.processesPeakSampled]))
        try write(text, answer.number)
        LearnReport(
            lesson, session: result.session, name: newName, failure: failure, text: text,
            isApart: record.history.changes.map { !$0.isEmpty } ?? false
        ).show()
        if failure != nil { throw ExitCode(1) }
    }

    private func profileName() throws -> String {
        let file = output.map { path in String(path.split(separator: "/").last?.prefix { $0 != "." } ?? "") }
        let name = name ?? file ?? "learned"
        if let problem = Name.problem(name) {
            throw Output.fail(
                "profile name `\(Excerpt.of(name))` \(problem)", hint: "say another: `--name NAME`", code: 64)
        }
        return name
    }

    private func makeSchool(_ base: Profile, _ context: Context) throws -> ProfileSchool {
        let sources = try binds.map(absolute)
        do {
            return try ProfileSchool(base: base, binds: sources, home: context.environment["HOME"])
        } catch {
            throw Output.fail(error.description, hint: error.hint, code: 64)
        }
    }

    private func redirectOutput() throws -> OwnedDescriptor {
        do { return try CurrentProcess.redirectOutputToErrors() } catch {
            throw Output.fail("cannot set the command's output apart: \(error)", code: 125)
        }
    }

    private func absolute(_ path: String) throws -> String {
        do { return try FileSystem.resolved(path) } catch {
            throw Output.fail("cannot use `\(path)`: \(error.errno)", code: 64)
        }
    }

    private func request(
        _ context: Context, _ configuration: Configuration, _ catalogue: ProfileCatalogue
    ) throws -> RunRequest {
        var task = TaskSpecification(name: "learn")
        task.profile = ProfileSchool.name
        task.command = command
        task.deadline = deadline
        task.workspace = Workspace(path: try absolute(workspace), mode: overlay ? .overlay : readOnly ? .read : .write)
        for text in allowedHosts {
            do throws(AllowedHost.Refusal) {
                task.network.allow = (task.network.allow ?? []) + [try AllowedHost.parse(text)]
            } catch {
                throw Output.fail("`--allow-host` \(error)", code: 64)
            }
        }
        var request = RunRequest(
            task: task, file: nil, directory: try absolute("."), configuration: configuration,
            directories: context.directories, catalogue: catalogue, terminal: false, excused: [],
            callerEnvironment: context.environment)
        request.isObserved = true
        return request
    }

    private func evidence(
        _ observations: [Observation], _ admitted: AdmittedSession, _ session: String, _ context: Context
    ) throws -> ProfileLesson.Evidence {
        let root = PlannedRoot(admitted.plan, profile: admitted.profile, landlock: admitted.host.landlock)
        let links = observations.filter { $0.outcome == .allowed }.compactMap(\.asked).map { root.resolve($0).links }
        let log = try EgressLog(try context.record(session), context)
        let hosts = log.entries.compactMap { entry -> ProfileLesson.ReachedHost? in
            guard entry.record.isAllowed, entry.record.kind == .connection, let port = entry.record.port,
                let host = entry.record.name ?? entry.record.address
            else { return nil }
            return ProfileLesson.ReachedHost(name: host, port: port)
        }
        let history = try context.record(session).history
        return ProfileLesson.Evidence(
            observations: observations, links: Set(links.joined()), hosts: Set(hosts),
            refusedCalls: Set(history.denials.keys))
    }

    private func write(_ text: String, _ answer: CInt) throws {
        do throws(SystemCallError) {
            guard let output else {
                return try FileSystem.writeAll(answer, Array(text.utf8), name: "standard output")
            }
            try FileSystem.replace(output, with: Array(text.utf8), mode: 0o644)
        } catch {
            throw Output.fail("cannot write the profile: \(error)", code: 125)
        }
    }
}
