// SPDX-License-Identifier: Apache-2.0

/// A host and a port as in `Host`, `:authority` and the target of CONNECT (RFC 9110 section 7.2, without user information).
package struct Authority: Hashable, Sendable {
    /// The host.
    package let destination: Destination
    /// The port, from 1; nothing where none was written.
    package let port: UInt16?

    /// Makes an authority.
    package init(_ destination: Destination, port: UInt16?) {
        self.destination = destination
        self.port = port
    }

    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`; an address of version 6 without brackets is refused.
    ///
    /// - Throws: ``HostNameError`` when the host is none, or when what follows it is no port.
    package init(parsing untrusted: some Collection<UInt8>) throws(HostNameError) {
        let bytes = Array(untrusted.prefix(1100))
        var host = bytes[...]
        var port: UInt16?
        let bracket = bytes.lastIndex(of: UInt8(ascii: "]")) ?? -1
        if let colon = bytes.lastIndex(of: UInt8(ascii: ":")), colon > bracket {
            host = bytes[..<colon]
            guard let number = Self.port(bytes[(colon + 1)...]) else { throw .forbidden(UInt8(ascii: ":")) }
            port = number
        }
        guard host.first == UInt8(ascii: "[") || !host.contains(UInt8(ascii: ":")) else {
            throw .forbidden(UInt8(ascii: ":"))
        }
        self.init(try Destination(host), port: port)
    }

    /// Reads a port: decimal digits without a leading zero, 1 to 65535; nothing for anything else.
    package static func port(_ digits: some Collection<UInt8>) -> UInt16? {
        guard (1...5).contains(digits.count), digits.first != UInt8(ascii: "0"),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self))
    }
}

extension Authority: CustomStringConvertible {
    /// `example.com:443`, with brackets around an address of version 6.
    package var description: String {
        let host =
            if case .address(let address) = destination, address.isVersion6 { "[\(address)]" } else { "\(destination)" }
        return port.map { "\(host):\($0)" } ?? host
    }
}
