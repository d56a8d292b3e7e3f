// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// A request's head, in whichever version of HTTP it came: checked, and without what concerns one connection only.
package struct HTTPRequestHead: Sendable, Equatable {
    /// A token, case-sensitive.
    package var method: String
    /// The path and the query as they came, from `/` on; or `*`.
    package var target: String
    /// The host and port the request names: of `Host`, `:authority` or an absolute target, which agree.
    package var authority: Authority
    /// The scheme the request names; nil where it names none.
    package var scheme: String?
    /// Everything else, without `Host`, `Content-Length` and whatever belongs to a connection.
    package var fields: HeaderFields
    /// How the body's end is found.
    package var framing: HTTPBodyFraming
    /// Whether it wants to become a WebSocket (RFC 6455).
    package var isWebSocket = false
    /// Whether its sender waits for `100 Continue`.
    package var expectsContinue = false
    /// Whether the connection is to stay open after the answer.
    package var keepsAlive = true
    /// Whether its sender is too old for chunks.
    package var isHTTP10 = false

    /// The path, without the query.
    package var path: Substring { target.prefix { $0 != "?" } }
}

extension HTTPRequestHead {
    /// Reads the head of an HTTP/1 request, as ``HeadScanner`` found it.
    ///
    /// - Throws: ``FramingError`` for whatever two readers could understand differently, and for what a gate between two
    ///   connections cannot carry.
    init(http1 bytes: [UInt8], limits: HTTPLimits) throws(FramingError) {
        var lines = HeadLines(bytes)
        guard let line = lines.next() else { throw .malformedStartLine }
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformedStartLine }
        let isHTTP10 = try Self.isHTTP10(parts[2])
        method = try Self.method(parts[0])
        guard parts[1].count <= limits.target else { throw .targetTooLong }
        var fields = try lines.fields(limit: limits.fields)
        framing = try HTTPBodyFraming(fields, isHTTP10: isHTTP10) ?? .none

        let hosts = fields["host"]
        guard hosts.count <= 1 else { throw .repeatedHost }
        guard let host = hosts.first else { throw .missingHost }
        authority = try Self.authority(host)
        let target = try RequestTarget(parts[1], method: method)
        self.target = target.origin
        scheme = target.scheme
        if let named = target.authority {
            // RFC 9112 §3.2.2 lets the target win; a reader that forgets to would see another host.
            guard named.names(sameAs: authority, scheme: target.scheme) else { throw .targetMismatch }
            authority = named
        }

        let options = try ConnectionOptions(fields, isHTTP10: isHTTP10)
        keepsAlive = options.keepsAlive
        isWebSocket = try options.isWebSocket(fields, method: method)
        guard !isWebSocket || framing == .none else { throw .protocolSwitch }
        expectsContinue = try Self.expectsContinue(&fields)
        options.strip(&fields)
        for name in ["host", "content-length"] { fields.remove(name) }
        self.fields = fields
        self.isHTTP10 = isHTTP10
    }

    /// Tells whether the version is 1.0 or 1.1.
    private static func isHTTP10(_ version: ArraySlice<UInt8>) throws(FramingError) -> Bool {
        if version.elementsEqual("HTTP/1.1".utf8) { return false }
        if version.elementsEqual("HTTP/1.0".utf8) { return true }
        throw version.starts(with: "HTTP/".utf8) ? .unsupportedVersion : .malformedStartLine
    }

    static func method(_ bytes: some Collection<UInt8>) throws(FramingError) -> String {
        guard (1...32).contains(bytes.count), bytes.allSatisfy(\.isTokenCharacter) else { throw .malformedStartLine }
        let method = String(decoding: bytes, as: UTF8.self)
        // A tunnel is made by the relay, or not at all: within a connection there is nothing to tunnel to.
        guard !method.isSameFieldName(as: "CONNECT") else { throw .unsupportedMethod }
        return method
    }

    static func authority(_ text: String) throws(FramingError) -> Authority {
        do { return try Authority(parsing: Array(text.utf8)) } catch { throw .malformedHost }
    }

    static func expectsContinue(_ fields: inout HeaderFields) throws(FramingError) -> Bool {
        guard fields.contains("expect") else { return false }
        guard fields.single("expect")?.lowercasedASCII == "100-continue" else { throw .unsupportedExpectation }
        fields.remove("expect")
        return true
    }
}

extension Authority {
    /// Whether both name one host and, with the scheme's own port where none is written, one port.
    func names(sameAs other: Authority, scheme: String?) -> Bool {
        destination == other.destination && effectivePort(scheme) == other.effectivePort(scheme)
    }

    /// The port that is written, or else the scheme's own; 0 where there is neither.
    func effectivePort(_ scheme: String?) -> UInt16 {
        port ?? (scheme == "https" ? 443 : scheme == "http" ? 80 : 0)
    }
}
