// SPDX-License-Identifier: Apache-2.0

/// What is asked of a solver about one kind of request, and what its answer means.
public struct ProofQuestion: Sendable {
    /// What a solver's answer means.
    public enum Answer: Sendable {
        /// There is no request of the kind that the new policies permit and the old ones don't.
        case holds
        /// There is one, which was evaluated to make sure.
        case fails(Counterexample)
        /// It isn't known, and this is why.
        case unknown(String)
    }

    /// A request that the new policies permit and the old ones don't.
    public struct Counterexample: Sendable {
        /// The request.
        public let request: Request
        /// The entities that it is decided with.
        public let entities: [Entity]
    }

    /// The kind of request it is about.
    public let environment: RequestEnvironment
    /// The question in SMT-LIB 2.6: `check-sat`, and `get-value` for a model.
    public let script: String
    /// What couldn't be said in SMT-LIB, so that anything may come of it. Where it can't be answered otherwise, the
    /// answer is unknown because of these.
    public let approximations: [String]

    private let encoder: Encoder
    private let terms: [String]
    private let old: PolicySet
    private let new: PolicySet

    init(_ encoder: Encoder, old: PolicySet, new: PolicySet) {
        self.encoder = encoder
        self.old = old
        self.new = new
        environment = encoder.environment
        approximations = encoder.approximations
        terms = CounterexampleBuilder.terms(of: encoder)
        var lines = ["; \(environment.action.type) by \(environment.principal) on \(environment.resource)"]
        lines += ["(set-option :produce-models true)", "(set-logic ALL)"]
        lines += encoder.script.lines
        lines += ["(check-sat)", "(get-value (\(terms.joined(separator: " "))))", ""]
        script = lines.joined(separator: "\n")
    }

    /// What the output of a solver that was given the script means.
    public func answer(_ output: String) -> Answer {
        let lines = output.split(separator: "\n", maxSplits: 64, omittingEmptySubsequences: true)
        guard let index = lines.firstIndex(where: { ["sat", "unsat", "unknown"].contains($0) }) else {
            return .unknown("the solver gave no answer: \(lines.first.map { String($0.prefix(200)) } ?? "nothing")")
        }
        switch lines[index] {
        case "unsat": return .holds
        case "unknown": return .unknown("the solver doesn't know")
        default: break
        }
        let rest = lines[(index + 1)...].joined(separator: "\n")
        guard let values = ModelReader.values(rest, count: terms.count) else {
            return .unknown("the solver's model can't be read")
        }
        return check(Dictionary(uniqueKeysWithValues: zip(terms, values)))
    }

    /// Evaluates what a model says, so that nothing depends on the encoding being right.
    private func check(_ values: [String: ModelReader.ModelValue]) -> Answer {
        let builder = CounterexampleBuilder(encoder, values: values)
        guard let request = builder.request() else { return .unknown("the solver's model is of no request") }
        let entities = builder.entities()
        let schema = encoder.schema
        let problem =
            schema.nonconformance(of: request) ?? entities.lazy.compactMap(schema.nonconformance(of:)).first
        if let problem { return doubtful("is not what the schema allows: \(problem.message)") }
        let store: Entities
        do throws(Diagnostic) {
            store = try Entities(entities + schema.actionEntities)
        } catch {
            return doubtful("is of impossible entities: \(error.message)")
        }
        guard Authorizer.authorize(request, new, store).decision == .allow else {
            return doubtful("isn't permitted by the new policies when it is evaluated")
        }
        guard Authorizer.authorize(request, old, store).decision == .deny else {
            return doubtful("is permitted by the old policies, too, when it is evaluated")
        }
        return .fails(Counterexample(request: request, entities: entities))
    }

    private func doubtful(_ what: String) -> Answer {
        let cause =
            approximations.isEmpty ? "" : ", since these can't be encoded: \(approximations.joined(separator: ", "))"
        return .unknown("the solver's request \(what)\(cause)")
    }
}
