// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

/// The verify command of an outcome, running in a sandbox of its own. Its output goes to standard error.
final class VerifyRun {
    /// Without a deadline of the task's, a verify command may take this long.
    private static let standardLimit: Duration = .seconds(600)

    private let loop: EventLoop
    private let escapes: TerminalEscapes
    private let completion: (OutcomeJudge.Verification) -> Void
    private var sandbox: Sandbox?
    private var result: OutcomeJudge.Verification?
    private var relays: [StreamRelay] = []
    private var openRelays = 0
    private var timer: EventLoop.TimerToken?
    private var isDead = false

    /// - Throws: ``SandboxError`` when its sandbox cannot be planned or started.
    init(
        _ command: [String],
        of admitted: AdmittedSession,
        on loop: EventLoop,
        escapes: TerminalEscapes,
        completion: @escaping (OutcomeJudge.Verification) -> Void
    ) throws {
        self.loop = loop
        self.escapes = escapes
        self.completion = completion
        var request = admitted.sandbox
        request.session = "\(admitted.session)-verify"
        // What the agent left belongs to the user that it was.
        request.agent = admitted.session
        request.layers = request.layers.map { WorkspaceLayers(directory: $0.directory, verifies: true) }
        request.command = command
        request.terminal = false
        request.credentials = false
        request.sockets = []
        request.isObserved = false
        // It judges what the agent left: nothing of the network, whose gate is closed by now.
        request.network = nil
        for name in EgressEnvironment.names { request.environment[name] = nil }
        let plan = try SandboxPlan(
            request, host: admitted.host, enforcement: admitted.enforcement,
            cache: FilterCache(directory: admitted.directories.cache)
        )
        // The id maps of an undumpable process's child belong to root. By now every credential is revoked.
        sandbox = try CurrentProcess.whileDumpable {
            try Sandbox.start(
                plan, session: request.session, host: admitted.host, usesTerminal: false, traced: false, on: loop
            ) { [unowned self] event in self.hear(event) }
        }
        let limit = admitted.task.deadline?.duration ?? Self.standardLimit
        timer = loop.schedule(after: limit) { [unowned self] in self.stop(.failed("it took longer than \(limit)")) }
    }

    /// Ends it at once.
    func stop(_ why: OutcomeJudge.Verification) {
        if result == nil { result = why }
        sandbox?.kill()
    }

    private func hear(_ event: SandboxEvent) {
        switch event {
        case .ready:
            connect()
            do { try sandbox?.release(secrets: []) } catch { stop(.failed("\(error)")) }
        case .proved, .started, .refused, .observed: break
        case .failed(let failure): stop(.failed("\(failure)"))
        case .agentEnded(let status):
            if result == nil { result = .exited(status.exitCode) }
            sandbox?.kill()
        case .initEnded: if sandbox?.cgroup == nil { died() }
        case .emptied: died()
        }
    }

    private func connect() {
        guard let streams = sandbox?.streams else { return }
        streams.input.close()
        for stream in [streams.output, streams.errors].compactMap({ $0 }) {
            _ = fcntl(stream.number, F_SETFL, O_NONBLOCK)
            openRelays += 1
            let screen = RawTerminal.isTerminal(2) ? TerminalScreen(escapes, isHeard: false) : nil
            let relay = StreamRelay(
                from: stream.number, to: 2, on: loop, transform: screen.map { screen in { screen.show($0) } }
            ) { [unowned self] in
                if let screen { RawTerminal.write(screen.leave(), to: 2, within: .milliseconds(200)) }
                self.openRelays -= 1
                stream.close()
                self.finish()
            }
            relays.append(relay)
            relay.start()
        }
    }

    private func died() {
        isDead = true
        sandbox?.close()
        finish()
    }

    private func finish() {
        guard isDead, openRelays == 0, let timer else { return }
        loop.cancel(timer)
        self.timer = nil
        completion(result ?? .failed("its sandbox ended by itself"))
    }
}
