// SPDX-License-Identifier: Apache-2.0

/// A strict reader of JSON (RFC 8259) over bytes, bounded in depth and length.
///
/// It refuses what readers disagree about: a key that occurs twice, malformed UTF-8, surrogates without their other half,
/// a byte order mark, and text behind the value. Integers are exact; whatever is no 64-bit integer is told apart.
public struct JSONReader {
    /// What a reader accepts at most.
    public struct Limits: Sendable {
        /// How deep arrays and objects may be nested.
        public var depth: Int
        /// How many bytes the text may have.
        public var length: Int

        /// Limits, by default as deep as the reference engine reads and 64 MiB.
        public init(depth: Int = 127, length: Int = 64 << 20) {
            self.depth = depth
            self.length = length
        }
    }

    private let bytes: [UInt8]
    private let limits: Limits
    private var position = 0
    private var depth = 0

    private init(bytes: [UInt8], limits: Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Reads the one value of a text.
    /// - Throws: What is wrong with the text, and where.
    public static func read(_ bytes: [UInt8], limits: Limits = Limits()) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.length else { throw JSONError(.tooLong(limit: limits.length), at: 0) }
        var reader = JSONReader(bytes: bytes, limits: limits)
        reader.skipWhitespace()
        let value = try reader.value()
        reader.skipWhitespace()
        guard reader.position == bytes.count else { throw JSONError(.trailingText, at: reader.position) }
        return value
    }

    /// Reads the one value of a text.
    /// - Throws: What is wrong with the text, and where.
    public static func read(_ text: String, limits: Limits = Limits()) throws(JSONError) -> JSONValue {
        try read(Array(text.utf8), limits: limits)
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        let start = position
        let kind: JSONValue.Kind =
            switch try peek() {
            case UInt8(ascii: "{"): .object(try object())
            case UInt8(ascii: "["): .array(try array())
            case UInt8(ascii: "\""): .string(try string())
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
            case UInt8(ascii: "t"): try literal("true", .bool(true))
            case UInt8(ascii: "f"): try literal("false", .bool(false))
            case UInt8(ascii: "n"): try literal("null", .null)
            case let byte: throw JSONError(.unexpectedByte(byte), at: position)
            }
        return JSONValue(kind, range: start..<position)
    }

    private mutating func object() throws(JSONError) -> [JSONMember] {
        try enter()
        var members: [JSONMember] = []
        var keys: Set<[UInt8]> = []
        if !skip(UInt8(ascii: "}")) {
            repeat {
                skipWhitespace()
                let start = position
                guard try peek() == UInt8(ascii: "\"") else {
                    throw JSONError(.unexpectedByte(bytes[position]), at: position)
                }
                let key = try string()
                let keyRange = start..<position
                guard keys.insert(key).inserted else { throw JSONError(.duplicateKey(key), at: start) }
                skipWhitespace()
                try expect(UInt8(ascii: ":"))
                skipWhitespace()
                members.append(JSONMember(key: key, keyRange: keyRange, value: try value()))
                skipWhitespace()
            } while skip(UInt8(ascii: ","))
            try expect(UInt8(ascii: "}"))
        }
        depth -= 1
        return members
    }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        try enter()
        var elements: [JSONValue] = []
        if !skip(UInt8(ascii: "]")) {
            repeat {
                skipWhitespace()
                elements.append(try value())
                skipWhitespace()
            } while skip(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"))
        }
        depth -= 1
        return elements
    }

    /// Steps over an opening bracket and the white space behind it.
    private mutating func enter() throws(JSONError) {
        guard depth < limits.depth else { throw JSONError(.tooDeep(limit: limits.depth), at: position) }
        depth += 1
        position += 1
        skipWhitespace()
    }

    private mutating func literal(_ text: StaticString, _ kind: JSONValue.Kind) throws(JSONError) -> JSONValue.Kind {
        for expected in text.description.utf8 {
            guard try peek() == expected else { throw JSONError(.unexpectedByte(bytes[position]), at: position) }
            position += 1
        }
        return kind
    }

    // MARK: Numbers

    private mutating func number() throws(JSONError) -> JSONValue.Kind {
        let start = position
        let isNegative = skip(UInt8(ascii: "-"))
        let firstDigit = position
        try digits(from: start)
        if bytes[firstDigit] == UInt8(ascii: "0"), position > firstDigit + 1 {
            throw JSONError(.malformedNumber, at: start)
        }
        var isInteger = !(isNegative && bytes[firstDigit] == UInt8(ascii: "0"))
        let integerEnd = position
        if skip(UInt8(ascii: ".")) {
            isInteger = false
            try digits(from: start)
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            isInteger = false
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try digits(from: start)
        }
        if isInteger, let value = integer(firstDigit..<integerEnd, isNegative: isNegative) { return .integer(value) }
        return .number(Array(bytes[start..<position]))
    }

    private mutating func digits(from start: Int) throws(JSONError) {
        let first = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        guard position > first else {
            throw JSONError(position < bytes.count ? .malformedNumber : .unexpectedEnd, at: start)
        }
    }

    private func integer(_ digits: Range<Int>, isNegative: Bool) -> Int64? {
        var value: Int64 = 0
        for byte in bytes[digits] {
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            // Negative numbers are summed up downwards, so that the smallest one fits.
            let (sum, overflow) =
                isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if isTooLarge || overflow { return nil }
            value = sum
        }
        return value
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> [UInt8] {
        position += 1
        var text: [UInt8] = []
        var isASCII = true
        let start = position
        while true {
            let byte = try peek()
            switch byte {
            case UInt8(ascii: "\""):
                guard isASCII || String(validating: text, as: UTF8.self) != nil else {
                    throw JSONError(.malformedUTF8, at: start)
                }
                position += 1
                return text
            case UInt8(ascii: "\\"):
                let scalar = try escape()
                isASCII = isASCII && scalar.isASCII
                text.append(contentsOf: Unicode.UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter)
            case 0..<0x20:
                throw JSONError(.controlCharacter, at: position)
            default:
                isASCII = isASCII && byte < 0x80
                text.append(byte)
                position += 1
            }
        }
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = position
        position += 1
        let byte = try peek()
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try hexadecimal(from: start)
            if let scalar = Unicode.Scalar(unit) { return scalar }
            guard unit < 0xdc00, skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) else {
                throw JSONError(.malformedEscape, at: start)
            }
            let low = try hexadecimal(from: start)
            guard (0xdc00..<0xe000).contains(low),
                let scalar = Unicode.Scalar(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
            else { throw JSONError(.malformedEscape, at: start) }
            return scalar
        default: throw JSONError(.malformedEscape, at: start)
        }
    }

    private mutating func hexadecimal(from start: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Self.hexadecimalDigit(try peek()) else {
                throw JSONError(.malformedEscape, at: start)
            }
            value = value << 4 | digit
            position += 1
        }
        return value
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    // MARK: Bytes

    private func peek() throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        return bytes[position]
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard try peek() == byte else { throw JSONError(.unexpectedByte(bytes[position]), at: position) }
        position += 1
    }

    private mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): position += 1
            default: return
            }
        }
    }
}
