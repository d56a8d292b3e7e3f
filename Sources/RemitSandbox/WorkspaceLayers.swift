// SPDX-License-Identifier: Apache-2.0

/// The directories of an overlay over a workspace, all in one that only Remit can enter.
package struct WorkspaceLayers: Hashable, Sendable {
    /// An absolute path without links.
    package let directory: String
    /// For the command that verifies an outcome: what the agent left is looked at, and stays as it is.
    package let verifies: Bool

    package init(directory: String, verifies: Bool = false) {
        self.directory = directory
        self.verifies = verifies
    }

    /// Where the agent's writes go.
    package static let upper = "upper"
    /// The kernel's own.
    package static let work = "work"
    /// Where the verify command's writes go, which nobody keeps; with an upper and a work of its own.
    package static let verification = "verify"

    /// Every directory there has to be, parents first.
    package static let all = [upper, work, verification, "\(verification)/\(upper)", "\(verification)/\(work)"]

    /// What is written now.
    var upper: String { verifies ? "\(Self.verification)/\(Self.upper)" : Self.upper }
    var work: String { verifies ? "\(Self.verification)/\(Self.work)" : Self.work }
    /// What was written before and is seen.
    var lower: String? { verifies ? Self.upper : nil }
}
