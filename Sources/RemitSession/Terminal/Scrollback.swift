// SPDX-License-Identifier: Apache-2.0

/// The end of what a session's terminal showed, for whoever attaches to it.
package struct Scrollback: Sendable {
    /// How much is kept: some eight hundred lines.
    package static let limit = 65_536

    private var bytes: [UInt8] = []
    private var hasLost = false

    package init() {}

    package mutating func append(_ piece: ArraySlice<UInt8>) {
        bytes += piece
        guard bytes.count >= Self.limit * 2 else { return }
        bytes.removeFirst(bytes.count - Self.limit)
        hasLost = true
    }

    /// At most ``limit`` bytes; after a loss they begin with a line, so that no half a sequence is shown as text.
    package var text: ArraySlice<UInt8> {
        let end = bytes.suffix(Self.limit)
        guard hasLost || end.count < bytes.count, let line = end.firstIndex(of: 0x0A) else { return end }
        return end[(line + 1)...]
    }
}
