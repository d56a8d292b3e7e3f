// SPDX-License-Identifier: Apache-2.0
// What an agent wrote, for a terminal: a log is read long after whoever wrote it has been judged, and must not act.

/// Takes out of a stream of bytes what a terminal would obey: titles, the clipboard, reports that it answers as if they
/// were typed, the cursor. Colours stay, as do tabs and line ends; in place of the rest stands U+FFFD.
///
/// The sequences are those of ECMA-48; see also `console_codes(4)`.
struct TerminalText {
    private enum State { case text, escape, sequence, leadOfControl, carriageReturn }
    private static let mark = Array("\u{FFFD}".utf8)

    private var state = State.text
    private var held: [UInt8] = []

    /// The bytes of a piece that may be shown; the beginning of a sequence is held back until its end is seen.
    mutating func pass(_ piece: ArraySlice<UInt8>) -> [UInt8] {
        var shown: [UInt8] = []
        shown.reserveCapacity(piece.count)
        for byte in piece { take(byte, &shown) }
        return shown
    }

    /// What was held back at the end of the stream.
    mutating func finish() -> [UInt8] {
        defer { (state, held) = (.text, []) }
        return state == .text ? [] : Self.mark + held.dropFirst()
    }

    private mutating func take(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch state {
        case .text: begin(byte, &shown)
        case .carriageReturn:
            state = .text
            // Alone it would let one line overwrite another.
            shown += byte == 0x0A ? [0x0D] : Self.mark
            begin(byte, &shown)
        case .leadOfControl:
            state = .text
            // U+0080 to U+009F: control characters in two bytes.
            if (0x80..<0xA0).contains(byte) {
                shown += Self.mark
            } else {
                shown.append(0xC2)
                begin(byte, &shown)
            }
        case .escape:
            if byte == UInt8(ascii: "[") {
                held.append(byte)
                state = .sequence
            } else {
                giveUp(byte, &shown)
            }
        case .sequence:
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ";"), UInt8(ascii: ":"):
                held.append(byte)
                if held.count > 64 { flush(&shown) }
            case UInt8(ascii: "m"):
                shown += held + [byte]
                (state, held) = (.text, [])
            default: giveUp(byte, &shown)
            }
        }
    }

    private mutating func begin(_ byte: UInt8, _ shown: inout [UInt8]) {
        switch byte {
        case 0x1B: (state, held) = (.escape, [byte])
        case 0x0D: state = .carriageReturn
        case 0xC2: state = .leadOfControl
        case 0x09, 0x0A, 0x20..<0x7F, 0x80...: shown.append(byte)
        default: shown += Self.mark
        }
    }

    private mutating func giveUp(_ byte: UInt8, _ shown: inout [UInt8]) {
        flush(&shown)
        begin(byte, &shown)
    }

    private mutating func flush(_ shown: inout [UInt8]) {
        shown += Self.mark + held.dropFirst()
        (state, held) = (.text, [])
    }
}
