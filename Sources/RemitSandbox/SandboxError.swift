// SPDX-License-Identifier: Apache-2.0

/// Why a sandbox could not be planned or built.
package struct SandboxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, on what, and why it failed; one line, lower case.
    package let description: String
    /// What to do about it, where that is known.
    package let hint: String?

    package init(_ description: String, hint: String? = nil) {
        self.description = description
        self.hint = hint
    }
}
