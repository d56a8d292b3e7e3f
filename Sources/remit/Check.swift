// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitTask

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say how well a task is bounded.",
        discussion: "Exit code 0 when nothing is missing, 126 when something is, 64 when the file is malformed."
    )

    @Argument(help: "The task file.")
    var file: String
    @OptionGroup var configurationOption: ConfigurationOption
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        let context = try Context()
        let verdict: Boundedness
        do {
            let task = try TaskFile.load(file)
            let configuration = try context.configuration(configurationOption.path)
            try configuration.check(task)
            try checkNetwork(task, configuration, context)
            let directory = (try? FileSystem.resolved(FileSystem.parent(of: file))) ?? "/"
            verdict = Boundedness(
                task: task.value, directory: directory, home: CurrentProcess.account?.home,
                configuration: configuration
            )
        } catch let error as FileError {
            throw Output.fail(error.description, hint: error.hint, code: 64)
        }
        switch formatOption.format {
        case .table: show(verdict)
        case .json:
            Output.json([
                "bounded": .bool(verdict.isBounded),
                "findings": .array(
                    verdict.findings.map {
                        [
                            "aspect": .string($0.aspect.rawValue), "grade": .string($0.grade.rawValue),
                            "reason": .string($0.reason), "advice": .optional($0.advice),
                        ]
                    }
                ),
            ])
        }
        if !verdict.isBounded { throw ExitCode(126) }
    }

    /// A task that asks for more network than it may have is refused when it is run, so here as well.
    private func checkNetwork(
        _ task: DecodedFile<TaskSpecification>, _ configuration: Configuration, _ context: Context
    ) throws {
        let name = task.value.profile ?? configuration.defaultProfile
        let profile = try context.catalogue.resolve(name, wanted: task.error(at: "profile", ""))
        do {
            _ = try NetworkPlan.resolve(
                task: task.value, file: task, profile: profile, configuration: configuration
            )
        } catch {
            throw Output.fail(error.description, hint: error.hint, code: 126)
        }
    }

    private func show(_ verdict: Boundedness) {
        var table = Table(columns: ["ASPECT", "VERDICT", "WHY"])
        for finding in verdict.findings {
            table.rows.append([finding.aspect.rawValue, finding.grade.rawValue, finding.reason])
        }
        Output.table(table)
        for finding in verdict.findings {
            guard let advice = finding.advice else { continue }
            Output.write("\n\(finding.aspect.rawValue): write\n")
            for line in advice.split(separator: "\n", omittingEmptySubsequences: false) {
                Output.write("    \(Terminal.printable(String(line)))\n")
            }
        }
    }
}
