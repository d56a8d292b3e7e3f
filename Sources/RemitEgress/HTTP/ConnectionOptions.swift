// SPDX-License-Identifier: Apache-2.0

/// What the fields of an HTTP/1 head say of this connection only (RFC 9110 §7.6.1): it ends at the gate.
struct ConnectionOptions {
    private let options: [String]
    /// Whether the connection stays open after this message.
    let keepsAlive: Bool

    /// Reads `Connection`.
    ///
    /// - Throws: ``FramingError/protectedConnectionOption`` when it names a field that is not for one connection, which
    ///   the next reader would drop.
    init(_ fields: HeaderFields, isHTTP10: Bool) throws(FramingError) {
        options = fields.list("connection")
        let dropped: Set<String> = ["close", "keep-alive", "upgrade", "te", "http2-settings", "proxy-connection"]
        guard options.allSatisfy({ $0.utf8.allSatisfy(\.isTokenCharacter) && dropped.contains($0) }) else {
            throw .protectedConnectionOption
        }
        keepsAlive = !options.contains("close") && (!isHTTP10 || options.contains("keep-alive"))
    }

    /// Whether a request asks to become a WebSocket.
    ///
    /// - Throws: ``FramingError/protocolSwitch`` when it asks for anything else, `h2c` before all.
    func isWebSocket(_ fields: HeaderFields, method: String) throws(FramingError) -> Bool {
        guard !fields.contains("http2-settings") else { throw .protocolSwitch }
        guard fields.contains("upgrade") || options.contains("upgrade") else { return false }
        guard fields.single("upgrade")?.lowercasedASCII == "websocket", options.contains("upgrade"), method == "GET",
            fields.single("sec-websocket-key") != nil, fields.single("sec-websocket-version") == "13"
        else { throw .protocolSwitch }
        return true
    }

    /// Removes what ends here.
    func strip(_ fields: inout HeaderFields) {
        Self.strip(&fields)
    }

    /// The same for a response, whose options may name anything: what they name is dropped.
    static func strip(_ fields: inout HeaderFields) {
        let named = Set(fields.list("connection"))
        fields.fields.removeAll { field in
            let name = field.name.lowercasedASCII
            return hopByHop.contains(name) || named.contains(name)
        }
    }

    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "http2-settings",
        "proxy-authorization", "proxy-authenticate", "proxy-authentication-info",
    ]
}
