// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// The command line: nouns, then verbs; people on standard error, machines on standard output.
@main
struct Remit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remit",
        abstract: "Runs an agent within its remit: one task, one sandbox, short-lived credentials, one provable end.",
        version: Version.current,
        groupedSubcommands: [
            CommandGroup(
                name: "Sessions",
                subcommands: [
                    Run.self, Attach.self, Check.self, ListSessions.self, Inspect.self, Logs.self, Explain.self,
                    Narrow.self, Kill.self, Reap.self, Orphans.self,
                ]),
            CommandGroup(name: "Changes", subcommands: [Diff.self, Apply.self, Discard.self]),
            CommandGroup(name: "Evidence", subcommands: [JournalCommand.self, ReceiptCommand.self, TokenCommand.self]),
            CommandGroup(name: "This host", subcommands: [Doctor.self, ProfileCommand.self, Why.self]),
            CommandGroup(name: "Policies", subcommands: [PolicyCommand.self]),
        ]
    )

    static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "run" {
            // What follows `--` is the agent's and needs no parsing, for which the parser's time grows with its square.
            if let terminator = arguments.firstIndex(of: "--") {
                unsafe Run.payload = Array(arguments[(terminator + 1)...])
                arguments.removeSubrange((terminator + 1)...)
            }
            Run.startAlone(Array(arguments.dropFirst()))
        }
        main(arguments)
    }
}

enum Version {
    static let current = "0.1.0"
}
