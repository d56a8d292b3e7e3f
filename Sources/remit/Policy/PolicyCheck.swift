// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cedar

struct PolicyCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what is wrong with policies, and what is likely a mistake.",
        discussion: """
            Syntax; with a schema, strict validation too; and policies that can never apply or that another makes needless, \
            conditions that always fail, and attributes that may be missing. Findings are shown with the line they are \
            about, on standard output. Exit code 1 when there is an error, or with `--strict` any finding.
            """
    )
    @Argument(help: ArgumentHelp("The policies, as text or JSON; - for standard input.", valueName: "file"))
    var file: String
    @Option(help: "The schema, as text or JSON.")
    var schema: String?
    @Flag(help: "Take warnings for errors.")
    var strict = false
    @OptionGroup var formatOption: FormatOption

    func run() throws {
        _ = try Context()
        try PolicyAnswer.reporting { reader in
            let material = try PolicyMaterial(file: file)
            let policies = try reader.policies(material)
            let schema = try schema.map { try reader.schema(try PolicyMaterial(file: $0)) }
            let validated = schema.map { Validator($0).validate(policies) } ?? []
            let findings = validated + Analyzer(schema: schema).analyze(policies)
            switch formatOption.format {
            case .json: PolicyAnswer.write(PolicyAnswer.findings(findings))
            case .table: show(findings, in: material.source)
            }
            if findings.contains(where: { strict || $0.severity == .error }) { throw ExitCode(PolicyExit.refused) }
        }
    }

    private func show(_ findings: [Finding], in source: SourceText) {
        for finding in findings {
            let policy = finding.policy.map { " in `\(Terminal.printable("\($0)"))`" } ?? ""
            Output.write("\(finding.severity.rawValue)\(policy): \(finding.diagnostic.rendered(in: source))\n")
        }
        if findings.isEmpty { Output.write("nothing found\n") }
    }
}
