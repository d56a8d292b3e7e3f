// SPDX-License-Identifier: Apache-2.0

/// What of an agent's control sequences reaches the terminal of whoever started or attached to the session.
package enum TerminalEscapes: String, Sendable, CaseIterable {
    /// What drawing needs: see ``TerminalFilter``.
    case safe
    /// Everything, as it was written.
    case all
}
