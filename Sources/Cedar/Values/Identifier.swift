// SPDX-License-Identifier: Apache-2.0

/// The rules for identifiers, which are ASCII only.
public enum Identifier {
    /// Whether `byte` may begin an identifier.
    public static func isStart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Whether `byte` may follow the first of an identifier.
    public static func isContinuation(_ byte: UInt8) -> Bool {
        isStart(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Whether `text` has the form of an identifier, reserved words included.
    public static func isWellFormed(_ text: CedarString) -> Bool {
        guard let first = text.utf8.first, isStart(first) else { return false }
        return text.utf8.allSatisfy(isContinuation)
    }

    /// Whether `text` is a word that names no attribute, type or namespace: a keyword of expressions, or `__cedar`.
    public static func isReserved(_ text: CedarString) -> Bool {
        switch text {
        case "true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar": true
        default: false
        }
    }

    /// Whether `text` may be written as an attribute name without quotes.
    public static func isPlain(_ text: CedarString) -> Bool {
        isWellFormed(text) && !isReserved(text)
    }
}
