// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitSession
internal import RemitTask

struct ProfileTestCommand: ParsableCommand {
    /// How results are shown.
    enum Form: String, ExpressibleByArgument, CaseIterable {
        case table, json, junit
    }

    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the tests that profiles have of themselves.",
        discussion: """
            Each test is a session of its own, started as `remit run` starts one, in a workspace that is thrown away. A \
            profile has its own tests and those of every profile it extends. Exit codes: 0 all passed, 1 one failed, 64 \
            a file or name is wrong, 126 this host lacks a layer that a profile requires. Tests are commands: run those \
            of a file that you would also run a session under.
            """
    )
    @Argument(help: ArgumentHelp("Names of profiles, or files, which have a / or end in .yaml.", valueName: "profile"))
    var profiles: [String]
    @Option(help: "How to show the results: table, json or junit.")
    var format: Form = .table
    @Option(help: ArgumentHelp("Also write the results as JUnit XML.", valueName: "file"))
    var junit: String?
    @Option(help: ArgumentHelp("Only tests whose names hold this text.", valueName: "text"))
    var filter: String?

    func run() throws {
        let context = try Context()
        let suites = try profiles.map { try ProfileTestSuite.load($0, context).filtered(by: filter) }
        if let filter, suites.allSatisfy(\.tests.isEmpty) {
            throw Output.fail("no test's name holds `\(filter)`", code: 64)
        }
        if filter == nil, let empty = suites.first(where: \.tests.isEmpty) {
            throw Output.fail(
                "profile `\(empty.profile.name)` has no tests", hint: "write a `tests:` section, or extend `base`",
                code: 64)
        }
        try checkReportPlace()
        let report: ProfileTestReport
        do {
            report = try ProfileTestRunner.run(suites, context: context)
        } catch let error as SessionError {
            throw Output.fail(error)
        } catch let interruption as ProfileTestRunner.Interruption {
            throw ExitCode(128 + interruption.signal)
        }
        try show(report)
        if report.failures > 0 { throw ExitCode(1) }
        if report.suites.contains(where: { $0.obstacle != nil }) { throw ExitCode(126) }
    }

    private func checkReportPlace() throws {
        guard let junit else { return }
        let directory = FileSystem.parent(of: junit)
        guard (try? FileSystem.facts(following: directory))?.isDirectory == true else {
            throw Output.fail("cannot write `\(junit)`: `\(directory)` is not a directory", code: 64)
        }
    }

    private func show(_ report: ProfileTestReport) throws {
        switch format {
        case .table: report.showTable()
        case .json: Output.json(report.json)
        case .junit: Output.write(report.junit.text)
        }
        guard let junit else { return }
        do {
            try FileSystem.replace(junit, with: Array(report.junit.text.utf8), mode: 0o644)
        } catch {
            throw Output.fail("cannot write `\(junit)`: \(error.errno)", code: 125)
        }
    }
}

/// One profile and its tests.
struct ProfileTestSuite {
    let profile: Profile
    /// The file it was named by; nothing for a profile of the catalogue.
    let file: String?
    /// Files of the operator's that the profile is made of, by name: copied, so that sessions find them.
    let sources: [String: String]
    var tests: [ProfileTest]

    /// Loads a profile by its name or its file.
    static func load(_ argument: String, _ context: Context) throws -> ProfileTestSuite {
        let found = try ProfileArgument.load(argument, context, tests: true)
        return ProfileTestSuite(
            profile: found.profile, file: found.isFile ? argument : nil, sources: found.files,
            tests: found.profile.tests)
    }

    func filtered(by text: String?) -> ProfileTestSuite {
        guard let text else { return self }
        var suite = self
        suite.tests.removeAll { !$0.name.contains(text) }
        return suite
    }
}
