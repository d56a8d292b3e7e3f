// SPDX-License-Identifier: Apache-2.0
// What the sandbox and the signals say, and what that means for the session.

internal import CLinux
internal import Glibc
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

extension Supervisor {
    func hear(_ event: SandboxEvent) {
        switch event {
        case .ready:
            connectStreams()
            sandboxIsReady()
            if options.awaitsClient { awaitClient() } else { feed(.ready) }
        case .proved(let proof):
            record("session.proved", Self.body(proof))
            status?.send("proved")
        case .started:
            record("session.started")
            status?.send("started")
            reportPhases()
            feed(.started)
            reportBackground()
        case .failed(let failure):
            let program = admitted.sandbox.command.first ?? ""
            if let breach = failure.breach {
                let why = "the sandbox does not hold: \(failure) (layer `\(breach.layer.rawValue)`)"
                return feed(.cannotStart(why, code: 125))
            }
            guard failure.isExecution else {
                if let hostRefusal { return feed(.cannotStart("\(hostRefusal)", code: 126)) }
                return feed(.cannotStart("cannot build the sandbox: \(failure)", code: 125))
            }
            let code: Int32 = failure.errno == .notFound ? 127 : 126
            feed(.cannotStart("cannot execute `\(program)`: \(failure.errno)", code: code))
        case .agentEnded(let status):
            // What the kernel killed it for comes first, if that is to be the end.
            limitWatch?.look()
            let exit: AgentExit = status.signal.map { .signal(Int($0)) } ?? .code(Int(status.exitCode))
            if machine.exit == .unknown { record("session.exited", Self.body(exit)) }
            feed(.agentEnded(exit))
        case .refused(let call): strike(call)
        case .observed(let observation): observed(observation)
        case .initEnded:
            if sandbox?.cgroup == nil { died() }
        case .emptied: died()
        }
    }

    /// So many forbidden system calls end a session: a program that feels its way does not need as many.
    private static let strikeLimit = 64

    private func strike(_ call: String) {
        denials[call, default: 0] += 1
        let count = denials[call] ?? 0
        // Each power of two is recorded: a flood of denials must not become a flood of records.
        if count & (count - 1) == 0 {
            record("session.denied", ["call": .string(call), "count": .integer(count)])
            status?.send("denied", ["call": .string(call), "count": .integer(count)])
        }
        if denials.values.reduce(0, +) >= Self.strikeLimit, machine.reason == nil {
            feed(.end(.strikes, "\(Self.strikeLimit) forbidden system calls"))
        }
    }

    private func died() {
        for (call, count) in denials.sorted(by: { $0.key < $1.key }) where count & (count - 1) != 0 {
            record("session.denied", ["call": .string(call), "count": .integer(count)])
        }
        recordObservation()
        limitWatch?.look()
        if machine.phase != .dying { decided(.failed, "the sandbox ended by itself") }
        recordResources()
        limitWatch?.close()
        sandbox?.close()
        record("session.dead", ["processes": 0])
        status?.send("dead")
        feed(.dead)
    }

    func hearSignals() {
        while let signal = signals?.next() {
            switch signal {
            case SIGWINCH:
                if let output = sandbox?.streams?.output, terminal != nil {
                    RawTerminal.copyWindowSize(from: 0, to: output.number)
                }
            case SIGTSTP, SIGTTIN, SIGTTOU: continue  // a stopped supervisor keeps no deadline
            default:
                if machine.reason == nil {
                    endingSignal = signal
                    feed(.end(.killed, Self.signalName(signal)))
                } else if isSettled {
                    // All is done but for a reader of our output that does not read.
                    for relay in relays { relay.stop() }
                    terminalDesk?.close()
                    openRelays = 0
                } else {
                    if sandbox?.hasEnded == false { sandbox?.kill() }
                    feed(.hurry)
                }
            }
        }
    }

    private static func signalName(_ signal: CInt) -> String {
        [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP", SIGQUIT: "SIGQUIT"][signal] ?? "signal \(signal)"
    }
}
