// SPDX-License-Identifier: Apache-2.0

/// Decides requests.
public enum Authorizer {
    /// What `policies` say about `request`, looking at `entities`.
    ///
    /// Allowed is what at least one policy permits and none forbids. A policy that can't be evaluated is skipped and
    /// reported in ``Response/errors``.
    public static func authorize(_ request: Request, _ policies: PolicySet, _ entities: Entities) -> Response {
        let evaluator = Evaluator(request: request, entities: entities)
        var permits: [CedarString] = []
        var forbids: [CedarString] = []
        var errors: [PolicyError] = []
        for position in policies.index.matches(evaluator) {
            let policy = policies.compiled[position]
            do throws(EvaluationError) {
                guard try policy.isSatisfied(evaluator) else { continue }
                switch policy.effect {
                case .permit: permits.append(policy.id)
                case .forbid: forbids.append(policy.id)
                }
            } catch {
                errors.append(PolicyError(policyID: policy.id, error: error))
            }
        }
        if !forbids.isEmpty { return Response(decision: .deny, reasons: forbids, errors: errors) }
        return Response(decision: permits.isEmpty ? .deny : .allow, reasons: permits, errors: errors)
    }
}
