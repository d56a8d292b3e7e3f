// SPDX-License-Identifier: Apache-2.0
// A strict reader for hostile JSON: RFC 8259 with everything left out that two readers could understand differently.

extension JSONValue {
    /// Reads one JSON document.
    ///
    /// - Throws: where the bytes are not UTF-8, not RFC 8259, repeat a member name (also one that differs only by
    ///   Unicode normalisation), hold a lone surrogate, a fraction, an exponent, an integer beyond 64 bits, nest
    ///   deeper than ``depthLimit``, or go on after the value.
    package init(parsing bytes: [UInt8]) throws(JSONError) {
        var parser = JSONParser(bytes)
        self = try parser.document()
    }

    /// Reads one JSON document that must be in canonical form.
    ///
    /// - Throws: as ``init(parsing:)``, and at the first byte that differs from the canonical form.
    package init(canonical bytes: [UInt8]) throws(JSONError) {
        try self.init(parsing: bytes)
        let canonical = canonicalBytes
        if canonical != bytes {
            let offset = zip(canonical, bytes).enumerated().first { $1.0 != $1.1 }?.offset
            throw JSONError(offset: offset ?? min(canonical.count, bytes.count), reason: "not in canonical form")
        }
    }
}

/// Reads JSON from a position on; the journal reads a record's body in the middle of a line with it.
struct JSONParser {
    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    init(_ bytes: [UInt8], range: Range<Int>? = nil) {
        self.bytes = bytes
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? bytes.count
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try value(depth: JSONValue.depthLimit)
        skipSpace()
        if position < end { throw error("data after the value") }
        return value
    }

    mutating func value() throws(JSONError) -> JSONValue {
        try value(depth: JSONValue.depthLimit)
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard position < end else { throw error("a value is missing") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .integer(try integer())
        case UInt8(ascii: "t"):
            try literal("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal("null")
            return .null
        default: throw error("not a value")
        }
    }

    /// Steps over exactly this text.
    mutating func literal(_ text: StaticString) throws(JSONError) {
        var at = position
        let matches = text.withUTF8Buffer { expected in
            for index in expected.indices {
                guard at < end, unsafe bytes[at] == expected[index] else { return false }
                at += 1
            }
            return true
        }
        guard matches else { throw JSONError(offset: min(at, end), reason: "expected `\(text)`") }
        position = at
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        guard depth > 0 else { throw error("nested deeper than \(JSONValue.depthLimit)") }
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        while true {
            skipSpace()
            elements.append(try value(depth: depth - 1))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            if take(UInt8(ascii: "]")) { return .array(elements) }
            throw error("expected `,` or `]`")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        guard depth > 0 else { throw error("nested deeper than \(JSONValue.depthLimit)") }
        position += 1
        var members: [String: JSONValue] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([:]) }
        while true {
            skipSpace()
            let start = position
            guard position < end, bytes[position] == UInt8(ascii: "\"") else { throw error("expected a member name") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("expected `:`") }
            skipSpace()
            let value = try value(depth: depth - 1)
            guard members.updateValue(value, forKey: name) == nil else {
                throw JSONError(offset: start, reason: "duplicate member")
            }
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            if take(UInt8(ascii: "}")) { return .object(members) }
            throw error("expected `,` or `}`")
        }
    }

    mutating func integer() throws(JSONError) -> Int {
        let start = position
        let negative = take(UInt8(ascii: "-"))
        let digits = position
        var magnitude: UInt64 = 0
        while position < end, case let byte = bytes[position], (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            let (tens, tooLong) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, tooLarge) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !tooLong, !tooLarge else { throw JSONError(offset: start, reason: "integer beyond 64 bits") }
            magnitude = sum
            position += 1
        }
        guard position > digits else { throw error("expected a digit") }
        guard bytes[digits] != UInt8(ascii: "0") || (position == digits + 1 && !negative) else {
            throw JSONError(offset: start, reason: "leading zero or negative zero")
        }
        if position < end, [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[position]) {
            throw error("fractions and exponents are not accepted")
        }
        let value = negative ? Int(exactly: -Int128(magnitude)) : Int(exactly: magnitude)
        guard let value else { throw JSONError(offset: start, reason: "integer beyond 64 bits") }
        return value
    }

    mutating func string() throws(JSONError) -> String {
        let opening = position
        position += 1
        let start = position
        // Almost every string holds no escape and is taken in one piece.
        while position < end, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
            guard bytes[position] >= 0x20 else { throw error("control character in a string") }
            position += 1
        }
        guard position < end else { throw JSONError(offset: opening, reason: "string without an end") }
        if bytes[position] == UInt8(ascii: "\"") {
            guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
                throw JSONError(offset: opening, reason: "string is not UTF-8")
            }
            position += 1
            return text
        }
        return try escapedString(from: start, opening: opening)
    }

    private mutating func escapedString(from start: Int, opening: Int) throws(JSONError) -> String {
        var decoded = Array(bytes[start..<position])
        while position < end {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let text = String(validating: decoded, as: UTF8.self) else {
                    throw JSONError(offset: opening, reason: "string is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"):
                decoded.append(contentsOf: String(try escape()).utf8)
            case 0x20...:
                decoded.append(byte)
                position += 1
            default:
                throw error("control character in a string")
            }
        }
        throw JSONError(offset: opening, reason: "string without an end")
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let start = position
        guard position + 1 < end else { throw error("escape without an end") }
        position += 2
        switch bytes[position - 1] {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try codeUnit()
            if let scalar = Unicode.Scalar(unit) { return scalar }
            guard UTF16.isLeadSurrogate(UInt16(unit)), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw JSONError(offset: start, reason: "lone surrogate")
            }
            let trail = try codeUnit()
            guard UTF16.isTrailSurrogate(UInt16(trail)) else {
                throw JSONError(offset: start, reason: "lone surrogate")
            }
            guard let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (trail - 0xDC00)) else {
                throw JSONError(offset: start, reason: "lone surrogate")
            }
            return scalar
        default: throw JSONError(offset: start, reason: "unknown escape")
        }
    }

    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        guard position + 4 <= end else { throw error("escape without an end") }
        var unit: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt32(digit)
        }
        position += 4
        return unit
    }

    mutating func rewind(to position: Int) { self.position = position }

    /// Where what was read since `start` first differs from these bytes; nil when it does not.
    func difference(from expected: [UInt8], start: Int) -> Int? {
        let common = zip(start..<position, expected).first { bytes[$0.0] != $0.1 }
        if let common { return common.0 }
        return position - start == expected.count ? nil : min(position, start + expected.count)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < end, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private func error(_ reason: String) -> JSONError { JSONError(offset: position, reason: reason) }
}
