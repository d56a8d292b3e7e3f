// SPDX-License-Identifier: Apache-2.0
// The first message of TLS (RFC 8446 section 4.1.2), read as far as a relay must know it and no further.

/// What a TLS client announces before anything is encrypted.
package struct ClientHello: Hashable, Sendable {
    /// The `server_name` (RFC 6066) as it was sent; `nil` when there is none.
    package let serverName: [UInt8]?
    /// The application protocols in the client's order (ALPN, RFC 7301).
    package let protocols: [[UInt8]]
    /// Whether the true name is in an encrypted part (`encrypted_client_hello`, or the drafts before it): the name in the
    /// clear says nothing then.
    package let isEncrypted: Bool

    /// The largest message that is read: beyond it no client of today needs, with keys of post-quantum algorithms included.
    package static let sizeLimit = 16_384

    /// Why bytes that begin like TLS are refused.
    package enum Flaw: String, Error, Hashable, Sendable {
        case version2 = "an SSL 2 hello"
        case record = "a broken TLS record"
        case tooLong = "a TLS hello that is too long"
        case tooFragmented = "a TLS hello in too many records"
        case notHello = "a TLS message that is no client hello"
        case malformed = "a malformed TLS hello"
        case duplicate = "a TLS extension given twice"
        case serverName = "a malformed server name"
    }

    /// Reads the body of the message.
    ///
    /// - Throws: ``Flaw`` when it is not what RFC 8446 says it is.
    package init(body: ArraySlice<UInt8>) throws(Flaw) {
        var reader = ByteReader(body)
        guard let version = reader.number16(), version >> 8 == 3, reader.take(32) != nil,
            let session = reader.vector8(), session.count <= 32,
            let suites = reader.vector16(), suites.count >= 2, suites.count.isMultiple(of: 2),
            let compression = reader.vector8(), !compression.isEmpty
        else { throw .malformed }
        var serverName: [UInt8]?
        var protocols: [[UInt8]] = []
        var isEncrypted = false
        // A client of TLS 1.0 may have no extensions at all.
        if !reader.isAtEnd {
            guard let block = reader.vector16(), reader.isAtEnd else { throw .malformed }
            var extensions = ByteReader(block)
            var seen: Set<UInt16> = []
            while !extensions.isAtEnd {
                guard let type = extensions.number16(), let content = extensions.vector16() else { throw .malformed }
                guard seen.insert(type).inserted else { throw .duplicate }
                switch type {
                case 0: serverName = try Self.serverName(content)
                case 16: protocols = try Self.protocols(content)
                // RFC 9849, and the drafts that named it ESNI.
                case 0xFE0D, 0xFFCE: isEncrypted = true
                default: break
                }
            }
        }
        self.serverName = serverName
        self.protocols = protocols
        self.isEncrypted = isEncrypted
    }

    private static func serverName(_ content: ArraySlice<UInt8>) throws(Flaw) -> [UInt8] {
        var outer = ByteReader(content)
        guard let list = outer.vector16(), outer.isAtEnd else { throw .serverName }
        var entries = ByteReader(list)
        // Two names would leave it to the server which one counts.
        guard entries.byte() == 0, let name = entries.vector16(), !name.isEmpty, entries.isAtEnd else {
            throw .serverName
        }
        return Array(name)
    }

    private static func protocols(_ content: ArraySlice<UInt8>) throws(Flaw) -> [[UInt8]] {
        var outer = ByteReader(content)
        guard let list = outer.vector16(), outer.isAtEnd else { throw .malformed }
        var entries = ByteReader(list)
        var protocols: [[UInt8]] = []
        while !entries.isAtEnd {
            guard let name = entries.vector8(), !name.isEmpty else { throw .malformed }
            protocols.append(Array(name))
        }
        return protocols
    }
}
