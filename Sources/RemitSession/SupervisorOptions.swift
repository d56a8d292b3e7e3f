// SPDX-License-Identifier: Apache-2.0
// What goes into a supervisor, and what comes out of it.

package import RemitKernel

/// How a finished session looks to whoever started it.
package struct SessionResult: Sendable {
    package let session: String
    package let exitCode: Int32
    /// One line for standard error, when the ending is not the agent's own.
    package let message: String?
    /// The receipt's path; `nil` while a lease is still to be revoked.
    package let receipt: String?
}

/// What the command line decides about a run.
package struct SupervisorOptions: Sendable {
    package var status: CInt?
    /// Note and report when each launch step ended.
    package var traced: Bool
    /// The absolute path of the configuration this session was admitted under; `nil` without one.
    package var configurationFile: String?
    /// What variables of the environment held that providers take secrets from, by their names.
    package var secrets: [String: Secret]
    /// How long to wait for providers at the end.
    package var patience: Duration
    /// Which control sequences reach a terminal.
    package var escapes: TerminalEscapes
    /// For a session in the background: where it says, once, that its agent runs.
    package var background: CInt?
    /// The agent starts when somebody has attached to its terminal.
    package var awaitsClient: Bool
    /// What the agent writes goes into a log that somebody else's lines are in, through such a filter.
    package var lines: LineFilter?

    package init(
        status: CInt? = nil,
        traced: Bool = false,
        configurationFile: String? = nil,
        secrets: [String: Secret] = [:],
        patience: Duration = .seconds(10),
        escapes: TerminalEscapes = .safe,
        background: CInt? = nil,
        awaitsClient: Bool = false,
        lines: LineFilter? = nil
    ) {
        self.status = status
        self.traced = traced
        self.configurationFile = configurationFile
        self.secrets = secrets
        self.patience = patience
        self.escapes = escapes
        self.background = background
        self.awaitsClient = awaitsClient
        self.lines = lines
    }
}
