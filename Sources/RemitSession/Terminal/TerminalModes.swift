// SPDX-License-Identifier: Apache-2.0
// What an agent switched on in a terminal, so that it can be switched off when the agent is gone, and on again in another
// terminal.

/// The modes of a terminal that differ from those it was found in, as far as ``TerminalFilter`` lets anyone change them.
package struct TerminalModes: Hashable, Sendable {
    /// Private modes that may be set and reset (`CSI ? n h`, `CSI ? n l`), and whether each is on in a terminal at rest:
    /// cursor keys, reverse video, origin, wrapping, blinking, the cursor, reverse wrapping, the alternate screen, the
    /// keypad, margins, the mouse, focus, bracketed paste, synchronised output.
    ///
    /// Left out: VT52 mode, which has another syntax; 132 columns, which resize the window; modes that make the terminal
    /// report by itself, or send keys in another encoding.
    static let known: [(number: Int, rest: Bool)] = [
        (1, false), (5, false), (6, false), (7, true), (12, false), (25, true), (45, false), (47, false), (66, false),
        (69, false), (1000, false), (1002, false), (1003, false), (1004, false), (1005, false), (1006, false),
        (1015, false), (1016, false), (1047, false), (1048, false), (1049, false), (2004, false), (2026, false),
    ]
    private static let alternateScreens = [1049, 1047, 47]

    /// The known modes that are not at rest, by their place in ``known``.
    private var changed: UInt32 = 0
    private var hasKeypad = false
    private var hasCharacterSets = false
    private var hasMargins = false
    private var hasCursorShape = false
    private var inserts = false
    private var addsLines = false
    private var hasAttributes = false
    private var hasLink = false

    package init() {}

    /// Whether a full-screen program draws on a screen of its own.
    package var isAlternate: Bool { Self.alternateScreens.contains { isOn($0) } }

    private static func place(_ mode: Int) -> Int? { known.firstIndex { $0.number == mode } }

    private func isOn(_ mode: Int) -> Bool { Self.place(mode).map { changed & (1 << $0) != 0 } ?? false }

    static func isKnown(_ mode: Int) -> Bool { place(mode) != nil }

    mutating func set(_ mode: Int, _ isOn: Bool) {
        guard let place = Self.place(mode), mode != 1048 else { return }
        if isOn == Self.known[place].rest { changed &= ~(1 << place) } else { changed |= 1 << place }
    }

    mutating func noteKeypad(_ isOn: Bool) { hasKeypad = isOn }
    mutating func noteCharacterSet() { hasCharacterSets = true }
    mutating func noteMargins(_ isOn: Bool) { hasMargins = isOn }
    mutating func noteCursorShape(_ isOn: Bool) { hasCursorShape = isOn }
    mutating func noteAttributes(_ isOn: Bool) { hasAttributes = isOn }
    mutating func noteLink(_ isOn: Bool) { hasLink = isOn }

    /// ECMA-48 modes: 4 inserts, 20 makes a line feed a new line.
    mutating func setStandard(_ mode: Int, _ isOn: Bool) {
        if mode == 4 { inserts = isOn }
        if mode == 20 { addsLines = isOn }
    }

    /// The bytes that bring a terminal back to rest.
    package var reset: [UInt8] {
        var text = ""
        if hasLink { text += "\u{1b}]8;;\u{1b}\\" }
        for (place, mode) in Self.known.enumerated().reversed() where changed & (1 << place) != 0 {
            text += "\u{1b}[?\(mode.number)\(mode.rest ? "h" : "l")"
        }
        if inserts { text += "\u{1b}[4l" }
        if addsLines { text += "\u{1b}[20l" }
        // Setting the margins moves the cursor.
        if hasMargins { text += "\u{1b}7\u{1b}[r\u{1b}8" }
        if hasKeypad { text += "\u{1b}>" }
        if hasCharacterSets { text += "\u{1b}(B\u{1b})B\u{f}" }
        if hasCursorShape { text += "\u{1b}[0 q" }
        if hasAttributes { text += "\u{1b}[0m" }
        return Array(text.utf8)
    }

    /// The bytes that bring a terminal at rest into these modes. Margins, character sets, attributes and the cursor's shape
    /// are left to the program, which draws anew.
    package var restoration: [UInt8] {
        var text = ""
        if isAlternate {
            for mode in Self.alternateScreens where isOn(mode) { text += "\u{1b}[?\(mode)h" }
            text += "\u{1b}[H\u{1b}[2J"
        }
        for (place, mode) in Self.known.enumerated() where changed & (1 << place) != 0 {
            // An update that nobody ends would hide everything.
            if Self.alternateScreens.contains(mode.number) || mode.number == 2026 { continue }
            text += "\u{1b}[?\(mode.number)\(mode.rest ? "l" : "h")"
        }
        if hasKeypad { text += "\u{1b}=" }
        return Array(text.utf8)
    }
}
