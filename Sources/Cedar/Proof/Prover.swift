// SPDX-License-Identifier: Apache-2.0

/// Asks whether one set of policies permits anything that another one doesn't, over all requests and entities that a
/// schema allows.
///
/// It writes the question for an SMT solver and reads the answer; running the solver, `z3` or `cvc5` say, is for the
/// caller. Decisions are those of ``Authorizer``: a policy that can't be evaluated is skipped.
///
///     let prover = try Prover(schema, old: old, new: new)
///     for environment in prover.environments {
///         guard let question = prover.question(environment) else { continue }   // nothing to ask
///         switch question.answer(try run("z3 -in", question.script)) { … }
///     }
public struct Prover: Sendable {
    /// A policy as it is encoded, and what its slots are filled with.
    private struct Part: Sendable {
        let effect: Effect
        let policy: LoweredPolicy
        let values: [Slot: EntityUID]
    }

    /// What two parts have in common that mean the same.
    private struct Meaning: Hashable {
        let shape: Int
        let values: [Slot: EntityUID]
    }

    private let validator: Validator
    private let old: PolicySet
    private let new: PolicySet
    private let oldParts: [Part]
    private let newParts: [Part]

    /// The question of whether `new` permits anything that `old` doesn't.
    /// - Throws: Where a policy doesn't pass the validator, since the question needs types.
    public init(_ schema: Schema, old: PolicySet, new: PolicySet) throws(Diagnostic) {
        validator = Validator(schema)
        self.old = old
        self.new = new
        for policies in [old, new] {
            if let error = validator.validate(policies).first(where: { $0.severity == .error }) {
                throw error.diagnostic
            }
        }
        var shapes = ShapeTable()
        func parts(_ policies: PolicySet) -> [Part] {
            policies.policies.map { policy in
                let lowered = LoweredPolicy(policy.template, shapes: &shapes)
                return Part(effect: policy.effect, policy: lowered, values: policy.values)
            }
        }
        oldParts = parts(old)
        newParts = parts(new)
    }

    /// The kinds of requests that the schema allows, one question each.
    public var environments: [RequestEnvironment] {
        validator.types.actions.flatMap { action in
            action.principals.sorted().flatMap { principal in
                action.resources.sorted().map { resource in
                    RequestEnvironment(principal: principal, action: action.uid, resource: resource)
                }
            }
        }
    }

    /// The question about one kind of request; nil where there is none to ask, since the policies that can apply to such
    /// requests answer it by being the same, or by being none.
    public func question(_ environment: RequestEnvironment) -> ProofQuestion? {
        let old = applicable(oldParts, environment)
        let new = applicable(newParts, environment)
        func meanings(_ parts: [(part: Part, checked: Typechecker)], _ effect: Effect) -> Set<Meaning> {
            let parts = parts.lazy.map(\.part).filter { $0.effect == effect }
            return Set(parts.map { Meaning(shape: $0.policy.nodes[$0.policy.root].shape, values: $0.values) })
        }
        let permits = meanings(new, .permit)
        let isNarrower =
            permits.isSubset(of: meanings(old, .permit))
            && meanings(old, .forbid).isSubset(of: meanings(new, .forbid))
        if isNarrower { return nil }
        var encoder = Encoder(validator.schema, environment)
        encoder.script.assert(allows(new, &encoder))
        encoder.script.assert(SMT.not(allows(old, &encoder)))
        do throws(Unencodable) {
            try encoder.finishSets()
            try encoder.finishHierarchy()
        } catch {
            encoder.giveUp(error)
        }
        return ProofQuestion(encoder, old: self.old, new: self.new)
    }

    private func applicable(
        _ parts: [Part], _ environment: RequestEnvironment
    ) -> [(part: Part, checked: Typechecker)] {
        parts.compactMap { part in
            var environment = environment
            environment.slots = part.values.mapValues(\.type)
            var checked = Typechecker(part.policy, environment, validator.types)
            return checked.check() == .never ? nil : (part: part, checked: checked)
        }
    }

    /// Whether a set allows the request: one of its permits is satisfied, and none of its forbids.
    private func allows(_ parts: [(part: Part, checked: Typechecker)], _ encoder: inout Encoder) -> String {
        var permits: [String] = []
        var forbids: [String] = []
        for (part, checked) in parts {
            let term = encoder.satisfied(part.policy, checked, values: part.values)
            if part.effect == .permit { permits.append(term) } else { forbids.append(term) }
        }
        return encoder.script.define(SMT.and([SMT.or(permits), SMT.not(SMT.or(forbids))]))
    }
}
