// SPDX-License-Identifier: Apache-2.0

/// What a client says first where anything may be spoken, as far as it may be TLS: a server that is reached by its address
/// must not be asked for another name than the one that was allowed.
///
/// What cannot be TLS to any server is told from what can by as few bytes as possible, and never waited for.
package enum GuardedOpening: Hashable, Sendable {
    /// It is something else.
    case other
    /// It asks whether TLS may follow, in so many bytes; what follows has to be looked at as well.
    case upgrade(length: Int)
    /// A TLS client's hello, complete.
    case tls(ClientHello)
    /// It began like TLS; a server that is less strict may take it for that.
    case broken(ClientHello.Flaw)
    /// Not yet to be told; at least so many bytes must have come.
    case incomplete(needed: Int)

    /// PostgreSQL's `SSLRequest` and `GSSENCRequest`: a length of 8, and a number that is no version of the protocol.
    private static let requests: [[UInt8]] = [[0, 0, 0, 8, 4, 0xD2, 0x16, 0x2F], [0, 0, 0, 8, 4, 0xD2, 0x16, 0x30]]

    /// Reads the first bytes of a stream.
    package init(_ bytes: [UInt8]) {
        guard let first = bytes.first else {
            self = .incomplete(needed: 1)
            return
        }
        switch first {
        // The record types of TLS. Servers may pass over an alert, or more, that comes before the hello.
        case 20...24 where bytes.count < 2: self = .incomplete(needed: 2)
        case 20...24 where bytes[1] != 3: self = .other
        case 22: self = Self.hello(bytes)
        case 20...24: self = .broken(.notHello)
        case 0x80...0xBF: self = Self.version2(bytes)
        case 0: self = Self.request(bytes)
        default: self = .other
        }
    }

    private static func hello(_ bytes: [UInt8]) -> GuardedOpening {
        switch ClientOpening(bytes) {
        case .tls(let hello): .tls(hello)
        case .broken(let flaw): .broken(flaw)
        case .incomplete(let needed): .incomplete(needed: needed)
        case .clearHTTP, .other: .other
        }
    }

    /// A hello in the form of SSL 2, which later servers took too and some still do: it has no server name.
    private static func version2(_ bytes: [UInt8]) -> GuardedOpening {
        guard bytes.count >= 3 else { return .incomplete(needed: 3) }
        guard bytes[2] == 1 else { return .other }
        guard bytes.count >= 4 else { return .incomplete(needed: 4) }
        if bytes[3] == 3 { return .broken(.version2) }
        guard bytes[3] == 0 else { return .other }
        guard bytes.count >= 5 else { return .incomplete(needed: 5) }
        return bytes[4] == 2 ? .broken(.version2) : .other
    }

    private static func request(_ bytes: [UInt8]) -> GuardedOpening {
        if requests.contains(where: { bytes.starts(with: $0) }) { return .upgrade(length: 8) }
        // The next byte may tell already, and who sends no more than that waits for an answer.
        return requests.contains { $0.starts(with: bytes) } ? .incomplete(needed: bytes.count + 1) : .other
    }
}
