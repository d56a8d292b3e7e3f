// SPDX-License-Identifier: Apache-2.0

/// Reads one escape, byte by byte: `%2D` (RFC 3986 §2.1), `\u002D`, `\/` and the others of JSON (RFC 8259 §7), `\x2D`.
struct EscapeReader: Equatable, Sendable {
    enum Outcome: Equatable {
        /// The escape goes on.
        case more
        /// It is complete, and stands for this scalar; a byte for the escapes that know no more.
        case complete(UInt16, isByte: Bool)
        /// It was no escape.
        case none
    }

    private enum State: Equatable {
        case backslash
        case digits(left: UInt8, value: UInt16, isByte: Bool)
    }

    private var state: State

    /// A reader of what follows the introducer, `%` or `\`; nil for another byte.
    init?(introducer: UInt8) {
        switch introducer {
        case UInt8(ascii: "%"): state = .digits(left: 2, value: 0, isByte: true)
        case UInt8(ascii: "\\"): state = .backslash
        default: return nil
        }
    }

    mutating func read(_ byte: UInt8) -> Outcome {
        switch state {
        case .backslash:
            switch byte {
            case UInt8(ascii: "u"): state = .digits(left: 4, value: 0, isByte: false)
            case UInt8(ascii: "x"): state = .digits(left: 2, value: 0, isByte: true)
            default: return .complete(UInt16(Self.character(after: byte)), isByte: true)
            }
            return .more
        case .digits(let left, let value, let isByte):
            guard let digit = Self.digit(byte) else { return .none }
            let value = value << 4 | UInt16(digit)
            if left == 1 { return .complete(value, isByte: isByte) }
            state = .digits(left: left - 1, value: value, isByte: isByte)
            return .more
        }
    }

    private static func character(after byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: byte
        }
    }

    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
