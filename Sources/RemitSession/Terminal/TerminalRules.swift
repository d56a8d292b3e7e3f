// SPDX-License-Identifier: Apache-2.0
// Which sequences drawing needs. Whoever adds one has looked up what terminals do with it, old ones too.

/// The list that ``TerminalFilter`` lets through.
enum TerminalRules {
    enum Verdict {
        case pass
        case drop
        case rewrite([UInt8])
        /// The question where the cursor is.
        case askPosition
        /// A question with one answer for every terminal.
        case answer(String)
    }

    /// Moves the cursor, erases, inserts, deletes, scrolls, sets and clears tabulators: CUU to CPL, CHA, CUP, CHT, ED, EL,
    /// IL, DL, DCH, SU, ECH, CBT, HPA, HPR, VPA, VPR, HVP, TBC, ICH.
    static func draws(_ final: UInt8) -> Bool {
        switch final {
        case UInt8(ascii: "@")...UInt8(ascii: "M"), UInt8(ascii: "P"), UInt8(ascii: "S"), UInt8(ascii: "X"),
            UInt8(ascii: "Z"), UInt8(ascii: "`"), UInt8(ascii: "a"), UInt8(ascii: "d")...UInt8(ascii: "g"):
            true
        default: false
        }
    }

    /// A repeated character: more than any screen holds is an attack.
    private static let repetitionLimit = 4_096
    /// What a VT220 with colours says it is.
    static let attributes = "\u{1b}[?62;22c"

    /// A sequence of `ESC` and its bytes, which are these.
    static func allowsEscape(_ bytes: ArraySlice<UInt8>, _ modes: inout TerminalModes) -> Bool {
        guard let final = bytes.last else { return false }
        guard bytes.count > 1 else {
            switch final {
            case UInt8(ascii: "c"): modes = TerminalModes()
            case UInt8(ascii: "="), UInt8(ascii: ">"): modes.noteKeypad(final == UInt8(ascii: "="))
            case UInt8(ascii: "N"), UInt8(ascii: "O"): break
            // Save and restore the cursor, back and forward index, index, new line, set a tabulator, reverse index.
            case let other: return "6789DEHM".utf8.contains(other)
            }
            return true
        }
        guard bytes.count == 2, let first = bytes.first else { return false }
        switch first {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"):
            modes.noteCharacterSet()
            // ASCII, line drawing, and the national sets of a VT220.
            return "0AB<=4567CEFHKQRYZ".utf8.contains(final)
        // Lines of double size and the alignment pattern.
        case UInt8(ascii: "#"): return "34568".utf8.contains(final)
        // UTF-8; never out of it (`ESC % @`), for then every byte above 0x7F reads otherwise.
        case UInt8(ascii: "%"): return final == UInt8(ascii: "G")
        default: return false
        }
    }

    static func verdict(on sequence: ControlSequence, _ modes: inout TerminalModes) -> Verdict {
        if sequence.hasSubparameters, sequence.final != UInt8(ascii: "m") { return .drop }
        switch (sequence.prefix, sequence.intermediates.first, sequence.intermediates.count) {
        case (nil, nil, _): return plain(sequence, &modes)
        case (UInt8(ascii: "?"), nil, _): return `private`(sequence, &modes)
        case (nil, UInt8(ascii: " "), 1) where sequence.final == UInt8(ascii: "q"):
            modes.noteCursorShape(sequence.numbers.first ?? 0 != 0)
            return .pass
        // A soft reset.
        case (nil, UInt8(ascii: "!"), 1) where sequence.final == UInt8(ascii: "p"): return .pass
        default: return .drop
        }
    }

    private static func plain(_ sequence: ControlSequence, _ modes: inout TerminalModes) -> Verdict {
        let numbers = sequence.numbers
        switch sequence.final {
        case let final where draws(final): return .pass
        case UInt8(ascii: "m"):
            modes.noteAttributes(!numbers.allSatisfy { $0 == 0 })
            return .pass
        case UInt8(ascii: "r"):
            modes.noteMargins(!numbers.allSatisfy { $0 == 0 })
            return .pass
        // Save the cursor, or set the left and right margins; restore it.
        case UInt8(ascii: "s"): return numbers.count <= 2 ? .pass : .drop
        case UInt8(ascii: "u"): return numbers.isEmpty ? .pass : .drop
        // With more numbers it is mouse tracking that stops the terminal until it is answered.
        case UInt8(ascii: "T"): return numbers.count <= 1 ? .pass : .drop
        case UInt8(ascii: "b"): return numbers.first ?? 1 <= repetitionLimit ? .pass : .drop
        case UInt8(ascii: "h"), UInt8(ascii: "l"):
            let isOn = sequence.final == UInt8(ascii: "h")
            // Not 2, which locks the keyboard.
            let allowed = numbers.filter { $0 == 4 || $0 == 20 }
            for number in allowed { modes.setStandard(number, isOn) }
            return modeVerdict(sequence, allowed)
        case UInt8(ascii: "n"):
            if numbers == [6] { return .askPosition }
            return numbers == [5] ? .answer("\u{1b}[0n") : .drop
        case UInt8(ascii: "c"): return numbers.isEmpty || numbers == [0] ? .answer(attributes) : .drop
        default: return .drop
        }
    }

    private static func `private`(_ sequence: ControlSequence, _ modes: inout TerminalModes) -> Verdict {
        switch sequence.final {
        // Erase what is not protected.
        case UInt8(ascii: "J"), UInt8(ascii: "K"): return .pass
        case UInt8(ascii: "h"), UInt8(ascii: "l"):
            let allowed = sequence.numbers.filter(TerminalModes.isKnown)
            for number in allowed { modes.set(number, sequence.final == UInt8(ascii: "h")) }
            return modeVerdict(sequence, allowed)
        default: return .drop
        }
    }

    private static func modeVerdict(_ sequence: ControlSequence, _ allowed: [Int]) -> Verdict {
        if allowed.isEmpty { return .drop }
        if allowed.count == sequence.numbers.count { return .pass }
        let prefix = sequence.prefix == nil ? "" : "?"
        let text = "\u{1b}[\(prefix)\(allowed.map(String.init).joined(separator: ";"))"
        return .rewrite(Array(text.utf8) + [sequence.final])
    }

    /// An operating system command, which is allowed only where it marks text as a link to the web, or ends that.
    ///
    /// Other schemes open programs of the operator's with an argument of the agent's choice.
    static func allowsCommand(_ bytes: [UInt8], _ modes: inout TerminalModes) -> Bool {
        guard bytes.starts(with: "8;".utf8), bytes.allSatisfy({ (0x21..<0x7F).contains($0) }) else { return false }
        guard let separator = bytes.dropFirst(2).firstIndex(of: UInt8(ascii: ";")) else { return false }
        let target = bytes[(separator + 1)...]
        let isLink = target.starts(with: "https://".utf8) || target.starts(with: "http://".utf8)
        guard target.isEmpty || isLink else { return false }
        modes.noteLink(isLink)
        return true
    }
}
