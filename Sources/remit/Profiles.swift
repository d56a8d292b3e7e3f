// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitTask

struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Reusable confinement.", subcommands: [List.self, Show.self]
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

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a profile with everything it extends, and where each value came from."
        )
        @Argument(help: "The profile's name.")
        var name: String
        @OptionGroup var formatOption: FormatOption

        func run() throws {
            let catalogue = try Context().catalogue
            let profile: Profile
            do { profile = try catalogue.resolve(name) } catch {
                throw Output.fail(error.description, hint: error.hint, code: 64)
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
