// SPDX-License-Identifier: Apache-2.0

internal import RemitNetwork

/// The target of a request in HTTP/1 (RFC 9112 §3.2): `/path?query`, `http://host/path?query`, or `*` of OPTIONS.
struct RequestTarget {
    /// The path and the query, or `*`.
    let origin: String
    /// `http` or `https`, of an absolute target.
    let scheme: String?
    /// The host and port of an absolute target.
    let authority: Authority?

    /// Reads a target.
    ///
    /// - Throws: ``FramingError/malformedTarget`` for another form, a fragment, user information, and bytes that are not
    ///   visible ASCII.
    init(_ bytes: ArraySlice<UInt8>, method: String) throws(FramingError) {
        guard Self.isVisible(bytes) else { throw .malformedTarget }
        if bytes.first == UInt8(ascii: "/") {
            origin = String(decoding: bytes, as: UTF8.self)
            scheme = nil
            authority = nil
        } else if bytes.elementsEqual("*".utf8), method == "OPTIONS" {
            origin = "*"
            scheme = nil
            authority = nil
        } else {
            let (scheme, rest) = try Self.scheme(bytes)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            authority = try HTTPRequestHead.authority(String(decoding: rest[..<end], as: UTF8.self))
            let path = rest[end...]
            origin = (path.first == UInt8(ascii: "/") ? "" : "/") + String(decoding: path, as: UTF8.self)
            self.scheme = scheme
        }
    }

    /// Whether a target has only bytes that every reader takes for what they are.
    static func isVisible(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") }
    }

    private static func scheme(_ bytes: ArraySlice<UInt8>) throws(FramingError) -> (String, ArraySlice<UInt8>) {
        for scheme in ["http", "https"] {
            let prefix = "\(scheme)://"
            if bytes.prefix(prefix.utf8.count).lazy.map(\.lowercasedASCII).elementsEqual(prefix.utf8) {
                return (scheme, bytes.dropFirst(prefix.utf8.count))
            }
        }
        throw .malformedTarget
    }
}
