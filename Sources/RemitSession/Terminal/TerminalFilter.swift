// SPDX-License-Identifier: Apache-2.0
// What an agent writes, on its way to somebody's terminal.

/// Lets through what drawing needs, and nothing else that a terminal obeys.
///
/// A terminal is a machine with an old and wide instruction set: sequences write the clipboard, print, open files and
/// addresses, lock the keyboard, and make the terminal type an answer whose text whoever wrote them has chosen. This is the
/// list of those that drawing needs; what is not in it goes. The terminal sees only text, harmless controls and whole
/// sequences that were understood here, so that its parser and this one can never disagree on where one ends: the beginning
/// of a sequence is held back until its end is seen, in a buffer of fixed size.
///
/// Of questions only the cursor's position reaches the terminal, for its answer is two numbers. What a terminal is and
/// whether it works is answered in its stead (``takeReplies()``), as programs wait for that.
///
/// The syntax is that of ECMA-48 and of the parsers of DEC's terminals, for a terminal that reads UTF-8; see also
/// `console_codes(4)` and xterm's `ctlseqs`.
package struct TerminalFilter: Sendable {
    private enum State: Hashable {
        case ground
        /// Within a character of several bytes: how many are to come, and from where to where the next may be.
        case character(Int, low: UInt8, high: UInt8)
        case escape
        case sequence
        /// Within the text of an operating system command, or of what is dropped whole: a device control string, a privacy
        /// message, a program command, a start of string, a title after `ESC k`.
        case string(isCommand: Bool)
        case stringEscape(isCommand: Bool)
    }

    private static let escape: UInt8 = 0x1B
    private static let sequenceLimit = 128
    private static let stringLimit = 2_200
    private static let replyLimit = 8
    static let mark: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// What of the agent's is in force in the terminal.
    package private(set) var modes = TerminalModes()
    /// How often the terminal was asked where its cursor is.
    package private(set) var positionsAsked = 0

    private let asksPosition: Bool
    private var state = State.ground
    private var held: [UInt8] = []
    private var isOverlong = false
    private var previous: UInt8 = 0
    private var replies: [UInt8] = []
    private var replyCount = 0

    /// - Parameter asksPosition: whether the cursor's position may be asked for: not where nobody hears the answer.
    package init(asksPosition: Bool = true) { self.asksPosition = asksPosition }

    /// The bytes of a piece that may be shown.
    package mutating func pass(_ piece: ArraySlice<UInt8>) -> [UInt8] {
        var shown: [UInt8] = []
        shown.reserveCapacity(piece.count + 64)
        replyCount = 0
        var index = piece.startIndex
        while index < piece.endIndex {
            if state == .ground {
                let start = index
                while index < piece.endIndex {
                    let length = Self.isPlain(piece[index]) ? 1 : Self.characterLength(piece[index...])
                    if length == 0 { break }
                    index += length
                }
                if index > start {
                    shown += piece[start..<index]
                    continue
                }
                if let length = Self.simpleLength(piece[index...]) {
                    // What most of the sequences are of a program that draws.
                    shown += piece[index..<(index + length)]
                    noteSimple(piece[(index + 2)..<(index + length)])
                    index += length
                    continue
                }
            }
            take(piece[index], &shown)
            index += 1
        }
        return shown
    }

    /// What the terminal would have answered, to be typed to the agent.
    package mutating func takeReplies() -> [UInt8] {
        defer { replies = [] }
        return replies
    }

    /// Forgets what was held back and every mode, and returns the bytes that bring the terminal to rest.
    package mutating func finish() -> [UInt8] {
        defer { self = TerminalFilter(asksPosition: asksPosition) }
        return modes.reset
    }

    /// Text, and the controls from BEL to CR: nothing that begins something.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte < 0x7F) || (byte >= 0x07 && byte <= 0x0D)
    }

    /// How long the character of several bytes is that a piece begins with: 0 when it is none, or incomplete, or a control.
    private static func characterLength(_ piece: ArraySlice<UInt8>) -> Int {
        let (start, count) = (piece.startIndex, piece.count)
        guard count >= 2 else { return 0 }
        let (lead, second) = (piece[start], piece[start + 1])
        guard second & 0xC0 == 0x80 else { return 0 }
        switch lead {
        case 0xC2: return second >= 0xA0 ? 2 : 0
        case 0xC3...0xDF: return 2
        case 0xE0...0xEF:
            guard count >= 3, piece[start + 2] & 0xC0 == 0x80 else { return 0 }
            return (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ? 0 : 3
        case 0xF0...0xF4:
            guard count >= 4, piece[start + 2] & 0xC0 == 0x80, piece[start + 3] & 0xC0 == 0x80 else { return 0 }
            return (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F) ? 0 : 4
        default: return 0
        }
    }

    /// How long the sequence is that a piece begins with, when it is whole, and draws or colours with numbers of at most four
    /// digits.
    private static func simpleLength(_ piece: ArraySlice<UInt8>) -> Int? {
        let start = piece.startIndex
        let end = min(piece.endIndex, start + sequenceLimit)
        guard piece.count >= 3, piece[start] == escape, piece[start + 1] == UInt8(ascii: "[") else { return nil }
        var digits = 0
        for index in (start + 2)..<end {
            switch piece[index] {
            case 0x30...0x39:
                digits += 1
                if digits > 4 { return nil }
            case UInt8(ascii: ";"): digits = 0
            case UInt8(ascii: "m"): return index + 1 - start
            case let final: return TerminalRules.draws(final) ? index + 1 - start : nil
            }
        }
        return nil
    }

    /// - Parameter bytes: what follows `CSI`.
    private mutating func noteSimple(_ bytes: ArraySlice<UInt8>) {
        guard bytes.last == UInt8(ascii: "m") else { return }
        modes.noteAttributes(!bytes.dropLast().allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ";") })
    }

    private mutating func take(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch state {
        case .ground: begin(byte, &shown)
        case .character(let rest, let low, let high):
            guard byte >= low, byte <= high else {
                state = .ground
                shown += Self.mark
                return begin(byte, &shown)
            }
            held.append(byte)
            if rest > 1 {
                state = .character(rest - 1, low: 0x80, high: 0xBF)
            } else {
                state = .ground
                // U+0080 to U+009F: the controls of eight bits.
                shown += held.count == 2 && held[0] == 0xC2 && byte < 0xA0 ? Self.mark : held
            }
        case .escape: takeEscaped(byte, &shown)
        case .sequence: takeInSequence(byte, &shown)
        case .string(let isCommand): takeInString(byte, isCommand, &shown)
        case .stringEscape(let isCommand):
            if byte == UInt8(ascii: "\\") {
                endString(isCommand, &shown)
            } else {
                state = .escape
                startEscape()
                takeEscaped(byte, &shown)
            }
        }
    }

    private mutating func begin(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch byte {
        case Self.escape: startEscape()
        case 0x20..<0x7F, 0x07...0x0D: shown.append(byte)
        case 0x0E, 0x0F:
            modes.noteCharacterSet()
            shown.append(byte)
        case 0xC2...0xDF: startCharacter(byte, 1)
        case 0xE0: startCharacter(byte, 2, low: 0xA0)
        case 0xE1...0xEC, 0xEE, 0xEF: startCharacter(byte, 2)
        case 0xED: startCharacter(byte, 2, high: 0x9F)
        case 0xF0: startCharacter(byte, 3, low: 0x90)
        case 0xF1...0xF3: startCharacter(byte, 3)
        case 0xF4: startCharacter(byte, 3, high: 0x8F)
        case 0x80...: shown += Self.mark
        // ENQ asks for an answer, CAN begins a file transfer; the others do nothing.
        default: break
        }
    }

    private mutating func startCharacter(_ byte: UInt8, _ rest: Int, low: UInt8 = 0x80, high: UInt8 = 0xBF) {
        held.removeAll(keepingCapacity: true)
        held.append(byte)
        state = .character(rest, low: low, high: high)
    }

    private mutating func startEscape() {
        held.removeAll(keepingCapacity: true)
        held.append(Self.escape)
        isOverlong = false
        state = .escape
    }

    private mutating func abort(_ byte: UInt8, _ shown: inout [UInt8]) {
        state = .ground
        begin(byte, &shown)
    }

    private mutating func takeEscaped(_ byte: UInt8, _ shown: inout [UInt8]) {
        if held.count == 1 {
            switch byte {
            case UInt8(ascii: "["):
                held.append(byte)
                state = .sequence
                return
            case UInt8(ascii: "]"): return startString(isCommand: true)
            case UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "k"):
                return startString(isCommand: false)
            default: break
            }
        }
        switch byte {
        case 0x20...0x2F where held.count < 4: held.append(byte)
        case 0x30...0x7E:
            held.append(byte)
            state = .ground
            if TerminalRules.allowsEscape(held[1...], &modes) { shown += held }
        default: abort(byte, &shown)
        }
    }

    private mutating func takeInSequence(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch byte {
        case 0x20...0x3F:
            if held.count < Self.sequenceLimit { held.append(byte) } else { isOverlong = true }
        case 0x40...0x7E:
            state = .ground
            held.append(byte)
            if !isOverlong, let sequence = ControlSequence(held[2...]) { perform(sequence, &shown) }
        case 0x7F: break
        default: abort(byte, &shown)
        }
    }

    private mutating func perform(_ sequence: ControlSequence, _ shown: inout [UInt8]) {
        switch TerminalRules.verdict(on: sequence, &modes) {
        case .pass: shown += held
        case .drop: break
        case .rewrite(let bytes): shown += bytes
        case .askPosition where asksPosition:
            positionsAsked += 1
            shown += held
        case .askPosition: break
        case .answer(let text):
            // Who asks without end gets no more than fits into a line.
            guard replyCount < Self.replyLimit else { return }
            replyCount += 1
            replies += text.utf8
        }
    }

    private mutating func startString(isCommand: Bool) {
        held.removeAll(keepingCapacity: true)
        previous = 0
        state = .string(isCommand: isCommand)
    }

    private mutating func takeInString(_ byte: UInt8, _ isCommand: Bool, _ shown: inout [UInt8]) {
        switch byte {
        case Self.escape: state = .stringEscape(isCommand: isCommand)
        case 0x07 where isCommand: endString(isCommand, &shown)
        case 0x18, 0x1A: state = .ground
        // U+009C, the string terminator of eight bits.
        case 0x9C where previous == 0xC2: state = .ground
        default:
            previous = byte
            guard isCommand else { return }
            if held.count < Self.stringLimit { held.append(byte) } else { isOverlong = true }
        }
    }

    private mutating func endString(_ isCommand: Bool, _ shown: inout [UInt8]) {
        state = .ground
        guard isCommand, !isOverlong, TerminalRules.allowsCommand(held, &modes) else { return }
        shown += [Self.escape, UInt8(ascii: "]")]
        shown += held
        shown += [Self.escape, UInt8(ascii: "\\")]
    }
}
