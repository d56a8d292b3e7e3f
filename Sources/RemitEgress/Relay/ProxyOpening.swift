// SPDX-License-Identifier: Apache-2.0
// What comes to the explicit proxy first, told by bytes that were peeked at.

internal import NIOCore
package import RemitNetwork

/// The beginning of a connection to the explicit proxy.
package enum ProxyOpening: Hashable, Sendable {
    case socks(SocksGreeting)
    /// A request of CONNECT (RFC 9110 section 9.3.6), and the length of its head.
    case connect(Destination, port: UInt16, length: Int)
    /// A request in the clear with an absolute target: for whoever reads requests, untouched.
    case absolute(Destination, port: UInt16)
    case incomplete(needed: Int)
    case malformed(FramingError)
    /// Not a language that a proxy speaks.
    case unknown

    /// The longest head of CONNECT, and the longest line of another request.
    static let peekLimit = 16_384
    private static let fieldLimit = 64

    package init(_ bytes: [UInt8]) {
        guard let first = bytes.first else {
            self = .incomplete(needed: 1)
            return
        }
        if first == 5 {
            self = .socks(SocksGreeting(bytes))
            return
        }
        switch ClientOpening(bytes) {
        case .incomplete(let needed): self = .incomplete(needed: needed)
        case .clearHTTP:
            do throws(FramingError) {
                let isConnect = bytes.starts(with: "CONNECT ".utf8)
                self = isConnect ? try Self.connect(bytes) : try Self.absolute(bytes)
            } catch {
                self = .malformed(error)
            }
        default: self = .unknown
        }
    }

    private static func connect(_ bytes: [UInt8]) throws(FramingError) -> ProxyOpening {
        var scanner = HeadScanner(limit: peekLimit)
        var buffer = ByteBuffer(bytes: bytes)
        guard let head = try scanner.next(&buffer) else {
            guard bytes.count < peekLimit else { throw .headTooLarge }
            return .incomplete(needed: bytes.count + 1)
        }
        var lines = HeadLines(head)
        guard let line = lines.next() else { throw .malformedStartLine }
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2].elementsEqual("HTTP/1.1".utf8) || parts[2].elementsEqual("HTTP/1.0".utf8)
        else {
            throw .malformedStartLine
        }
        guard let target = try? Authority(parsing: parts[1]), let port = target.port else { throw .malformedTarget }
        let fields = try lines.fields(limit: fieldLimit)
        // What follows a head of CONNECT is the tunnel's: a body would be read as one by some, and not by others.
        guard !fields.contains("content-length"), !fields.contains("transfer-encoding") else { throw .malformedTarget }
        for host in fields["host"] {
            guard let named = try? Authority(parsing: Array(host.utf8)), named.destination == target.destination,
                named.port == nil || named.port == port
            else { throw .targetMismatch }
        }
        return .connect(target.destination, port: port, length: head.count)
    }

    private static func absolute(_ bytes: [UInt8]) throws(FramingError) -> ProxyOpening {
        guard let end = bytes.firstIndex(where: { $0 == 0x0D || $0 == 0x0A }) else {
            guard bytes.count < peekLimit else { throw .targetTooLong }
            return .incomplete(needed: bytes.count + 1)
        }
        let parts = bytes[..<end].split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformedStartLine }
        let target = try RequestTarget(parts[1], method: String(decoding: parts[0], as: UTF8.self))
        // `https` in the clear would have us be the client that sees to the encryption: nobody asks a proxy that.
        guard let authority = target.authority, target.scheme == "http" else { throw .malformedTarget }
        return .absolute(authority.destination, port: authority.port ?? 80)
    }
}
