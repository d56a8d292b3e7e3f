// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cedar
internal import RemitKernel

struct PolicyProve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Prove that new policies permit nothing that old ones do not.",
        discussion: """
            Writes the question in SMT-LIB, once for every kind of request of the schema, and asks an SMT solver of the \
            host, `cvc5` or `z3`. A counter-example is evaluated before it is shown, as a question for `remit policy \
            authorize`. Exit code 0 when proved, 1 when there is a counter-example, 2 when a question stays open.
            """
    )
    /// The exit code when it is neither proved nor refuted.
    static let open: CInt = 2

    @Argument(help: "The policies that are known.")
    var old: String
    @Argument(help: "The policies that must permit no more.")
    var new: String
    @Option(help: "The schema that both follow, as text or JSON.")
    var schema: String
    @Option(help: ArgumentHelp("The solver's program; cvc5 or z3 of the host when left out.", valueName: "file"))
    var solver: String?
    @Option(help: "Seconds for each question.")
    var timeout: Int = 20
    @Flag(help: "Print the questions instead of asking them.")
    var script = false

    func validate() throws {
        if !(1...3600).contains(timeout) { throw ValidationError("a time-out is 1 to 3600 seconds") }
    }

    func run() throws {
        _ = try Context()
        try PolicyAnswer.reporting { reader in
            let schema = try reader.schema(try PolicyMaterial(file: schema))
            let prover = try Prover(
                schema, old: try reader.policies(try PolicyMaterial(file: old)),
                new: try reader.policies(try PolicyMaterial(file: new))
            )
            // What asks nothing was answered by looking: the applicable policies are the same, or fewer.
            let questions = prover.environments.map { ($0, prover.question($0)) }
            if script {
                for (_, question) in questions { if let question { Output.write(question.script) } }
                return
            }
            let solver = try SolverProgram(named: solver, seconds: timeout)
            let results = try questions.map { environment, question in
                (environment, try question.map { try solver.answer($0) } ?? .holds)
            }
            try report(results)
        }
    }

    private func report(_ results: [(RequestEnvironment, ProofQuestion.Answer)]) throws {
        var isProved = true
        var isRefuted = false
        let answers = results.map { environment, answer -> JSONValue in
            var members: [(String, JSONValue)] = [("request", .string("\(environment)"))]
            switch answer {
            case .holds: members.append(("answer", .string("holds")))
            case .fails(let example):
                isRefuted = true
                let entities = JSONValue.array(example.entities.map(\.json))
                members += [
                    ("answer", .string("fails")),
                    ("example", .object([("request", example.request.json), ("entities", entities)])),
                ]
            case .unknown(let reason):
                isProved = false
                members += [("answer", .string("unknown")), ("reason", .string(reason))]
            }
            return .object(members)
        }
        PolicyAnswer.write(
            .object([
                ("proved", .bool(isProved && !isRefuted)), ("questions", .array(answers)),
            ]))
        if isRefuted { throw ExitCode(PolicyExit.refused) }
        if !isProved { throw ExitCode(Self.open) }
    }
}

/// An SMT solver of the host.
private struct SolverProgram {
    private static let known = [["/usr/bin/cvc5", "--lang=smt2", "-"], ["/usr/bin/z3", "-in"]]
    private static let outputLimit = 16 << 20

    private let arguments: [String]
    private let limit: Duration

    init(named name: String?, seconds: Int) throws(Diagnostic) {
        limit = .seconds(seconds)
        if let name {
            guard FileSystem.exists(name) else { throw Diagnostic("there is no solver `\(name)`") }
            arguments = name.hasSuffix("z3") ? [name, "-in"] : [name, "--lang=smt2", "-"]
            return
        }
        guard let found = Self.known.first(where: { FileSystem.exists($0[0]) }) else {
            throw Diagnostic(
                "there is no SMT solver on this host",
                hint: "install Debian's `cvc5` or `z3`, or name one by `--solver`"
            )
        }
        arguments = found
    }

    func answer(_ question: ProofQuestion) throws -> ProofQuestion.Answer {
        let loop = try EventLoop()
        var outcome: HelperOutcome?
        Helper.run(
            arguments, environment: ["LANG": "C"], input: Array(question.script.utf8), timeLimit: limit,
            outputLimit: Self.outputLimit, on: loop
        ) { outcome = $0 }
        try loop.run { outcome != nil }
        switch outcome {
        case .exited(_, let output, let diagnostics):
            return question.answer(String(decoding: output + diagnostics, as: UTF8.self))
        case .timedOut, nil: return .unknown("the solver did not answer in \(limit.components.seconds) s")
        case .overflowed: return .unknown("the solver wrote too much")
        case .cannotStart(let error): throw Diagnostic("cannot start the solver: \(error)")
        }
    }
}
