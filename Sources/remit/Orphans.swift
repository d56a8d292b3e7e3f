// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitLeases
internal import RemitSession

struct Orphans: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask providers for credentials that no session holds, and end those that are named.",
        discussion: """
            For what `remit reap` cannot know of: a journal that was lost, a database that was restored. A credential \
            without a session may also be another user's, or another host's that uses the same provider, so nothing is \
            ended unless somebody says so. Exit code 0 when there is none, 1 when there is, 125 when a provider could not \
            be asked.
            """
    )

    @Option(help: "Only this provider of the configuration.")
    var provider: String?
    @Option(
        name: .customLong("revoke"),
        help: ArgumentHelp("Revoke this one, and look whether it is gone.", valueName: "name"))
    var revoked: [String] = []
    @Flag(help: "Revoke all that no session holds.")
    var revokeAll = false
    @OptionGroup var configurationOption: ConfigurationOption
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let context = try Context()
        let sweep: OrphanSweep
        do {
            sweep = try OrphanSweep(
                context.directories, try context.configuration(configurationOption.path),
                owner: CurrentProcess.account?.name ?? "")
        } catch let error as SystemCallError {
            throw Output.fail("\(error)", code: 125)
        }
        if let provider, !sweep.names.contains(provider) {
            throw Output.fail(
                "no provider `\(provider)` whose credentials outlast a session",
                hint: "those of the configuration: \(sweep.names.joined(separator: ", "))", code: 64)
        }
        var found: [(provider: String, handles: [String])] = []
        var isComplete = true
        for name in provider.map({ [$0] }) ?? sweep.names {
            do { found.append((name, try sweep.handles(at: name))) } catch {
                isComplete = false
                _ = Output.fail("provider `\(name)` cannot be asked: \(error)", code: 125)
            }
        }
        let orphans: [Orphan]
        do { orphans = try sweep.orphans(among: found) } catch { throw Output.fail("\(error)", code: 125) }
        // Before anything is ended: whoever mistyped one name may have mistyped others.
        if let unknown = revoked.first(where: { name in !orphans.contains { $0.handle == name } }) {
            throw Output.fail("no credential without a session is called `\(unknown)`", code: isComplete ? 64 : 125)
        }
        let findings = orphans.map { finding($0, of: sweep) }
        show(findings)
        if !isComplete { throw ExitCode(125) }
        if findings.contains(where: { $0.state != .revoked }) { throw ExitCode(1) }
    }

    /// One orphan, and what was done about it.
    private struct Finding {
        enum State: String {
            /// Nobody asked for its end.
            case live
            /// It was revoked, and a probe says that it is gone.
            case revoked
            /// It was to be revoked, and is not, or nobody can say.
            case failed
        }

        let orphan: Orphan
        let state: State
        let detail: String
    }

    private func finding(_ orphan: Orphan, of sweep: OrphanSweep) -> Finding {
        guard revokeAll || revoked.contains(orphan.handle) else {
            let claim = orphan.session.map { "session \($0) has ended and says that it is gone" }
            return Finding(orphan: orphan, state: .live, detail: claim ?? "no session here had it")
        }
        do {
            try sweep.end(orphan)
            return Finding(orphan: orphan, state: .revoked, detail: "verified by probe")
        } catch {
            return Finding(orphan: orphan, state: .failed, detail: "\(error)")
        }
    }

    private func show(_ findings: [Finding]) {
        switch formatOption.format {
        case .json:
            Output.json(
                .array(
                    findings.map {
                        [
                            "provider": .string($0.orphan.provider), "name": .string($0.orphan.handle),
                            "session": $0.orphan.session.map(JSONValue.string) ?? .null,
                            "state": .string($0.state.rawValue), "detail": .string($0.detail),
                        ]
                    }))
        case .table where findings.isEmpty: break
        case .table:
            var table = Table(columns: ["PROVIDER", "NAME", "STATE", "DETAIL"])
            table.rows = findings.map { [$0.orphan.provider, $0.orphan.handle, $0.state.rawValue, $0.detail] }
            Output.table(table)
        }
    }
}
