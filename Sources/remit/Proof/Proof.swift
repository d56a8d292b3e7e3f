// SPDX-License-Identifier: Apache-2.0
// The portable probes, run in real sessions on this host: our own executable as `remit run`, so that what is proved
// is what everybody gets.

internal import Glibc
internal import RemitJournal
internal import RemitKernel
internal import RemitSession

/// What a proof came to.
struct ProofReport {
    let probes: [(probe: Probe, result: ProbeResult)]
    let canaries: [(name: String, touch: String?)]
    let sessions: Int
    let duration: Duration

    /// Something was open, or was reached.
    var isBroken: Bool {
        probes.contains { !$0.result.outcome.isHarmless && $0.result.outcome != .silent }
            || canaries.contains { $0.touch != nil }
    }

    /// Some attempts have no result: nothing is known of them.
    var isIncomplete: Bool { probes.isEmpty || probes.contains { $0.result.outcome == .silent } }
}

/// Runs the probes session by session.
final class Proof {
    /// So many attempts are one session: 64 forbidden calls would end it.
    private static let batchSize = 12
    private static let deadline = "60s"

    private let profile: String
    private let configuration: String?
    private let environment: [String: String]
    private let ground: ProofGround
    private let loop: EventLoop
    private var waiting: [[Probe]] = []
    private var probes: [Probe] = []
    private var results: [String: ProbeResult] = [:]
    private var sessions = 0
    private var failure: SessionError?
    private var isOver = false
    private var interruption: CInt?
    private var signals: SignalSource?

    private init(
        _ profile: String, _ configuration: String?, _ context: Context, _ ground: ProofGround
    ) throws(SystemCallError) {
        self.profile = profile
        self.configuration = configuration
        self.ground = ground
        var environment = context.environment
        environment["REMIT_STATE_DIR"] = ground.state
        environment["REMIT_RUNTIME_DIR"] = ground.runtime
        environment["REMIT_CONFIG_DIR"] = context.directories.configuration
        self.environment = environment
        loop = try EventLoop()
    }

    /// Makes a proof on this host, and takes everything away again.
    ///
    /// - Parameter configuration: the option `--config`, for the sessions as well.
    /// - Throws: ``SessionError``; `exitCode` is 128 plus the signal when one interrupted it.
    static func make(
        profile: String, configuration: String?, context: Context
    ) throws -> ProofReport {
        let program = try ProbeProgram(context.environment)
        // Blocked before there is anything to take away.
        let signals = try SignalSource([SIGINT, SIGTERM, SIGHUP, SIGQUIT])
        let began = BootInstant.now
        let ground: ProofGround
        do { ground = try ProofGround(program, context.environment) } catch {
            throw SessionError(.failed, "cannot prepare the proof: \(error)")
        }
        defer { ground.remove() }
        let proof: Proof
        do {
            proof = try Proof(profile, configuration, context, ground)
            try proof.run(signals)
        } catch {
            throw SessionError(.failed, "cannot run the proof: \(error)")
        }
        if let interruption = proof.interruption { throw Interruption(signal: interruption) }
        if let failure = proof.failure { throw failure }
        return ProofReport(
            probes: proof.probes.map { ($0, proof.results[$0.name] ?? ProbeResult(.silent)) },
            canaries: ground.touches(),
            sessions: proof.sessions,
            duration: began.duration(to: .now)
        )
    }

    /// A signal asked for the end.
    struct Interruption: Error {
        let signal: CInt
    }

    // MARK: running

    private func run(_ signals: SignalSource) throws(SystemCallError) {
        self.signals = signals
        _ = try loop.watch(signals.number, for: .read) { [unowned self] _ in
            while let signal = signals.next() { interruption = interruption ?? signal }
            endSession()
        }
        list()
        try loop.run { isOver }
    }

    /// The listing makes no attempt: it is the only run outside of a session.
    private func list() {
        start([ground.workspace + "/remit-probe", "--list", "--portable"]) { [unowned self] status, output, _ in
            probes = ProbeProgram.objects(output).compactMap { Probe($0) }
            guard status == 0, !probes.isEmpty else {
                return fail(.failed, "`remit-probe --list` ended with \(status), and \(probes.count) probes")
            }
            waiting = stride(from: 0, to: probes.count, by: Self.batchSize).map {
                Array(probes[$0..<min(probes.count, $0 + Self.batchSize)])
            }
            next()
        }
    }

    private func next() {
        guard interruption == nil, failure == nil, !waiting.isEmpty else {
            isOver = true
            return
        }
        let batch = waiting.removeFirst()
        sessions += 1
        var command = ["/proc/self/exe", "run", "--profile", profile, "--workspace", ground.workspace]
        command += ["--name", "proof", "--deadline", Self.deadline, "--no-tty"]
        if let configuration { command += ["--config", configuration] }
        // The canaries' names are Remit's own and no task may set them: the agent's own command does.
        command += ["--", "/usr/bin/env"] + ground.canaries.map(\.variable)
        command += ["REMIT_CANARY_SUPERVISOR=\(CurrentProcess.pid)", "./remit-probe", "--portable"]
        start(command + batch.map(\.name)) { [unowned self] status, output, diagnostics in
            take(batch, status, output, diagnostics)
            next()
        }
    }

    private func take(_ batch: [Probe], _ status: Int32, _ output: [UInt8], _ diagnostics: [UInt8]) {
        let names = Set(batch.map(\.name))
        for (name, result) in ProbeProgram.objects(output).compactMap({ ProbeResult.read($0) })
        where names.contains(name) && results[name] == nil {
            results[name] = result
        }
        let silent = batch.filter { results[$0.name] == nil }
        if silent.isEmpty || interruption != nil { return }
        let said = String(decoding: diagnostics, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
        // Nothing ran at all: a refusal or a failure of Remit's, which says itself what it is.
        if status == 126 { return fail(.refused, Self.message(said)) }
        if status == 64 || status == 125 || status == 127 { return fail(.failed, Self.message(said)) }
        guard batch.count > 1 else {
            results[silent[0].name] = ProbeResult(.silent, why: said.isEmpty ? "exit status \(status)" : said)
            return
        }
        // One of them took the session with it, by strikes or otherwise: each gets one of its own.
        waiting = silent.map { [$0] } + waiting
    }

    private static func message(_ line: String) -> String {
        line.hasPrefix("error: ")
            ? String(line.dropFirst("error: ".count)) : "a session ended without a result: \(line)"
    }

    private func fail(_ kind: SessionError.Kind, _ message: String) {
        failure = SessionError(kind, message)
        isOver = true
    }

    private func start(_ command: [String], _ completion: @escaping (Int32, [UInt8], [UInt8]) -> Void) {
        Helper.run(
            command, environment: environment, input: [], timeLimit: .seconds(90), outputLimit: 1 << 20, on: loop
        ) { [unowned self] outcome in
            switch outcome {
            case .exited(let status, let output, let diagnostics): completion(status, output, diagnostics)
            case .timedOut: fail(.failed, "a session of the proof took longer than 90 s")
            case .overflowed: fail(.failed, "a session of the proof wrote more than 1 MiB")
            case .cannotStart(let error): fail(.failed, "cannot start `\(command[0])`: \(error)")
            }
        }
    }

    /// Ends the session that runs now, as `remit kill` does; one that only begins is asked again.
    private func endSession() {
        for session in (try? FileSystem.names(in: ground.runtime)) ?? [] where SessionStore.isIdentifier(session) {
            let body: JSONValue = ["now": true]
            _ = try? ControlClient.ask(
                "\(ground.runtime)/\(session)/control.sock", "POST", "/kill", body: body.canonicalBytes)
        }
        loop.schedule(after: .milliseconds(50)) { [unowned self] in if !isOver { endSession() } }
    }
}
