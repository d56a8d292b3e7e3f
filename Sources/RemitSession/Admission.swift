// SPDX-License-Identifier: Apache-2.0
// From what somebody asked to what may start, or to the reason why it may not. Nothing is changed on the host here.

internal import RemitJournal
package import RemitKernel
internal import RemitLeases
package import RemitSandbox
package import RemitTask

/// What `remit run` was asked for.
package struct RunRequest: Sendable {
    package var task: TaskSpecification
    /// The task's file, for errors that point into it.
    package var file: DecodedFile<TaskSpecification>?
    /// What a relative workspace path starts from.
    package var directory: String
    package var configuration: Configuration
    package var directories: Directories
    package var catalogue: ProfileCatalogue
    package var terminal: Bool
    package var excused: Set<Layer>
    /// The caller's environment.
    package var callerEnvironment: [String: String]
    /// Layers that the host is taken not to have: for a plan, never for a session.
    package var assumedMissing: Set<Layer> = []
    /// Nobody said how the workspace is to be bound: it may become less than the task says.
    package var takesLesserWorkspace = false
    /// What the agent does is reported; see `Observation`.
    package var isObserved = false

    package init(
        task: TaskSpecification, file: DecodedFile<TaskSpecification>?, directory: String,
        configuration: Configuration, directories: Directories, catalogue: ProfileCatalogue, terminal: Bool,
        excused: Set<Layer>,
        callerEnvironment: [String: String]
    ) {
        self.task = task
        self.file = file
        self.directory = directory
        self.configuration = configuration
        self.directories = directories
        self.catalogue = catalogue
        self.terminal = terminal
        self.excused = excused
        self.callerEnvironment = callerEnvironment
    }
}

/// A task that may start: everything resolved, planned and found enforceable.
package struct AdmittedSession: Sendable {
    package let session: String
    package let task: TaskSpecification
    package let configuration: Configuration
    package let profile: Profile
    package private(set) var host: HostSupport
    /// What may be reached, and with which secrets.
    package let network: NetworkPlan
    package private(set) var sandbox: SandboxRequest
    /// What the session may know about itself.
    package let description: SessionDescription
    /// The files of the profile and its ancestors, of those that have one.
    package let files: [String: String]
    /// The task's file as an absolute path.
    package let taskFile: String?
    /// Names of the caller's variables that the agent does not get.
    package let withheld: [String]
    package private(set) var plan: SandboxPlan
    package let excused: Set<Layer>
    package let directories: Directories
    package let admitted: (wall: WallInstant, boot: BootInstant)

    package var enforcement: EnforcementPlan { plan.enforcement }
    package var taskDigest: String { Digest.of(task.canonicalJSON()) }
    package var profileDigest: String { Digest.of(profile.canonicalJSON()) }
    package var planDigest: String { Digest.of(plan.launch.canonicalBytes) }

    /// Checks a request and plans its session.
    ///
    /// - Throws: ``SessionError`` of kind refused or usage, with the reason and what to do about it.
    package init(_ request: RunRequest, session: String = Random.identifier(16)) throws(SessionError) {
        self.session = session
        var request = request
        configuration = request.configuration
        excused = request.excused
        directories = request.directories
        admitted = (.now, .now)
        var host = HostSupport.probe()
        for layer in request.assumedMissing { host.obstacles[layer] = "assumed, by `--assume-missing`" }
        self.host = host
        let named: Profile
        do {
            named = try request.catalogue.resolve(
                request.task.profile ?? configuration.defaultProfile, wanted: request.file?.error(at: "profile", "")
            )
        } catch {
            throw SessionError(.usage, "\(error)", hint: error.hint)
        }
        profile = named.withInstallations(of: request.callerEnvironment)
        request.task.workspace = try Self.workspace(request, under: profile)
        task = request.task
        let limits = try Self.limits(task, profile)
        try Self.checkCredentials(request)
        try Self.checkLiveCredentials(request)
        guard let command = task.command, !command.isEmpty else {
            throw SessionError(
                .usage, "there is no command", hint: "write `command:` into the task, or add `-- command …`")
        }
        network = try Self.network(request, profile)
        let inside = network.isNeeded ? SandboxNetwork(network) : nil
        sandbox = SandboxRequest(
            session: session,
            profile: profile,
            command: command,
            workspace: try Self.workspace(request),
            environment: Self.environment(request, profile: profile, session: session, network: inside),
            limits: limits,
            sockets: task.sockets.compactMap { request.configuration.sockets[$0] },
            terminal: request.terminal,
            credentials: !task.credentials.isEmpty,
            // Not the runtime directory itself: as root's it has the name that the agent's own sockets lie under.
            hidden: [
                directories.sessions, directories.keys, directories.configuration, directories.cache,
                "\(directories.runtime)/\(session)",
            ],
            network: inside
        )
        sandbox.isObserved = request.isObserved
        if request.isObserved, !host.canReportCalls {
            throw SessionError(
                .refused, "this host cannot report system calls, so nothing can be observed",
                hint: "it takes Linux 5.19")
        }
        files = request.catalogue.files(of: profile.lineage)
        taskFile = request.file.map { (try? FileSystem.resolved($0.file)) ?? $0.file }
        withheld = Self.withheld(request.callerEnvironment, sandbox.environment)
        if sandbox.workspace?.mode == .overlay { sandbox.layers = try Self.layers(session, request.directories) }
        try Self.checkBinds(profile, directories)
        description = SessionDescription(
            session: session, task: task, profile: profile, network: network, workspace: sandbox.workspace,
            admitted: admitted.wall)
        plan = try Self.plan(
            &sandbox, description, on: host, excused: request.excused, directories: request.directories)
    }

    /// The same session on a host whose user's systemd refused what it had seemed to offer.
    ///
    /// - Throws: ``SessionError`` when the profile does not start without it.
    func withoutScope(_ obstacle: String) throws(SessionError) -> AdmittedSession {
        var other = self
        other.host = host.withoutScope(obstacle)
        other.plan = try Self.plan(
            &other.sandbox, description, on: other.host, excused: excused, directories: directories)
        return other
    }

    private static func plan(
        _ sandbox: inout SandboxRequest,
        _ description: SessionDescription,
        on host: HostSupport,
        excused: Set<Layer>,
        directories: Directories
    ) throws(SessionError) -> SandboxPlan {
        let enforcement = EnforcementPlan(
            profile: sandbox.profile, limits: sandbox.limits, host: host, disk: sandbox.workspace?.disk,
            gate: sandbox.network == nil ? nil : EgressSupport.probe(), overlay: overlay(sandbox, directories),
            excused: excused
        )
        if let refusal = enforcement.refusals.first {
            let hint =
                switch refusal.layer {
                case .overlay: "see `remit doctor`; mode `write` changes the workspace at once"
                case _ where refusal.isIndispensable: "see `remit doctor`; no session starts without this layer"
                case let layer: "see `remit doctor`, or name the exception with `--allow-degraded \(layer.rawValue)`"
                }
            throw SessionError(
                .refused, "required layer `\(refusal.layer.rawValue)` cannot be enforced: \(refusal.detail)", hint: hint
            )
        }
        sandbox.description = description.json(enforcement).canonicalBytes
        do {
            return try SandboxPlan(
                sandbox, host: host, enforcement: enforcement, cache: FilterCache(directory: directories.cache)
            )
        } catch {
            throw SessionError(.refused, error.description, hint: error.hint)
        }
    }

    /// Where a session's layers will be. The directory around them is made here: whether an overlay works depends on the
    /// file system that it is on, and the plan names it without links.
    private static func layers(_ session: String, _ directories: Directories) throws(SessionError) -> WorkspaceLayers {
        do {
            try directories.prepare()
            let sessions = try FileSystem.resolved(directories.sessions)
            return WorkspaceLayers(directory: "\(sessions)/\(session)/layers")
        } catch {
            throw SessionError(.failed, "cannot prepare the session: \(error)")
        }
    }

    private static func overlay(_ sandbox: SandboxRequest, _ directories: Directories) -> OverlaySupport? {
        guard let workspace = sandbox.workspace, workspace.mode == .overlay else { return nil }
        if let mount = MountPosture.first(within: workspace.path) {
            return .impossible("`\(mount)` is mounted in the workspace, and would not be seen")
        }
        return OverlayProbe.support(state: directories.sessions, workspace: workspace)
    }

    /// A secret needs somewhere to be sent to, and somebody who sends it.
    private static func network(_ request: RunRequest, _ profile: Profile) throws(SessionError) -> NetworkPlan {
        let plan: NetworkPlan
        do {
            plan = try NetworkPlan.resolve(
                task: request.task, file: request.file, profile: profile, configuration: request.configuration)
        } catch {
            throw SessionError(.refused, error.description, hint: error.hint)
        }
        let secret = request.task.credentials.first {
            request.configuration.provider(named: $0.provider)?.kind == .secret
        }
        if let secret, !plan.isNeeded {
            throw SessionError(
                .refused, "credential `\(secret.name)` is added to requests, and the task may not make any",
                hint: "name the host it is for: `network: {allow: [{host: api.example.com}]}`"
            )
        }
        return plan
    }

    private static func limits(_ task: TaskSpecification, _ profile: Profile) throws(SessionError) -> Limits {
        let (limits, violations) = profile.limits.lowered(by: task.limits)
        if let violation = violations.first {
            throw SessionError(.refused, "\(violation)", hint: "a task may only lower what its profile allows")
        }
        return limits
    }

    private static func checkCredentials(_ request: RunRequest) throws(SessionError) {
        if let file = request.file {
            do { try request.configuration.check(file) } catch {
                throw SessionError(.usage, "\(error)", hint: error.hint)
            }
        }
        guard !request.task.credentials.isEmpty else { return }
        let verdict = Boundedness(
            task: request.task, directory: request.directory, home: CurrentProcess.account?.home,
            configuration: request.configuration
        )
        guard let missing = verdict.findings.first(where: { $0.grade == .missing }) else { return }
        throw SessionError(
            .refused,
            "the task asks for credentials and is not bounded: \(missing.aspect.rawValue): \(missing.reason)",
            hint: missing.advice ?? "see `remit check`"
        )
    }

    /// A provider's `maximumLive` counts the credentials of every unfinished session of this user on this host.
    private static func checkLiveCredentials(_ request: RunRequest) throws(SessionError) {
        let asked = Dictionary(grouping: request.task.credentials, by: \.provider).mapValues(\.count)
        let limited = asked.keys.sorted().compactMap { name in
            request.configuration.provider(named: name)?.maximumLive.map { (name: name, limit: $0) }
        }
        guard !limited.isEmpty else { return }
        let store = SessionStore(request.directories)
        var live: [String: Int] = [:]
        for session in store.unfinished where FileSystem.exists(request.directories.journal(session)) {
            // A journal that cannot be read may hold any number: the session is refused with its error.
            for lease in try store.record(session).leases where !lease.state.isTerminal {
                live[lease.provider, default: 0] += 1
            }
        }
        for (name, limit) in limited where (live[name] ?? 0) + (asked[name] ?? 0) > limit {
            throw SessionError(
                .refused,
                "provider `\(name)` allows \(limit) live credentials, and \(live[name] ?? 0) are",
                hint: "wait for a session to end, or see `remit ps` and `remit reap`"
            )
        }
    }

    /// What the task works in, bound as its profile allows.
    private static func workspace(
        _ request: RunRequest, under profile: Profile
    ) throws(SessionError) -> Workspace? {
        guard var workspace = request.task.workspace, profile.filesystem.workspace == .read, workspace.mode != .read
        else { return request.task.workspace }
        guard request.takesLesserWorkspace else {
            throw SessionError(
                .refused,
                "workspace mode `\(workspace.mode.rawValue)` is above the `read` of profile `\(profile.name)`",
                hint: "a task may only lower what its profile allows")
        }
        workspace.mode = .read
        return workspace
    }

    private static func workspace(_ request: RunRequest) throws(SessionError) -> ApprovedWorkspace? {
        guard let workspace = request.task.workspace else { return nil }
        let path = workspace.path.hasPrefix("/") ? workspace.path : "\(request.directory)/\(workspace.path)"
        let homes = [CurrentProcess.account?.home, request.callerEnvironment["HOME"]].compactMap { $0 }
        let forbidden =
            homes.map { ForbiddenPlace.home($0) } + own(request.directories).map { ForbiddenPlace.remits($0) }
        do { return try ApprovedWorkspace(path: path, mode: workspace.mode, forbidden: forbidden) } catch {
            throw SessionError(.refused, error.description, hint: error.hint)
        }
    }

    /// Journals, keys, control sockets and configuration.
    private static func own(_ directories: Directories) -> [String] {
        [directories.state, directories.runtime, directories.configuration]
    }

    /// What a profile shows of the host holds nothing of Remit's, under whatever name it is shown.
    private static func checkBinds(_ profile: Profile, _ directories: Directories) throws(SessionError) {
        for bind in profile.filesystem.binds {
            guard let source = try? FileSystem.resolved(bind.source) else { continue }
            for place in own(directories) {
                guard let other = ForbiddenPlace.remits(place).overlap(with: source) else { continue }
                throw SessionError(
                    .refused, "profile `\(profile.name)` binds `\(bind.source)`, and remit's own `\(other)` lies there",
                    hint: "the agent could read its own record: bind less, or choose another state directory"
                )
            }
        }
    }

    /// A journal's record has an end, and an environment need not.
    private static let withheldLimit = 256

    private static func withheld(_ caller: [String: String], _ given: [String: String]) -> [String] {
        Array(caller.keys.filter { given[$0] == nil && VariableName.problem($0) == nil }.sorted().prefix(withheldLimit))
    }

    private static func environment(
        _ request: RunRequest,
        profile: Profile,
        session: String,
        network: SandboxNetwork?
    ) -> [String: String] {
        var environment = profile.environment.variables(from: request.callerEnvironment)
        if let network {
            let variables = EgressEnvironment.variables(hasAuthority: network.hasAuthority)
            environment.merge(variables) { _, own in own }
        }
        environment.merge(request.task.environment) { _, own in own }
        let fixed = [
            "HOME": "/home/agent", "USER": "agent", "LOGNAME": "agent", "PWD": "/workspace", "TMPDIR": "/tmp",
            "REMIT_SESSION": session, "REMIT_CREDENTIALS": "/" + SandboxPlan.Path.credentials,
        ]
        return environment.merging(fixed) { _, own in own }
    }
}
