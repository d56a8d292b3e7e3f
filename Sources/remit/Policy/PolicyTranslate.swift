// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cedar

struct PolicyTranslate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate",
        abstract: "Turn policies or a schema from text into JSON, or back.",
        discussion: """
            The other form of what is given. With `--batch`, one JSON object a line, `{policies, to}` or `{schema, to}`, \
            where `to` is `json` or `cedar`; the answer has the same member.
            """
    )
    enum Kind: String, CaseIterable, ExpressibleByArgument { case policies, schema }

    @Argument(help: "What the file holds: policies or schema.")
    var kind: Kind = .policies
    @Argument(help: ArgumentHelp("The file; - for standard input.", valueName: "file"))
    var file: String = "-"
    @Flag(help: "Answer one question a line of standard input.")
    var batch = false

    func run() throws {
        _ = try Context()
        try PolicyAnswer.reporting { reader in
            if batch {
                return try PolicyBatch.run { question throws(Diagnostic) in try Self.answer(question, &reader) }
            }
            let material = try PolicyMaterial(file: file)
            switch try Self.translate(kind, material, toJSON: !material.isJSON, &reader) {
            case .json(let value): PolicyAnswer.write(value)
            case .text(let text): Output.write(text)
            }
        }
    }

    private static func answer(
        _ question: PolicyQuestion, _ reader: inout PolicyReader
    ) throws(Diagnostic) -> JSONValue {
        for kind in Kind.allCases {
            guard let material = try question.material(kind.rawValue) else { continue }
            let target = question.text("to") ?? (material.isJSON ? "cedar" : "json")
            guard ["json", "cedar"].contains(target) else {
                throw Diagnostic("`to` is neither `json` nor `cedar`, but `\(target)`")
            }
            switch try translate(kind, material, toJSON: target == "json", &reader) {
            case .json(let value): return .object([(kind.rawValue, value)])
            case .text(let text): return .object([(kind.rawValue, .string(text))])
            }
        }
        throw Diagnostic("there are neither `policies` nor a `schema`")
    }

    private enum Translation {
        case json(JSONValue)
        case text(String)
    }

    private static func translate(
        _ kind: Kind, _ material: PolicyMaterial, toJSON: Bool, _ reader: inout PolicyReader
    ) throws(Diagnostic) -> Translation {
        switch kind {
        case .policies:
            let policies = try reader.policies(material)
            return toJSON ? .json(try policies.json()) : .text(try text(of: policies))
        case .schema:
            let schema = try reader.schema(material)
            return toJSON ? .json(schema.json()) : .text(try schema.text())
        }
    }
    /// Policies, then templates, laid out. The text form has no place for links.
    private static func text(of policies: PolicySet) throws(Diagnostic) -> String {
        if let link = policies.policies.first(where: \.isLinked) {
            throw Diagnostic("policy `\(link.id)` is a link of a template, which the text form cannot say")
        }
        let texts = policies.policies.map { "\($0.template)" } + policies.templates.map { "\($0.template)" }
        return try PolicyFormatter.format(texts.joined(separator: "\n"))
    }
}
