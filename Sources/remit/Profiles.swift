// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitTask

struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Reusable confinement.",
        subcommands: [
            List.self, Show.self, ProfileDiff.self, ProfileTestCommand.self, ProfileLearn.self, ProfileGroups.self,
            ProfileImport.self, ProfileExport.self, ProfileSweep.self,
        ]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List profiles.")
        @OptionGroup var formatOption: FormatOption

        func run() throws {
            let summaries = try Context().catalogue.names()
            switch formatOption.format {
            case .json:
                Output.json(
                    .array(
                        summaries.map {
                            [
                                "name": .string($0.name), "description": .optional($0.description),
                                "extends": .optional($0.extends), "file": .optional($0.file),
                                "problem": .optional($0.problem),
                            ]
                        }
                    )
                )
            case .table:
                var table = Table(columns: ["PROFILE", "EXTENDS", "FROM", "WHAT FOR"])
                for summary in summaries {
                    table.rows.append([
                        summary.name, summary.extends ?? "-", summary.file ?? "built in",
                        summary.problem.map { "refused: \($0)" } ?? summary.description ?? "-",
                    ])
                }
                Output.table(table)
            }
        }
    }
}

extension ProfileCommand {
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a profile with everything it extends, and where each value came from.",
            discussion: """
                With `--seccomp`, print what happens to every system call, and because of which line. With `--call`, \
                answer that for one call by running the very filter that a session would load, such as \
                `remit profile show coding --call ioctl --argument 1=TIOCSTI`.
                """
        )
        @Argument(help: "A profile's name, or a file, which has a / or ends in .yaml.")
        var name: String
        @Flag(help: "Show the system-call filter.")
        var seccomp = false
        @Option(help: "A system call, by name or number.")
        var call: String?
        @Option(
            name: .customLong("argument"),
            help: ArgumentHelp(
                "One of the call's arguments, from 0 on; those left out are 0. Values are numbers (0x and 0o too), the kernel's names, or several joined by |.",
                valueName: "index=value"))
        var arguments: [String] = []
        @OptionGroup var formatOption: FormatOption

        func run() throws {
            let context = try Context()
            let found = try ProfileArgument.load(name, context)
            let profile = found.profile
            if seccomp || call != nil || !arguments.isEmpty {
                return try FilterView(profile, found.catalogue).show(call, arguments, formatOption.format)
            }
            switch formatOption.format {
            case .json:
                Output.json(
                    .array(
                        profile.explanation.map {
                            [
                                "path": .string($0.path), "value": .string($0.value),
                                "origin": .optional($0.origin?.description),
                            ]
                        }
                    )
                )
            case .table:
                var table = Table(columns: ["VALUE", "IS", "FROM"])
                for entry in profile.explanation {
                    table.rows.append([entry.path, entry.value, entry.origin?.description ?? "default"])
                }
                Output.table(table)
            }
        }
    }
}
