// SPDX-License-Identifier: Apache-2.0
// What a client says first, told apart by bytes that were peeked at and are still in the socket.

/// The beginning of what a client sends.
package enum ClientOpening: Hashable, Sendable {
    /// A TLS client's hello, complete.
    case tls(ClientHello)
    /// A request of HTTP/1 in the clear, or the preface of HTTP/2 (`PRI * …`).
    case clearHTTP
    /// Neither.
    case other
    /// It began like TLS, and is not.
    case broken(ClientHello.Flaw)
    /// Not yet to be told; at least so many bytes must have come.
    case incomplete(needed: Int)

    /// How many bytes are peeked at, at most: a hello of the greatest size in the greatest number of records.
    package static let peekLimit = ClientHello.sizeLimit + 4 + recordLimit * 5

    private static let recordLimit = 32
    private static let methodLimit = 20

    /// Reads the first bytes of a stream.
    package init(_ bytes: [UInt8]) {
        guard let first = bytes.first else {
            self = .incomplete(needed: 1)
            return
        }
        switch first {
        case 22: self = Self.tls(bytes)
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): self = Self.http(bytes)
        case 0x80...0xFF where bytes.count < 3: self = .incomplete(needed: 3)
        case 0x80...0xFF where bytes[2] == 1: self = .broken(.version2)
        default: self = .other
        }
    }

    private static func http(_ bytes: [UInt8]) -> ClientOpening {
        // A method is any token; those of other cases and signs are not in use, and what has none is not HTTP.
        let method = bytes.prefix { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "-") }
        if method.count > methodLimit { return .other }
        if method.count == bytes.count { return .incomplete(needed: bytes.count + 1) }
        return method.count >= 3 && bytes[method.count] == UInt8(ascii: " ") ? .clearHTTP : .other
    }

    private static func tls(_ bytes: [UInt8]) -> ClientOpening {
        var reader = ByteReader(bytes)
        var message: [UInt8] = []
        var position = 0
        for _ in 0..<recordLimit {
            guard bytes.count - position >= 5 else { return .incomplete(needed: position + 5) }
            guard reader.byte() == 22, reader.byte() == 3, let minor = reader.byte(), minor <= 4,
                let length = reader.number16(), (1...16_384).contains(length)
            else { return .broken(.record) }
            position += 5 + Int(length)
            guard let fragment = reader.take(Int(length)) else {
                // What has come of it may already say that the rest is not worth waiting for.
                let announced = Self.length(message + bytes.suffix(reader.count))
                if case .failure(let flaw) = announced { return .broken(flaw) }
                return .incomplete(needed: position)
            }
            message += fragment
            switch Self.length(message) {
            case .failure(let flaw): return .broken(flaw)
            case .success(.some(let length)) where message.count > length: return .broken(.malformed)
            case .success(.some(let length)) where message.count == length:
                do throws(ClientHello.Flaw) {
                    return .tls(try ClientHello(body: message.dropFirst(4)))
                } catch {
                    return .broken(error)
                }
            case .success: continue
            }
        }
        return .broken(.tooFragmented)
    }

    /// The length of the whole message with its header; `nil` while that is not known.
    private static func length(_ message: [UInt8]) -> Result<Int?, ClientHello.Flaw> {
        var reader = ByteReader(message)
        guard let type = reader.byte() else { return .success(nil) }
        guard type == 1 else { return .failure(.notHello) }
        guard let length = reader.number24() else { return .success(nil) }
        return length <= ClientHello.sizeLimit ? .success(length + 4) : .failure(.tooLong)
    }
}
