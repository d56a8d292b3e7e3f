// SPDX-License-Identifier: Apache-2.0

/// Whether a request is allowed.
public enum Decision: String, Hashable, Sendable, CaseIterable {
    /// At least one policy permits and none forbids.
    case allow
    /// A policy forbids, or none permits.
    case deny
}

/// What a set of policies says about a request.
///
/// Policies that can't be evaluated are skipped, also those that would forbid. Whoever must not fail open treats a
/// response with ``errors`` as a denial.
public struct Response: Hashable, Sendable {
    /// Whether the request is allowed.
    public let decision: Decision
    /// The policies that determined the decision, in the order of the set: the permits that allowed, or the forbids that
    /// denied; empty where nothing permitted and nothing forbade.
    public let reasons: [CedarString]
    /// The policies that couldn't be evaluated and why, in the order of the set.
    public let errors: [PolicyError]

    /// The response of the given parts.
    public init(decision: Decision, reasons: [CedarString], errors: [PolicyError] = []) {
        self.decision = decision
        self.reasons = reasons
        self.errors = errors
    }
}

/// Why a policy couldn't be evaluated.
public struct PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which policy.
    public let policyID: CedarString
    /// What went wrong in it.
    public let error: EvaluationError

    /// The policy and the error in one line.
    public var description: String { "error while evaluating policy `\(policyID)`: \(error)" }
}
