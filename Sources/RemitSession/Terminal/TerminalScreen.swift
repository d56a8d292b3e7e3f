// SPDX-License-Identifier: Apache-2.0

/// Somebody's terminal, while an agent writes to it.
package final class TerminalScreen {
    private let escapes: TerminalEscapes
    private var filter: TerminalFilter

    /// - Parameter isHeard: whether what the terminal answers, and what is typed, reaches the agent.
    package init(_ escapes: TerminalEscapes, isHeard: Bool) {
        self.escapes = escapes
        filter = TerminalFilter(asksPosition: isHeard)
    }

    /// The bytes to write for a piece of the agent's output.
    package func show(_ piece: ArraySlice<UInt8>) -> [UInt8] {
        let shown = filter.pass(piece)
        // What is not filtered is read nevertheless: its modes are to be undone in the end.
        return escapes == .all ? Array(piece) : shown
    }

    /// What is to be typed to the agent in the terminal's stead; a terminal that hears everything answers by itself.
    package func takeReplies() -> [UInt8] {
        let replies = filter.takeReplies()
        return escapes == .all ? [] : replies
    }

    /// Whether an answer of the terminal's may still be on its way.
    package var hasAsked: Bool { filter.positionsAsked > 0 || escapes == .all }

    /// The bytes that undo what the agent switched on.
    package func leave() -> [UInt8] { filter.finish() }
}
