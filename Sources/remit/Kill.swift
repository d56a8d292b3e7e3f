// SPDX-License-Identifier: Apache-2.0
// kill and reap: ending sessions.

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSession

struct Kill: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End a session: fence, kill, revoke, verify, seal. Returns when that is done."
    )

    @Argument(help: "The session, or the beginning of its identifier.")
    var session: String
    @Flag(help: "Do not wait for providers: open leases are left to `remit reap`.")
    var now = false

    func run() throws {
        let context = try Context()
        do {
            let session = try context.store.resolve(session)
            let body: JSONValue = ["now": .bool(now)]
            let response: ControlResponse
            do {
                response = try ControlClient.ask(
                    context.directories.control(session), "POST", "/kill", body: body.canonicalBytes
                )
            } catch {
                let state = try context.store.record(session).state
                let hint = state == .ended ? nil : "its supervisor is gone: run `remit reap`"
                throw SessionError(.failed, "session `\(session)` is not running (\(state.rawValue))", hint: hint)
            }
            guard response.status == 200 else {
                throw SessionError(.failed, "the supervisor answered \(response.status)")
            }
        } catch let error as SessionError {
            throw Output.fail(error)
        }
    }
}

struct Reap: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finish every session whose supervisor is gone.",
        discussion: """
            Kills what is left, revokes and verifies credentials, seals journals. Runs at boot, by a timer, at the start \
            of every `remit run`, and when a supervisor dies. Exit code 0 when nothing is left to do.
            """
    )

    @Option(help: "Only this session.")
    var session: String?
    @Flag(name: .shortAndLong, help: "Print nothing.")
    var quiet = false
    @OptionGroup var configurationOption: ConfigurationOption
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let context = try Context()
        do {
            let configuration = try context.configuration(configurationOption.path)
            try? context.directories.prepare()
            let reports = Reconciliation.run(
                directories: context.directories,
                configuration: configuration,
                sessions: try session.map { [try context.store.resolve($0)] },
                // The guard has all the time there is: nobody waits for it.
                patience: quiet ? .seconds(900) : .seconds(10),
                expiryPatience: quiet ? .seconds(900) : .zero
            )
            if !quiet { show(reports) }
            if reports.contains(where: { $0.state == .failed }) { throw ExitCode(125) }
            if reports.contains(where: { $0.state == .revoking }) { throw ExitCode(1) }
        } catch let error as SessionError {
            throw Output.fail(error)
        }
    }

    private func show(_ reports: [RecoveryReport]) {
        switch formatOption.format {
        case .json:
            Output.json(
                .array(
                    reports.map {
                        [
                            "session": .string($0.session), "state": .string($0.state.rawValue),
                            "detail": .string($0.detail),
                        ]
                    }
                )
            )
        case .table:
            for report in reports {
                Output.write("\(report.session)  \(report.state.rawValue)  \(Terminal.printable(report.detail))\n")
            }
        }
    }
}
