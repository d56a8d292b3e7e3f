// SPDX-License-Identifier: Apache-2.0
// Tests of profiles, each in a session: our own executable as `remit run`, so that what is tested is what everybody
// gets.

internal import Glibc
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitSession
internal import RemitTask

/// Runs tests, a few at a time.
final class ProfileTestRunner {
    /// What a session may take beyond its deadline before it is killed: it should end itself.
    private static let patience: Duration = .seconds(60)
    private static let outputLimit = 1 << 20

    /// A signal asked for the end.
    struct Interruption: Error {
        let signal: CInt
    }

    private let suites: [ProfileTestSuite]
    private let ground: ProfileTestGround
    private let environment: [String: String]
    private let loop: EventLoop
    private let signals: SignalSource
    private let atOnce: Int
    private var filters: [Int: SystemCallExplainer] = [:]
    private var waiting: [(suite: Int, test: Int)] = []
    private var results: [[ProfileTestResult?]]
    private var running = 0
    private var interruption: CInt?

    private init(
        _ suites: [ProfileTestSuite], _ ground: ProfileTestGround, _ context: Context, _ signals: SignalSource
    ) throws(SystemCallError) {
        self.suites = suites
        self.ground = ground
        self.signals = signals
        loop = try EventLoop()
        atOnce = max(1, min(4, sysconf(CInt(_SC_NPROCESSORS_ONLN))))
        results = suites.map { Array(repeating: nil, count: $0.tests.count) }
        // The same for everybody, so that errors speak one language, and a test sets what it is about.
        var environment = ["TERM": "xterm", "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"]
        for name in ["PATH", "HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] {
            environment[name] = context.environment[name] ?? environment[name]
        }
        environment["REMIT_RUNTIME_DIR"] = ground.runtime
        self.environment = environment
    }

    /// Runs every test of every suite, and takes everything away again.
    ///
    /// - Throws: ``SessionError`` when there is nowhere to run them; ``Interruption``.
    static func run(_ suites: [ProfileTestSuite], context: Context) throws -> ProfileTestReport {
        let began = BootInstant.now
        do {
            // Blocked before there is anything to take away.
            let signals = try SignalSource([SIGINT, SIGTERM, SIGHUP, SIGQUIT])
            let ground = try ProfileTestGround(context.environment)
            defer { ground.remove() }
            let runner = try ProfileTestRunner(suites, ground, context, signals)
            let obstacles = suites.map { runner.obstacle($0) }
            try runner.run(obstacles)
            if let signal = runner.interruption { throw Interruption(signal: signal) }
            return ProfileTestReport(
                suites: suites.indices.map { index in
                    ProfileTestReport.Suite(
                        suite: suites[index], obstacle: obstacles[index],
                        results: runner.results[index].compactMap { $0 })
                }, duration: began.duration(to: .now))
        } catch let error as SystemCallError {
            throw SessionError(.failed, "cannot run the tests: \(error)")
        }
    }

    /// Why no session starts under a profile on this host.
    private func obstacle(_ suite: ProfileTestSuite) -> String? {
        let enforcement = EnforcementPlan(
            profile: suite.profile, limits: suite.profile.limits, host: HostSupport.probe(),
            disk: (try? FileSystem.facts(at: ground.base)).flatMap { BlockDevice(of: $0.device) }, excused: [])
        return enforcement.refusals.first.map { "required layer `\($0.layer.rawValue)` is missing: \($0.detail)" }
    }

    private func run(_ obstacles: [String?]) throws(SystemCallError) {
        _ = try loop.watch(signals.number, for: .read) { [unowned self] _ in
            while let signal = signals.next() { interruption = interruption ?? signal }
            waiting = []
            endSessions()
        }
        for (index, suite) in suites.enumerated() {
            for test in suite.tests.indices {
                if let reason = obstacles[index] ?? lack(suite.tests[test], suite.profile) {
                    results[index][test] = ProfileTestResult(suite.tests[test], .skipped(reason))
                } else {
                    waiting.append((index, test))
                }
            }
        }
        for _ in 0..<atOnce { next() }
        try loop.run { running == 0 }
    }

    /// What the host lacks that a test is about.
    private func lack(_ test: ProfileTest, _ profile: Profile) -> String? {
        if !test.paths.isEmpty, !test.paths.contains(where: FileSystem.exists) {
            return "the host has none of its paths"
        }
        if let program = test.outside.first(where: { !profile.hasOutside($0, of: environment) }) {
            return "the caller has no `\(program)` outside of what is bound"
        }
        let profile = profile.withInstallations(of: environment)
        return test.requires.first { !profile.hasProgram($0) }.map { "there is no `\($0)` in its sessions" }
    }

    private func next() {
        guard interruption == nil, !waiting.isEmpty else { return }
        let (suite, index) = waiting.removeFirst()
        let test = suites[suite].tests[index]
        running += 1
        let began = BootInstant.now
        let place: ProfileTestGround.Place
        do { place = try ground.prepare(test, of: suites[suite]) } catch {
            return finish(suite, index, .failed("its workspace cannot be made: \(error)"), began)
        }
        var environment = environment.merging(test.environment) { _, own in own }
        environment["REMIT_STATE_DIR"] = place.state
        environment["REMIT_CONFIG_DIR"] = place.configuration
        let command = ["/proc/self/exe", "run", "--quiet", "--file", place.task]
        let missing = test.without.map { ["--dry-run", "--assume-missing", $0.rawValue] } ?? []
        Helper.run(
            command + [test.terminal ? "--tty" : "--no-tty"] + missing, environment: environment, input: [],
            timeLimit: .milliseconds(test.deadline.milliseconds) + Self.patience, outputLimit: Self.outputLimit,
            terminal: test.terminal, on: loop
        ) { [unowned self] outcome in
            var evidence: ProfileEvidence?
            let verdict: ProfileTestVerdict
            switch outcome {
            case .exited(let status, let output, let diagnostics):
                let found = self.evidence(suite, test, place, Int(status), output, diagnostics)
                evidence = found
                verdict = test.verdict(found)
            case .timedOut: verdict = .failed("its session did not end by itself")
            case .overflowed: verdict = .failed("it wrote more than \(Self.outputLimit) bytes")
            case .cannotStart(let error): verdict = .failed("`remit run` cannot be started: \(error)")
            }
            ground.remove(place)
            finish(suite, index, verdict, began, evidence)
        }
    }

    private func finish(
        _ suite: Int, _ index: Int, _ verdict: ProfileTestVerdict, _ began: BootInstant,
        _ evidence: ProfileEvidence? = nil
    ) {
        var result = ProfileTestResult(suites[suite].tests[index], verdict)
        result.milliseconds = Int(began.duration(to: .now).nanoseconds / 1_000_000)
        result.output = evidence.map { $0.output + $0.diagnostics } ?? ""
        results[suite][index] = result
        running -= 1
        next()
    }

    // MARK: what is known afterwards

    private func evidence(
        _ suite: Int, _ test: ProfileTest, _ place: ProfileTestGround.Place, _ status: Int, _ output: [UInt8],
        _ diagnostics: [UInt8]
    ) -> ProfileEvidence {
        var evidence = ProfileEvidence(
            status: status, output: String(decoding: output, as: UTF8.self),
            diagnostics: String(decoding: diagnostics, as: UTF8.self))
        let profile = suites[suite].profile
        evidence.withheld = test.environment.keys.sorted().filter {
            !profile.environment.allows($0) && profile.environment.set[$0] == nil
        }
        guard let receipt = receipt(place) else {
            evidence.started = false
            return evidence
        }
        evidence.denials = receipt.denials
        evidence.limitsReached = receipt.limitsReached
        evidence.hostsRefused = (receipt.egress?.hosts ?? [:]).filter { $0.value.denied > 0 }.keys.sorted()
        for layer in receipt.layers {
            guard let name = Layer(rawValue: layer.name) else { continue }
            if layer.state == .enforced {
                evidence.enforced.insert(name)
            } else {
                evidence.missing[name] = layer.detail
            }
        }
        for layer in test.enforced where !evidence.enforced.contains(layer) && evidence.missing[layer] == nil {
            evidence.missing[layer] = "the session has none"
        }
        if case .refused(let refusal) = test.expectation, let call = refusal.call {
            evidence.filterAnswer = filterAnswer(suite, call)
        }
        return evidence
    }

    private func receipt(_ place: ProfileTestGround.Place) -> ReceiptPredicate? {
        let directories = Directories(environment: ["REMIT_STATE_DIR": place.state])
        guard let session = try? FileSystem.names(in: directories.sessions).first,
            let key = try? SessionStore(directories).publicKey(),
            let bytes = try? FileSystem.read(directories.receipt(session), limit: Receipt.sizeLimit),
            case .good(let predicate) = Receipt.verify(bytes, key: key)
        else { return nil }
        return predicate
    }

    /// What the very filter of the session answers to a call without arguments, unless it allows it.
    private func filterAnswer(_ suite: Int, _ call: String) -> String? {
        let profile = suites[suite].profile
        if filters[suite] == nil {
            filters[suite] = try? SystemCallExplainer(profile.systemCalls, origins: profile.origins, notify: true)
        }
        guard let number = SystemCallNumbers.number(of: call),
            let answer = try? filters[suite]?.answer(UInt32(bitPattern: number)), answer.verdict != .allow
        else { return nil }
        return answer.verdict == .notify ? "EPERM" : "\(answer.verdict)"
    }

    // MARK: an early end

    /// Ends the sessions that run now, as `remit kill` does; those that only begin are asked again.
    private func endSessions() {
        for session in (try? FileSystem.names(in: ground.runtime)) ?? [] where SessionStore.isIdentifier(session) {
            let body: JSONValue = ["now": true]
            _ = try? ControlClient.ask(
                "\(ground.runtime)/\(session)/control.sock", "POST", "/kill", body: body.canonicalBytes)
        }
        loop.schedule(after: .milliseconds(50)) { [unowned self] in if running > 0 { endSessions() } }
    }
}
