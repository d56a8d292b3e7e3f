// SPDX-License-Identifier: Apache-2.0

@testable import RemitEgress

/// What must hold of what a client of the gate says first, besides that reading it ends.
enum OpeningFuzz {
    /// Answers a message to the name server: with its number and its question, in one datagram, and never a question itself.
    static func query(_ bytes: [UInt8]) {
        do throws(NameQuery.Flaw) {
            let query = try NameQuery(bytes)
            guard bytes.dropFirst(12).starts(with: query.question) else { fatalError("another question") }
            let answers: [NameReply] = [
                .addresses([]), .addresses([[192, 0, 2, 1]]), .addresses([[UInt8](repeating: 0xFD, count: 16)]),
                .noSuchName(.prohibited), .refused(.notSupported), .failed(.other),
            ]
            for answer in answers {
                let reply = answer.encoded(for: query)
                guard reply.count <= 512, reply.dropFirst(12).starts(with: query.question) else {
                    fatalError("an answer to something else")
                }
                check(reply, to: bytes)
            }
        } catch {
            guard let reply = NameReply.encoded(for: error) else { return }
            guard reply.count == 12 else { fatalError("an error is a header") }
            check(reply, to: bytes)
        }
    }

    /// Tells what a client of some server begins with.
    static func hello(_ bytes: [UInt8]) {
        peek(Array(bytes.prefix(ClientOpening.peekLimit)), ClientOpening.init) {
            if case .incomplete(let needed) = $0 { needed } else { nil }
        }
        peek(Array(bytes.prefix(ClientOpening.peekLimit)), GuardedOpening.init) {
            if case .incomplete(let needed) = $0 { needed } else { nil }
        }
        // What is TLS where only that is spoken is TLS where anything is.
        guard case .tls(let hello) = ClientOpening(bytes) else { return }
        guard GuardedOpening(bytes) == .tls(hello) else { fatalError("a hello passes as something else") }
    }

    /// Reads what a client of the explicit proxy begins with, and what one of SOCKS says next.
    static func proxy(_ bytes: [UInt8]) {
        // At the limit a beginning without end is refused, and is not one to wait for any longer.
        let bytes = Array(bytes.prefix(ProxyOpening.peekLimit - 1))
        peek(bytes, ProxyOpening.init) {
            switch $0 {
            case .incomplete(let needed), .socks(.incomplete(let needed)): needed
            default: nil
            }
        }
        switch ProxyOpening(bytes) {
        case .connect(_, _, let length), .socks(.open(let length)):
            guard length <= bytes.count else { fatalError("it takes what has not come") }
        default: break
        }
        peek(bytes, SocksRequest.init) {
            if case .incomplete(let needed) = $0 { needed } else { nil }
        }
        if case .connect(_, _, let length) = SocksRequest(bytes) {
            guard length <= bytes.count else { fatalError("it takes what has not come") }
        }
    }

    /// Reads a beginning as it comes in, in the first bytes at each of them, then here and there: it waits for more than it
    /// has, and what it has once told stays so.
    private static func peek<Opening: Equatable>(
        _ bytes: [UInt8], _ read: ([UInt8]) -> Opening, needed: (Opening) -> Int?
    ) {
        let whole = read(bytes)
        for end in 0..<bytes.count where end < 256 || end.isMultiple(of: 509) {
            let opening = read(Array(bytes[..<end]))
            if let needed = needed(opening) {
                guard needed > end else { fatalError("it waits for what it has") }
            } else if opening != whole {
                fatalError("more bytes change what it is: \(opening), then \(whole)")
            }
        }
        guard needed(whole).map({ $0 > bytes.count }) ?? true else { fatalError("it waits for what it has") }
    }

    private static func check(_ reply: [UInt8], to message: [UInt8]) {
        guard reply.starts(with: message.prefix(2)), reply[2] & 0x80 != 0 else { fatalError("no answer to it") }
        do throws(NameQuery.Flaw) {
            _ = try NameQuery(reply)
            fatalError("an answer that is a question")
        } catch {
            guard error == .ignored else { fatalError("two servers would talk for ever") }
        }
    }
}
