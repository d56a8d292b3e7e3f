// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitSandbox
internal import RemitTask

struct ProfileDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what one profile lets an agent do that another does not.",
        discussion: """
            Everything is seen from the agent's side: `gained` is possible under the second profile only, `lost` under \
            the first only. Exit code 0, whatever differs; with `--exit-code`, 1 when anything does, as of `git diff`.
            """
    )
    @Argument(help: ArgumentHelp("A profile's name, or a file, which has a / or ends in .yaml.", valueName: "from"))
    var from: String
    @Argument(help: ArgumentHelp("What to compare it with.", valueName: "to"))
    var to: String
    @Flag(help: "Leave with 1 when there are differences.")
    var exitCode = false
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let context = try Context()
        let one = try ProfileArgument.load(from, context).profile
        let other = try ProfileArgument.load(to, context).profile
        let difference: ProfileDifference
        do { difference = try ProfileDifference(from: one, to: other) } catch {
            throw Output.fail(error.description, hint: error.hint, code: 64)
        }
        switch formatOption.format {
        case .json: Output.json(json(difference))
        case .table: show(difference)
        }
        if exitCode, !difference.changes.isEmpty { throw ExitCode(1) }
    }

    private func show(_ difference: ProfileDifference) {
        guard !difference.changes.isEmpty else {
            return Output.write(Terminal.printable("\(from) and \(to) let an agent do the same") + "\n")
        }
        var table = Table(columns: ["CHANGE", "WHAT", "OF", "BEFORE", "AFTER", "FROM"])
        for change in difference.changes {
            table.rows.append([
                change.direction.rawValue, change.aspect.rawValue, change.subject, change.before ?? "-",
                change.after ?? "-", change.origin?.description ?? "default",
            ])
        }
        Output.table(table)
        let counts = ProfileChange.Direction.allCases.map { direction in
            "\(difference.changes.count { $0.direction == direction }) \(direction.rawValue)"
        }
        Output.write("\n\(counts.joined(separator: ", "))\n")
    }

    private func json(_ difference: ProfileDifference) -> JSONValue {
        [
            "from": .string(from), "to": .string(to),
            "changes": .array(
                difference.changes.map { change in
                    [
                        "change": .string(change.direction.rawValue), "what": .string(change.aspect.rawValue),
                        "of": .string(change.subject), "before": .optional(change.before),
                        "after": .optional(change.after), "origin": .optional(change.origin?.description),
                    ]
                }),
        ]
    }
}
