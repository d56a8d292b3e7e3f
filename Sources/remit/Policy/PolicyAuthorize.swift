// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cedar

struct PolicyAuthorize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authorize",
        abstract: "Decide a request.",
        discussion: """
            Reads one JSON object with `principal`, `action`, `resource`, `context`, `entities`, `policies` and, if \
            values are to be read and checked by it, `schema`; the last three may be named by options instead. Answers \
            `decision`, `reason` (the policies that determined it) and `errors` (the policies that could not be \
            evaluated, and were skipped), as Cedar does: whoever must not fail open treats errors as a denial. With \
            `--batch`, one object a line, `{policies, entities, schema, request}`, by path or inline.
            """
    )
    @Argument(help: ArgumentHelp("The question; - for standard input.", valueName: "file"))
    var file: String = "-"
    @OptionGroup var files: PolicyFiles
    @Option(help: "The entities, as JSON.")
    var entities: String?
    @OptionGroup var answering: PolicyAnswering

    func run() throws {
        _ = try Context()
        try PolicyAnswer.reporting { reader in
            if answering.batch {
                return try PolicyBatch.run { question throws(Diagnostic) in try answer(question, &reader) }
            }
            PolicyAnswer.write(try answer(try PolicyQuestion(try PolicyMaterial(file: file).source), &reader))
        }
    }

    private func answer(_ question: PolicyQuestion, _ reader: inout PolicyReader) throws(Diagnostic) -> JSONValue {
        var stopwatch = PolicyStopwatch(isRunning: answering.timed)
        guard let policyMaterial = try files.policies(question) else { throw Diagnostic("there are no `policies`") }
        let policies = try stopwatch.time("policies") { () throws(Diagnostic) in try reader.policies(policyMaterial) }
        var schema: Schema?
        if let material = try files.schema(question) { schema = try reader.schema(material) }
        let known = try reader.entities(try files.material(entities, question, "entities"), schema: schema)
        let request = try question.request(schema: schema)
        // A request that is to be decided although it does not follow the schema says so.
        if let schema, question.flag("validateRequest") != false, let problem = schema.nonconformance(of: request) {
            throw problem
        }
        let response = stopwatch.time("authorize") { Authorizer.authorize(request, policies, known) }
        return stopwatch.noted(in: PolicyAnswer.response(response))
    }
}

/// How several subcommands answer.
struct PolicyAnswering: ParsableArguments {
    @Flag(help: "Answer one question a line of standard input.")
    var batch = false
    @Flag(help: "Say with each answer what its parts took, in nanoseconds.")
    var timed = false
}

/// The files that several subcommands read.
struct PolicyFiles: ParsableArguments {
    @Option(name: .customLong("policies"), help: "The policies, as text or JSON.")
    var policyFile: String?
    @Option(name: .customLong("schema"), help: "The schema, as text or JSON.")
    var schemaFile: String?

    func policies(_ question: PolicyQuestion?) throws(Diagnostic) -> PolicyMaterial? {
        try material(policyFile, question, "policies")
    }

    func schema(_ question: PolicyQuestion?) throws(Diagnostic) -> PolicyMaterial? {
        try material(schemaFile, question, "schema")
    }

    /// The file that an option names, or what the question holds.
    func material(_ file: String?, _ question: PolicyQuestion?, _ key: String) throws(Diagnostic) -> PolicyMaterial? {
        if let file { return try PolicyMaterial(file: file) }
        return try question?.material(key)
    }
}
