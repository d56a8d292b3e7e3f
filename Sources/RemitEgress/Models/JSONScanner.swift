// SPDX-License-Identifier: Apache-2.0

/// Reads numbers and short strings out of a JSON text of any length that arrives in pieces, with their places.
///
/// It is tolerant and bounded: it keeps the names of the outer ``deepest`` levels and the first ``longestToken`` bytes of
/// a token, and no more. It does not check what it need not know; text that cannot be JSON ends it.
struct JSONScanner {
    /// How deep values are read.
    static let deepest = 6
    /// The longest name, number or string that is read, in bytes.
    static let longestToken = 128

    /// A value and where it stands: the names on the way to it, `#` for an element of an array.
    struct Item: Equatable {
        let path: [String]
        let token: String
        let isString: Bool

        /// The number, where it is a natural one; a fraction or exponent is none.
        var count: UInt64? { isString ? nil : UInt64(token) }
    }

    private enum State {
        case value
        case string(isEscaped: Bool)
        case token
        case broken
    }

    private var state = State.value
    private var path: [String] = []
    private var isObject: [Bool] = []
    /// Levels below the deepest that is read.
    private var below = 0
    private var token: [UInt8] = []
    private var isTooLong = false
    /// Whether the next string is a name.
    private var expectsName = false

    /// Takes the next bytes, and shows each value that they complete.
    mutating func push(_ bytes: some Sequence<UInt8>, _ visit: (Item) -> Void) {
        for byte in bytes { take(byte, visit) }
    }

    private mutating func take(_ byte: UInt8, _ visit: (Item) -> Void) {
        switch state {
        case .broken: return
        case .string(true): append(byte, next: .string(isEscaped: false))
        case .string(false):
            switch byte {
            case UInt8(ascii: "\\"): append(byte, next: .string(isEscaped: true))
            case UInt8(ascii: "\""): endString(visit)
            default: append(byte, next: state)
            }
        case .token:
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "E"),
                UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                append(byte, next: .token)
            default:
                show(isString: false, visit)
                state = .value
                structure(byte)
            }
        case .value: structure(byte)
        }
    }

    private mutating func append(_ byte: UInt8, next: State) {
        if token.count < Self.longestToken { token.append(byte) } else { isTooLong = true }
        state = next
    }

    private mutating func structure(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: ":"): return
        case UInt8(ascii: ","): expectsName = below == 0 && isObject.last == true
        case UInt8(ascii: "{"), UInt8(ascii: "["): open(isObject: byte == UInt8(ascii: "{"))
        case UInt8(ascii: "}"), UInt8(ascii: "]"): close(isObject: byte == UInt8(ascii: "}"))
        case UInt8(ascii: "\""): begin(.string(isEscaped: false))
        default:
            begin(.token)
            append(byte, next: .token)
        }
    }

    private mutating func begin(_ next: State) {
        token.removeAll(keepingCapacity: true)
        isTooLong = false
        state = next
    }

    private mutating func open(isObject object: Bool) {
        guard below == 0, isObject.count < Self.deepest else {
            below += 1
            return
        }
        isObject.append(object)
        path.append(object ? "" : "#")
        expectsName = object
    }

    private mutating func close(isObject object: Bool) {
        if below > 0 {
            below -= 1
            return
        }
        guard isObject.popLast() == object else {
            state = .broken
            return
        }
        path.removeLast()
        expectsName = false
    }

    private mutating func endString(_ visit: (Item) -> Void) {
        state = .value
        if expectsName {
            expectsName = false
            path[path.count - 1] = isTooLong ? "" : String(decoding: token, as: UTF8.self)
        } else {
            show(isString: true, visit)
        }
    }

    private func show(isString: Bool, _ visit: (Item) -> Void) {
        guard below == 0, !isTooLong else { return }
        visit(Item(path: path, token: String(decoding: token, as: UTF8.self), isString: isString))
    }
}
