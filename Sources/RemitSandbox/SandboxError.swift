// SPDX-License-Identifier: Apache-2.0

/// Why a sandbox could not be planned or built.
package struct SandboxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, on what, and why it failed; one line, lower case.
    package let description: String
    /// What to do about it, where that is known.
    package let hint: String?
    /// Why the user's systemd did not make the scope that was planned; without one the session may still start.
    package let scopeObstacle: String?

    package init(_ description: String, hint: String? = nil, scopeObstacle: String? = nil) {
        self.description = description
        self.hint = hint
        self.scopeObstacle = scopeObstacle
    }
}
