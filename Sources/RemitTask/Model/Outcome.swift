// SPDX-License-Identifier: Apache-2.0

/// What must be true of the workspace once the agent has ended.
package struct Outcome: Hashable, Sendable, Codable {
    /// Every changed path must match one of these; nothing means that changes are not judged.
    package var changed: [PathPattern]?
    /// Relative paths that must exist as regular files.
    package var artifacts: [String]
    /// A command that must succeed in the same confinement, without the task's credentials.
    package var verify: [String]?

    /// Makes an outcome; what is left out is not checked.
    package init(changed: [PathPattern]? = nil, artifacts: [String] = [], verify: [String]? = nil) {
        self.changed = changed
        self.artifacts = artifacts
        self.verify = verify
    }
}
