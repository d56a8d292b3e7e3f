// SPDX-License-Identifier: Apache-2.0

@testable import Cedar

/// What must hold of hostile policies, schemas and entities, besides that reading them ends: what was read can be written
/// in every form there is, and each form reads back as the same.
enum CedarFuzz {
    /// Reads policies, lays them out, writes them as JSON, and asks, checks and analyses them.
    static func policies(_ bytes: [UInt8]) {
        guard let source = try? SourceText(utf8: bytes), let set = try? read(source) else { return }
        let formatted = must("lay out what parses") { try PolicyFormatter.format(source) }
        let again = must("read what was laid out") { try read(SourceText(formatted)) }
        guard written(again) == written(set) else { fatalError("the layout changes a policy") }
        guard must("lay it out again", { try PolicyFormatter.format(formatted) }) == formatted else {
            fatalError("the layout is not stable")
        }
        let oneLined = must("read what was written") { try read(SourceText(written(set).joined(separator: "\n"))) }
        guard written(oneLined) == written(set) else { fatalError("writing changes a policy") }

        let answers = CedarFuzzWorld.requests.map { answer($0, set) }
        guard answers == CedarFuzzWorld.requests.map({ answer($0, again) }) else {
            fatalError("the layout changes a decision")
        }
        check(set, answers)
        // A condition may be too deep for JSON.
        guard let json = try? set.json() else { return }
        for style in [JSONWriter.Style.compact, .indented] {
            let back = must("read its JSON") { try PolicySet(json: JSONWriter.text(json, style: style)) }
            guard must("write it again", { JSONWriter.text(try back.json()) }) == JSONWriter.text(json) else {
                fatalError("JSON changes a policy")
            }
            guard answers == CedarFuzzWorld.requests.map({ answer($0, back) }) else {
                fatalError("JSON changes a decision")
            }
        }
    }

    /// Reads the text of a schema, and writes it in both forms.
    static func schema(_ bytes: [UInt8]) {
        guard let source = try? SourceText(utf8: bytes), let schema = try? Schema(parsing: source) else { return }
        let text = must("write what was read as text") { try schema.text() }
        let again = must("read the text that was written") { try Schema(parsing: text) }
        guard again == schema else { fatalError("writing changes the schema") }
        guard must("write it again", { try again.text() }) == text else { fatalError("the text is not stable") }
        guard must("read its JSON", { try Schema(json: JSONWriter.text(schema.json())) }) == schema else {
            fatalError("JSON changes the schema")
        }
        use(schema)
    }

    /// Reads JSON as policies, as entities and as a schema.
    static func json(_ bytes: [UInt8]) {
        guard let source = try? SourceText(utf8: bytes) else { return }
        if let set = try? PolicySet(json: source) {
            let json = must("write policies") { JSONWriter.text(try set.json()) }
            let back = must("read policies again") { JSONWriter.text(try PolicySet(json: json).json()) }
            guard back == json else { fatalError("JSON changes a policy") }
            let height = set.policies.flatMap(\.conditions).reduce(0) { max($0, $1.body.height) }
            // Text allows less nesting than JSON.
            if height <= 32 {
                for text in written(set) {
                    let read = must("read the text of a policy") { try PolicySet(parsing: text) }
                    guard written(read) == [text] else { fatalError("text changes a policy") }
                }
            }
            check(set, CedarFuzzWorld.requests.map { answer($0, set) })
        }
        if let entities = try? Entities(json: source) {
            let back = must("read entities again") { try Entities(json: JSONWriter.text(entities.json)) }
            guard Array(back.all) == Array(entities.all) else { fatalError("JSON changes an entity") }
        }
        if let schema = try? Schema(json: source) {
            guard must("read the schema again", { try Schema(json: JSONWriter.text(schema.json())) }) == schema else {
                fatalError("JSON changes the schema")
            }
            // Not everything has a text.
            if let text = try? schema.text(), must("read the schema's text", { try Schema(parsing: text) }) != schema {
                fatalError("text changes the schema")
            }
            use(schema)
        }
    }

    /// Reads policies, and links every template.
    private static func read(_ source: SourceText) throws(Diagnostic) -> PolicySet {
        var set = try PolicySet(parsing: source)
        for template in set.templates {
            let values = CedarFuzzWorld.values.filter { template.template.slots.contains($0.key) }
            try set.link(template.id, as: CedarString("link of \(template.id)"), values: values)
        }
        return set
    }

    private static func written(_ set: PolicySet) -> [String] {
        set.policies.filter { !$0.isLinked }.map(\.template.description) + set.templates.map(\.template.description)
    }

    /// A response without the places of its errors.
    private struct Answer: Equatable {
        let response: Response
        let errors: [EvaluationError.Reason]
    }

    private static func answer(_ request: Request, _ set: PolicySet) -> Answer {
        let response = Authorizer.authorize(request, set, CedarFuzzWorld.entities)
        let errors = response.errors.map {
            PolicyError(policyID: $0.policyID, error: EvaluationError($0.error.reason, at: .none))
        }
        return Answer(
            response: Response(decision: response.decision, reasons: response.reasons, errors: errors),
            errors: errors.map(\.error.reason)
        )
    }

    /// What the validator and the analyzer say of policies is so.
    private static func check(_ set: PolicySet, _ answers: [Answer]) {
        let level: Set<Finding.Rule> = [.levelExceeded, .literalDereference]
        let findings = CedarFuzzWorld.validator.validate(set, level: 1)
        let wrong = Set(findings.filter { $0.severity == .error && !level.contains($0.rule) }.map(\.policy))
        // What is wrong with a link is said of its template.
        let passing = set.policies.filter { !wrong.contains($0.id) && !wrong.contains($0.templateID ?? $0.id) }.map(
            \.id)
        for error in answers.flatMap(\.response.errors) where passing.contains(error.policyID) {
            switch error.error.reason {
            case .overflow, .missingEntity, .extension: break
            default: fatalError("a policy that passes fails: \(error)")
            }
        }
        let reasons = Set(answers.flatMap(\.response.reasons))
        for finding in findings where finding.rule == .impossiblePolicy {
            guard let policy = finding.policy, passing.contains(policy) else { continue }
            guard !reasons.contains(policy) else { fatalError("possible: \(finding)") }
        }
        for finding in Analyzer().analyze(set) {
            guard finding.rule == .impossiblePolicy || finding.rule == .failingCondition else { continue }
            guard let policy = finding.policy, !reasons.contains(policy) else { fatalError("not so: \(finding)") }
        }
    }

    private static func use(_ schema: Schema) {
        let validator = Validator(schema, stepLimit: 10_000)
        _ = validator.validate(CedarFuzzWorld.policies, level: 1)
        _ = validator.validate(entities: CedarFuzzWorld.entities.all)
        for request in CedarFuzzWorld.requests { _ = validator.validate(request: request) }
    }

    private static func must<Result>(_ claim: String, _ body: () throws -> Result) -> Result {
        do { return try body() } catch { fatalError("cannot \(claim): \(error)") }
    }
}
