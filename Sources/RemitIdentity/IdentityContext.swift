// SPDX-License-Identifier: Apache-2.0

/// The facts about a session that every token carries in the claim `https://remit.dev/ctx`.
package struct IdentityContext: Hashable, Sendable {
    /// Who answers for the task.
    package var owner: String
    /// The SHA-256 of the task's intent in hexadecimal.
    package var intentDigest: String
    /// The SHA-256 of the resolved task in hexadecimal.
    package var taskDigest: String
    /// The ticket the task refers to, if any.
    package var ticket: String?
    /// The supervisor's epoch, by which a stale one is told from the living.
    package var epoch: Int

    /// A context from its parts.
    package init(owner: String, intentDigest: String, taskDigest: String, ticket: String? = nil, epoch: Int) {
        self.owner = owner
        self.intentDigest = intentDigest
        self.taskDigest = taskDigest
        self.ticket = ticket
        self.epoch = epoch
    }
}
