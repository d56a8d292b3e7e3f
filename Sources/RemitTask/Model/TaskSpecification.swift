// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// A task as its file says it, before profile and configuration are applied.
package struct TaskSpecification: Hashable, Sendable, Codable {
    /// `[a-z0-9][a-z0-9-]{0,62}`
    package var name: String
    /// What is to be done, in one sentence.
    package var intent: String?
    /// Who answers for it.
    package var owner: String?
    /// Where it is tracked.
    package var ticket: String?
    /// The profile to run under; the configuration's default otherwise.
    package var profile: String?
    /// Program and arguments; nothing when `remit run` is given them.
    package var command: [String]?
    /// The one directory it works in.
    package var workspace: Workspace?
    /// Variables set for the agent, over what the profile passes and sets.
    package var environment: [String: String]
    /// Limits below the profile's.
    package var limits: Limits
    /// How long it may take.
    package var deadline: TimeSpan?
    /// How long it may neither write output nor use the CPU.
    package var idle: TimeSpan?
    /// Names of host sockets of the configuration to bind.
    package var sockets: [String]
    /// Credentials asked for, with unique names.
    package var credentials: [CredentialRequest]
    /// What may be reached; without `allow`, nothing.
    package var network: NetworkRules
    /// How much of it.
    package var budget: BudgetPlan
    /// What must be true afterwards.
    package var outcome: Outcome?

    /// Makes a task of which only the name is needed.
    package init(
        name: String, intent: String? = nil, owner: String? = nil, ticket: String? = nil, profile: String? = nil,
        command: [String]? = nil, workspace: Workspace? = nil, environment: [String: String] = [:],
        limits: Limits = Limits(), deadline: TimeSpan? = nil, idle: TimeSpan? = nil, sockets: [String] = [],
        credentials: [CredentialRequest] = [], network: NetworkRules = NetworkRules(),
        budget: BudgetPlan = BudgetPlan(),
        outcome: Outcome? = nil
    ) {
        self.name = name
        self.intent = intent
        self.owner = owner
        self.ticket = ticket
        self.profile = profile
        self.command = command
        self.workspace = workspace
        self.environment = environment
        self.limits = limits
        self.deadline = deadline
        self.idle = idle
        self.sockets = sockets
        self.credentials = credentials
        self.network = network
        self.budget = budget
        self.outcome = outcome
    }
}
