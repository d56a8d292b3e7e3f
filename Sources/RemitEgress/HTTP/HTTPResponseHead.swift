// SPDX-License-Identifier: Apache-2.0

/// A response's head, in whichever version of HTTP it came: checked, and without what concerns one connection only.
package struct HTTPResponseHead: Sendable, Equatable {
    /// 100 to 599.
    package var status: Int
    /// Everything but `Content-Length` and whatever belongs to a connection.
    package var fields: HeaderFields
    /// How the body's end is found.
    package var framing: HTTPBodyFraming
    /// What `Content-Length` says where there is no body: of the answer to HEAD, and of 304.
    package var announcedLength: UInt64?
    /// Whether the connection stays open after it.
    package var keepsAlive = true

    /// Whether another response follows.
    package var isInformational: Bool { (100..<200).contains(status) && status != 101 }

    /// A response of the gate's own.
    package init(status: Int, fields: HeaderFields, length: Int) {
        self.status = status
        self.fields = fields
        framing = length > 0 ? .length(UInt64(length)) : .none
    }
}

extension HTTPResponseHead {
    /// Whether a response may have no body, whatever its fields say (RFC 9112 §6.3).
    static func isBodiless(status: Int, method: String) -> Bool {
        method == "HEAD" || (100..<200).contains(status) || status == 204 || status == 304
    }

    /// Reads the head of an HTTP/1 response, as ``HeadScanner`` found it.
    ///
    /// - Throws: ``FramingError`` for whatever two readers could understand differently.
    init(http1 bytes: [UInt8], method: String, limits: HTTPLimits) throws(FramingError) {
        var lines = HeadLines(bytes)
        guard let line = lines.next() else { throw .malformedStartLine }
        let start = Array(line)
        guard start.starts(with: "HTTP/1.".utf8), start.count >= 12, start[7] == 0x30 || start[7] == 0x31,
            start[8] == 0x20, start[9..<12].allSatisfy({ (0x30...0x39).contains($0) }),
            start.count == 12 || start[12] == 0x20, start.allSatisfy(\.isValueCharacter)
        else { throw .malformedStartLine }
        let isHTTP10 = start[7] == 0x30
        status = start[9..<12].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard (100..<600).contains(status) else { throw .malformedStartLine }
        var fields = try lines.fields(limit: limits.fields)
        let announced = try HTTPBodyFraming(fields, isHTTP10: isHTTP10)
        let options = Set(fields.list("connection"))
        keepsAlive = !options.contains("close") && (!isHTTP10 || options.contains("keep-alive"))
        if Self.isBodiless(status: status, method: method) {
            framing = .none
            if method == "HEAD" || status == 304, fields.contains("content-length") {
                announcedLength = announced?.length
            }
        } else {
            framing = announced ?? .untilClose
        }
        if framing == .untilClose { keepsAlive = false }
        ConnectionOptions.strip(&fields)
        fields.remove("content-length")
        self.fields = fields
    }
}
