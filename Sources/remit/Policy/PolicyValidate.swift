// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cedar

struct PolicyValidate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Say whether policies, entities and a request follow a schema.",
        discussion: """
            Strict validation. Answers `valid` and `findings` as JSON; exit code 1 when not valid. With `--batch`, one \
            JSON object a line, `{policies, schema}` and if wanted `entities` and `request`, by path or inline.
            """
    )
    @OptionGroup var files: PolicyFiles
    @Option(help: "Entities to validate as well, as JSON.")
    var entities: String?
    @Option(help: "The deepest chain of entities that an expression may follow.")
    var level: Int?
    @OptionGroup var answering: PolicyAnswering

    func validate() throws {
        if let level, level < 0 { throw ValidationError("a level is 0 or more") }
        if !answering.batch, files.schemaFile == nil { throw ValidationError("a schema is needed: add --schema") }
    }

    func run() throws {
        _ = try Context()
        try PolicyAnswer.reporting { reader in
            if answering.batch {
                return try PolicyBatch.run { question throws(Diagnostic) in
                    var stopwatch = PolicyStopwatch(isRunning: answering.timed)
                    let findings = try self.findings(question, &reader, &stopwatch)
                    return stopwatch.noted(in: PolicyAnswer.findings(findings))
                }
            }
            var stopwatch = PolicyStopwatch(isRunning: answering.timed)
            let findings = try self.findings(nil, &reader, &stopwatch)
            PolicyAnswer.write(stopwatch.noted(in: PolicyAnswer.findings(findings)))
            if findings.contains(where: { $0.severity == .error }) { throw ExitCode(PolicyExit.refused) }
        }
    }

    private func findings(
        _ question: PolicyQuestion?, _ reader: inout PolicyReader, _ stopwatch: inout PolicyStopwatch
    ) throws(Diagnostic) -> [Finding] {
        guard let material = try files.schema(question) else {
            throw Diagnostic("there is no `schema`")
        }
        let schema = try reader.schema(material)
        let validator = Validator(schema)
        var findings: [Finding] = []
        if let material = try files.policies(question) {
            let policies = try stopwatch.time("policies") { () throws(Diagnostic) in try reader.policies(material) }
            findings += stopwatch.time("validate") { validator.validate(policies, level: level) }
        }
        if let material = try files.material(entities, question, "entities") {
            // What its types do not let be read does not conform either.
            do throws(Diagnostic) { _ = try reader.entities(material, schema: schema) } catch {
                findings.append(Finding(.error, .nonconformingEntity, error))
            }
        }
        if let question, question.hasRequest {
            do throws(Diagnostic) {
                findings += validator.validate(request: try question.request(schema: schema))
            } catch {
                findings.append(Finding(.error, .nonconformingRequest, error))
            }
        }
        return findings
    }
}
