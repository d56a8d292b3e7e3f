// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitSession

/// Every refusal of one session, and what would allow it.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List what a session was refused, by which layer, and which line would allow it.",
        discussion: """
            Read from the session's journal: forbidden system calls, names, connections and requests, limits, \
            credentials, variables of the caller that were not passed on; of a session that ran with `--observe`, paths; \
            as root on a host that audits, what the kernel recorded of Landlock. Each has the line that would allow it, \
            where it would go, and whether that is wise: `fine`, `careful`, or `never`. What such a session cannot show \
            is said at the end.
            """
    )

    @Argument(help: "The session, or the beginning of its identifier.")
    var session: String
    @Flag(help: "Leave out the caller's variables that were not passed on.")
    var withoutVariables = false
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let context = try Context()
        let record = try context.record(session)
        let key: HostPublicKey
        let reader: JournalReader
        do throws(SessionError) { key = try context.store.publicKey() } catch { throw Output.fail(error) }
        do {
            reader = try JournalReader(
                path: context.directories.journal(record.session), key: key, session: record.session)
        } catch {
            throw Output.fail("cannot read the journal: \(error)", code: 125)
        }
        let home = context.environment["HOME"] ?? CurrentProcess.account?.home
        let explanation = Explanation(record.session, reader.records, home: home)
        let denials = explanation.denials.filter { !withoutVariables || $0.kind != .variable }
        switch formatOption.format {
        case .json:
            Output.json([
                "session": .string(explanation.session), "denials": .array(denials.map(\.json)),
                "unseen": .strings(explanation.unseen),
            ])
        case .table: show(denials, explanation)
        }
    }

    private func show(_ denials: [Denial], _ explanation: Explanation) {
        if denials.isEmpty {
            Output.write("nothing was refused to session \(explanation.session)\n")
        } else {
            var table = Table(columns: ["WHAT", "LAYER", "SUBJECT", "TIMES", "WHY", "LINE"])
            for denial in denials {
                table.rows.append([
                    denial.kind.rawValue, denial.layer, denial.subject, denial.count.map(String.init) ?? "-",
                    denial.detail, denial.line?.text ?? "-",
                ])
            }
            Output.table(table)
            Output.write("\n")
            var remedies = Table(columns: ["SUBJECT", "WISE", "TO ALLOW IT", "WHERE", "BECAUSE"])
            for denial in denials {
                remedies.rows.append([
                    denial.subject, denial.remedy.wisdom.rawValue, denial.remedy.yaml ?? "-", denial.place ?? "-",
                    denial.remedy.why,
                ])
            }
            Output.table(remedies)
        }
        for line in explanation.unseen { Output.write("\nnot seen: \(Terminal.printable(line))\n") }
    }
}
