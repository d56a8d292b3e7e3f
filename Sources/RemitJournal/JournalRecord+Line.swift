// SPDX-License-Identifier: Apache-2.0
// The bytes of a record, written and read.

internal import Crypto
internal import RemitKernel

extension JournalRecord {
    /// Appends the record's line, newline included, and gives its hash in hexadecimal.
    static func appendLine(
        to bytes: inout [UInt8], sequence: Int, time: WallInstant, boot: BootInstant, type: String, session: String,
        body: JSONValue, previous: String
    ) -> String {
        let start = bytes.count
        bytes.append(contentsOf: #"{"seq":"#.utf8)
        bytes.append(contentsOf: String(sequence).utf8)
        bytes.append(contentsOf: #","time":""#.utf8)
        bytes.append(contentsOf: time.rfc3339.utf8)
        bytes.append(contentsOf: #"","boot":"#.utf8)
        bytes.append(contentsOf: String(boot.nanoseconds).utf8)
        bytes.append(contentsOf: #","type":""#.utf8)
        bytes.append(contentsOf: type.utf8)
        bytes.append(contentsOf: #"","session":""#.utf8)
        bytes.append(contentsOf: session.utf8)
        bytes.append(contentsOf: #"","body":"#.utf8)
        body.appendCanonical(to: &bytes)
        bytes.append(contentsOf: #","prev":""#.utf8)
        bytes.append(contentsOf: previous.utf8)
        bytes.append(UInt8(ascii: "\""))
        let hash = Hex.encode(SHA256.hash(data: bytes[start...]))
        bytes.append(contentsOf: #","hash":""#.utf8)
        bytes.append(contentsOf: hash.utf8)
        bytes.append(contentsOf: "\"}\n".utf8)
        return hash
    }

    /// Reads the record on the bytes of one line, its newline left out.
    ///
    /// - Throws: at the first byte that is not what a writer would have written there, or at the start of the line
    ///   when the record does not match its hash. Offsets count from the start of `bytes`.
    init(reading bytes: [UInt8], line: Range<Int>) throws(JSONError) {
        guard line.count <= Self.lineLimit else {
            throw JSONError(offset: line.lowerBound, reason: "line longer than \(Self.lineLimit) bytes")
        }
        var parser = JSONParser(bytes, range: line)
        try parser.literal(#"{"seq":"#)
        let sequence = try parser.integer()
        try parser.literal(#","time":"#)
        let timeStart = parser.position
        let timeText = try parser.plainString()
        guard let time = WallInstant(rfc3339: timeText), time.rfc3339 == timeText else {
            throw JSONError(offset: timeStart, reason: "not a time")
        }
        try parser.literal(#","boot":"#)
        let bootStart = parser.position
        guard let boot = UInt64(exactly: try parser.integer()) else {
            throw JSONError(offset: bootStart, reason: "not a time since boot")
        }
        try parser.literal(#","type":"#)
        let typeStart = parser.position
        let type = try parser.plainString()
        guard Self.isType(type) else { throw JSONError(offset: typeStart, reason: "not a record type") }
        try parser.literal(#","session":"#)
        let sessionStart = parser.position
        let session = try parser.plainString()
        guard Self.isSession(session) else { throw JSONError(offset: sessionStart, reason: "not a session id") }
        try parser.literal(#","body":"#)
        let body = try parser.canonicalObject()
        try parser.literal(#","prev":"#)
        let previous = try parser.digest()
        let hashed = line.lowerBound..<parser.position
        try parser.literal(#","hash":"#)
        let hash = try parser.digest()
        try parser.literal("}")
        guard parser.position == line.upperBound else {
            throw JSONError(offset: parser.position, reason: "data after the record")
        }
        guard Hex.encode(SHA256.hash(data: bytes[hashed])) == hash else {
            throw JSONError(offset: line.lowerBound, reason: "the record does not match its hash")
        }
        self.init(
            sequence: sequence, time: time, boot: BootInstant(nanoseconds: boot), type: type, session: session,
            body: body, previous: previous, hash: hash
        )
    }
}

extension JSONParser {
    /// A string without escapes.
    fileprivate mutating func plainString() throws(JSONError) -> String {
        let start = position
        try literal("\"")
        rewind(to: start)
        let text = try string()
        guard text.utf8.count == position - start - 2 else {
            throw JSONError(offset: start, reason: "an escape where none is needed")
        }
        return text
    }

    /// A SHA-256 in quotes.
    fileprivate mutating func digest() throws(JSONError) -> String {
        let start = position
        let text = try plainString()
        guard Hex.isSHA256(text) else { throw JSONError(offset: start, reason: "not a SHA-256") }
        return text
    }

    /// An object that is written in canonical form.
    fileprivate mutating func canonicalObject() throws(JSONError) -> JSONValue {
        let start = position
        try literal("{")
        rewind(to: start)
        let value = try value()
        let canonical = value.canonicalBytes
        if let difference = difference(from: canonical, start: start) {
            throw JSONError(offset: difference, reason: "not in canonical form")
        }
        return value
    }
}
