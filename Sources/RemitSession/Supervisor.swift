// SPDX-License-Identifier: Apache-2.0
// Runs one session: hears everything on one loop, asks the machine what to do, and does it.

internal import CLinux
internal import Glibc
internal import RemitIdentity
internal import RemitJournal
internal import RemitKernel
internal import RemitLeases
package import RemitSandbox
internal import RemitTask

/// Supervises one session on the calling thread, from the clone to the seal.
package final class Supervisor {
    private(set) var admitted: AdmittedSession
    let directories: Directories
    let options: SupervisorOptions
    let loop: EventLoop
    var machine = SessionMachine()
    var recorder: SessionRecorder?
    var sandbox: Sandbox?
    var keeper: LeaseKeeper?
    var desk: SessionDesk?
    var guardian: GuardProcess?
    var control: ControlServer?
    var status: StatusStream?
    var relays: [StreamRelay] = []
    var captures: [OutputCapture] = []
    var inputRelay: StreamRelay?
    var terminal: RawTerminal?
    /// What is shown on terminals, by the descriptor of each.
    var screens: [CInt: TerminalScreen] = [:]
    /// The terminal of a session in the background.
    var terminalDesk: TerminalDesk?
    var hasReported = false
    var monitor = ActivityMonitor()
    var exposed: [String: Secret] = [:]
    var snapshot: WorkspaceSnapshot?
    var isFenced = false
    var endingSignal: CInt?
    var launchFailure: String?
    var waiters: [(ControlResponse) -> Void] = []
    var openRelays = 0
    var receiptPath: String?
    var isSettled = false
    var journalFailure: String?
    var denials: [String: Int] = [:]
    /// What an observed session did, each thing once.
    package internal(set) var observations: [Observation] = []
    var refusedObservations = 0
    /// What the kernel records of Landlock, where this process may read it.
    var landlockWatch: LandlockWatch?
    var verification: VerifyRun?
    var limitWatch: LimitWatch?
    var egress = EgressState()
    var signals: SignalSource?

    package init(
        _ admitted: AdmittedSession,
        directories: Directories,
        options: SupervisorOptions
    ) throws(SessionError) {
        self.admitted = admitted
        self.directories = directories
        self.options = options
        do { loop = try EventLoop() } catch { throw SessionError(.failed, "\(error)") }
        if let number = options.status { status = try StatusStream(number) }
        if let report = options.background { _ = fcntl(report, F_SETFD, FD_CLOEXEC) }
    }

    var session: String { admitted.session }

    /// Runs the session to its end.
    ///
    /// - Throws: ``SessionError`` when nothing of the agent ran and nothing is left to say about it.
    package func run() throws(SessionError) -> SessionResult {
        do {
            try prepare()
        } catch {
            abandon()
            throw error
        }
        do {
            try loop.run { isSettled && openRelays == 0 }
        } catch {
            // Without a loop nothing can be supervised: the guard ends the session when we are gone.
            throw SessionError(.failed, "the event loop failed: \(error)")
        }
        leaveTerminals()
        if let terminalDesk {
            terminalDesk.end(exitCode, message ?? "")
            // Each is waited for two seconds at most.
            try? loop.run { terminalDesk.isEmpty }
        }
        return SessionResult(session: session, exitCode: exitCode, message: message, receipt: receiptPath)
    }

    private func prepare() throws(SessionError) {
        do {
            try directories.prepare()
            signals = try SignalSource([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGTTIN, SIGTTOU])
            if let signals {
                _ = try loop.watch(signals.number, for: .read) { [unowned self] _ in self.hearSignals() }
            }
            if admitted.task.outcome?.changed != nil, let workspace = admitted.sandbox.workspace,
                workspace.mode != .overlay
            {
                snapshot = try WorkspaceSnapshot(of: workspace.path)
            }
        } catch {
            throw SessionError(.failed, "cannot prepare the session: \(error)")
        }
        let lock = try lockBeginning()
        try makeLayers()
        watchLandlock()
        try launch()
        try startGate()
        // From here on this process has secrets, and the sandbox's pid 1 was cloned before them.
        do { try CurrentProcess.protectMemory() } catch { throw SessionError(.failed, "\(error)") }
        try openJournal()
        recordGate()
        // The journal exists, and has a lock of its own.
        lock.release()
        try startGuard()
        watchLimits()
        try listen()
        if let deadline = admitted.task.deadline {
            loop.schedule(at: admitted.admitted.boot.advanced(by: deadline.duration)) { [unowned self] in
                self.feed(.end(.deadline, "\(deadline)"))
            }
        }
        if let idle = admitted.task.idle { watchIdleness(idle) }
    }

    private func launch() throws(SessionError) {
        do {
            sandbox = try startSandbox()
        } catch {
            let failure =
                hostRefusal ?? SessionError(.failed, error.description, hint: error.hint ?? "see `remit doctor`")
            guard let obstacle = error.scopeObstacle else { throw failure }
            // What systemd offered it does not give: the session starts without, if its profile can do without.
            admitted = try admitted.withoutScope(obstacle)
            do { sandbox = try startSandbox() } catch { throw failure }
        }
    }

    /// Why this host makes no sandboxes, when that is why this one was not made: a refusal, not a failure of ours.
    var hostRefusal: SessionError? {
        guard let refusal = NamespaceProbe.refusal() else { return nil }
        return SessionError(
            .refused, "no sandbox can be made here: \(refusal.reason)", hint: "see `remit doctor` and examples/ci")
    }

    private func startSandbox() throws(SandboxError) -> Sandbox {
        try Sandbox.start(
            admitted.plan,
            session: session,
            host: admitted.host,
            usesTerminal: admitted.sandbox.terminal,
            traced: options.traced,
            on: loop
        ) { [unowned self] event in self.hear(event) }
    }

    /// Nothing half begun is cleared away while this is held.
    private func lockBeginning() throws(SessionError) -> FileLock {
        do { return try FileLock.share(directories.beginning) } catch {
            throw SessionError(.failed, "cannot prepare the session: \(error)")
        }
    }

    private func openJournal() throws(SessionError) {
        do {
            try FileSystem.makeDirectories(directories.session(session))
            try FileSystem.flushDirectory(of: directories.session(session))
        } catch {
            throw SessionError(.failed, "cannot make the session's directory: \(error)")
        }
        let recorder = try SessionRecorder(creating: session, in: directories)
        self.recorder = recorder
        do {
            try recorder.record("session.admitted", admissionRecord)
            try recorder.record("session.described", descriptionRecord)
            try recorder.flush()
        } catch {
            throw SessionError(.failed, "cannot write the journal: \(error)")
        }
        status?.send("admitted", ["session": .string(session)])
    }

    func startGuard() throws(SessionError) {
        guard let sandbox else { return }
        let kill = sandbox.cgroup?.openKill()
        var environment = CurrentProcess.environment(of: [
            "HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
        ])
        environment["REMIT_STATE_DIR"] = directories.state
        environment["REMIT_RUNTIME_DIR"] = directories.runtime
        environment["REMIT_CONFIG_DIR"] = directories.configuration
        environment["REMIT_CONFIG"] = options.configurationFile
        environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
        do {
            let guardian = try GuardProcess.start(
                initProcess: sandbox.initProcess,
                cgroupKill: kill?.number,
                arguments: ["remit", "reap", "--session", session, "--quiet"],
                environment: environment
            )
            self.guardian = guardian
            _ = try loop.watch(guardian.process.number, for: .read) { [unowned self] _ in self.guardEnded() }
        } catch {
            throw SessionError(.failed, "cannot start the guard: \(error)")
        }
    }

    private func guardEnded() {
        guard let guardian, !isSettled else { return }
        guardian.reap()
        self.guardian = nil
        record("guard.lost")
        // A session without a guard would survive us; a new one takes over, or the session ends.
        do { try startGuard() } catch { feed(.end(.failed, error.description)) }
    }

    private func listen() throws(SessionError) {
        do {
            try FileSystem.makeDirectories("\(directories.runtime)/\(session)")
            control = try ControlServer(
                path: directories.control(session), loop: loop,
                upgrader: { [unowned self] request, peer in self.upgrade(request, peer) },
                handler: { [unowned self] request, reply in self.answer(request, reply) }
            )
        } catch {
            throw SessionError(.failed, "\(error)", hint: "set XDG_RUNTIME_DIR or REMIT_RUNTIME_DIR to a short path")
        }
    }

    /// The session could not even begin: nothing stays.
    private func abandon() {
        control?.close()
        egress.gate?.kill()
        if let sandbox {
            sandbox.kill()
            _ = ProcessIdentity(pid: sandbox.initPID)?.kill(waiting: .seconds(5))
            for _ in 0..<1000 where sandbox.cgroup?.isPopulated == true { ProcessIdentity.pause(milliseconds: 1) }
            sandbox.close()
        }
        guardian?.dismiss()
        FileSystem.removeDirectory("\(directories.runtime)/\(session)")
        if recorder == nil {
            SessionLayers(session, directories).remove()
            FileSystem.removeDirectory(directories.session(session))
        }
    }

    // MARK: doing

    func feed(_ input: SessionMachine.Input) {
        if case .end(let reason, let detail) = input, machine.reason == nil { decided(reason, detail) }
        if case .agentEnded(let exit) = input, machine.reason == nil, machine.phase == .running {
            decided(exit == .code(0) ? .completed : .failed, "")
        }
        if case .cannotStart(let why, _) = input, machine.reason == nil {
            launchFailure = why
            decided(.failed, why)
        }
        for action in machine.handle(input) { perform(action) }
    }

    func decided(_ reason: EndReason, _ detail: String) {
        record("session.ending", ["reason": .string(reason.rawValue), "detail": .string(detail)])
        status?.send("ending", ["reason": .string(reason.rawValue)])
    }

    private func perform(_ action: SessionMachine.Action) {
        switch action {
        case .release: release()
        case .fence: fence()
        case .kill: kill()
        case .revoke: revoke()
        case .abandonLeases: keeper?.endAll(reason: "hurried", patience: .zero) { _ in }
        case .judge: judge()
        case .abandonOutcome: verification?.stop(.failed("it was interrupted"))
        case .seal: seal()
        }
    }

    private func release() {
        record("session.launched")
        do {
            // Whatever happens to us now, the journal already says what is running.
            try recorder?.flush()
            try sandbox?.release(
                secrets: exposed.map { name, secret in
                    "\(name)=" + secret.withBytes { String(decoding: $0, as: UTF8.self) }
                }.sorted())
            exposed = [:]
            status?.send("launched", ["pid": .integer(Int(sandbox?.initPID ?? 0))])
        } catch {
            feed(.cannotStart("cannot release the agent: \(error)", code: 125))
        }
    }

    private func kill() {
        guard let sandbox else { return feed(.dead) }
        if sandbox.hasEnded { return }
        limitWatch?.look()
        sandbox.kill()
        insistOnDeath(after: .milliseconds(200))
    }

    /// A kill is not done when it was asked for, but when nothing is left.
    private func insistOnDeath(after delay: Duration) {
        loop.schedule(after: delay) { [unowned self] in
            guard self.machine.phase == .dying, let sandbox = self.sandbox else { return }
            sandbox.kill()
            sandbox.lookAgain()
            self.insistOnDeath(after: min(delay * 2, .seconds(2)))
        }
    }

    func record(_ type: String, _ body: JSONValue = [:]) {
        do { try recorder?.record(type, body) } catch {
            guard journalFailure == nil else { return }
            journalFailure = "\(error)"
            // A session nobody can account for does not go on.
            loop.enqueue { [unowned self] in self.feed(.end(.failed, "the journal failed: \(error)")) }
        }
    }

    func reportPhases() {
        guard options.traced, let phases = sandbox?.phases else { return }
        status?.send(
            "phases",
            ["phases": .array(phases.map { ["step": .string($0.step), "nanoseconds": .integer(Int($0.nanoseconds))] })]
        )
    }

    static func body(_ proof: ConfinementProof) -> JSONValue {
        ["held": .strings(proof.held.map(\.name)), "nanoseconds": .integer(proof.nanoseconds)]
    }

    static func body(_ exit: AgentExit) -> JSONValue {
        switch exit {
        case .code(let code): ["code": .integer(code)]
        case .signal(let signal): ["signal": .integer(signal)]
        case .unknown: [:]
        }
    }
}
