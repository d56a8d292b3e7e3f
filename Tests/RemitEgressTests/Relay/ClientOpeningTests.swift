// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitEgress

/// Builds client hellos, good and bad.
struct HelloBuilder {
    /// Extensions in their order: type and content.
    var extensions: [(UInt16, [UInt8])] = []
    var version: UInt16 = 0x0303
    var session = [UInt8](repeating: 9, count: 32)
    var suites: [UInt8] = [0x13, 0x01, 0x13, 0x02]

    init(serverName: String? = "api.example.com", protocols: [String] = []) {
        extensions.append((43, [2, 3, 4]))
        if let serverName { extensions.append((0, Self.serverName([(0, Array(serverName.utf8))]))) }
        if !protocols.isEmpty {
            extensions.append((16, Self.long(protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) })))
        }
    }

    static func serverName(_ names: [(UInt8, [UInt8])]) -> [UInt8] { long(names.flatMap { [$0.0] + long($0.1) }) }
    static func long(_ bytes: [UInt8]) -> [UInt8] { pair(UInt16(bytes.count)) + bytes }
    static func pair(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }

    var body: [UInt8] {
        Self.pair(version) + [UInt8](repeating: 5, count: 32) + [UInt8(session.count)] + session + Self.long(suites)
            + [1, 0] + Self.long(extensions.flatMap { Self.pair($0.0) + Self.long($0.1) })
    }

    var message: [UInt8] { [1, 0] + Self.pair(UInt16(body.count)) + body }

    /// The message in records of at most `size` bytes.
    func records(of size: Int = 16_384) -> [UInt8] {
        let message = message
        return stride(from: 0, to: message.count, by: size).flatMap { start in
            [22, 3, 1] + Self.long(Array(message[start..<min(start + size, message.count)]))
        }
    }
}

@Suite struct ClientOpeningTests {
    @Test func `a hello is read whole`() {
        let opening = ClientOpening(HelloBuilder(protocols: ["h2", "http/1.1"]).records())
        guard case .tls(let hello) = opening else {
            Issue.record("\(opening)")
            return
        }
        #expect(hello.serverName == Array("api.example.com".utf8))
        #expect(hello.protocols == [Array("h2".utf8), Array("http/1.1".utf8)])
        #expect(!hello.isEncrypted)
    }

    @Test func `a hello in many records is the same hello`() {
        let whole = ClientOpening(HelloBuilder().records())
        for size in [7, 10, 50, 100] { #expect(ClientOpening(HelloBuilder().records(of: size)) == whole) }
        #expect(ClientOpening(HelloBuilder().records(of: 3)) == .broken(.tooFragmented))
    }

    @Test func `a hello that has not come whole says how much it waits for`() {
        let bytes = HelloBuilder().records(of: 50)
        var needed: Set<Int> = []
        for end in 0..<bytes.count {
            guard case .incomplete(let count) = ClientOpening(Array(bytes[..<end])) else {
                Issue.record("\(end) bytes were enough")
                return
            }
            #expect(count > end)
            #expect(count <= bytes.count)
            needed.insert(count)
        }
        #expect(needed.count <= 1 + 2 * (bytes.count / 55 + 1), "one wait a header and one a record")
    }

    @Test func `what follows a hello does not matter`() {
        let whole = ClientOpening(HelloBuilder().records())
        #expect(ClientOpening(HelloBuilder().records() + [20, 3, 3, 0, 1, 1, 23, 3, 3]) == whole)
    }

    @Test func `a name that is missing or hidden shows`() {
        guard case .tls(let bare) = ClientOpening(HelloBuilder(serverName: nil).records()) else {
            Issue.record("not read")
            return
        }
        #expect(bare.serverName == nil)
        for type: UInt16 in [0xFE0D, 0xFFCE] {
            var builder = HelloBuilder()
            builder.extensions.append((type, [0, 0, 1]))
            guard case .tls(let hidden) = ClientOpening(builder.records()) else {
                Issue.record("not read")
                return
            }
            #expect(hidden.isEncrypted)
        }
    }

    @Test func `two names, an empty one and one of another type are refused`() {
        let name = Array("a.example".utf8)
        let lists: [[(UInt8, [UInt8])]] = [[(0, name), (0, name)], [(0, [])], [(1, name)], []]
        for names in lists {
            var builder = HelloBuilder(serverName: nil)
            builder.extensions.append((0, HelloBuilder.serverName(names)))
            #expect(ClientOpening(builder.records()) == .broken(.serverName))
        }
        var twice = HelloBuilder()
        twice.extensions.append((0, HelloBuilder.serverName([(0, name)])))
        #expect(ClientOpening(twice.records()) == .broken(.duplicate))
    }

    @Test func `what only looks like TLS is refused`() {
        #expect(ClientOpening([0x80, 0x2E, 1, 3, 1]) == .broken(.version2))
        #expect(ClientOpening([22, 2, 0, 0, 5]) == .broken(.record))
        #expect(ClientOpening([22, 3, 1, 0, 0]) == .broken(.record))
        #expect(ClientOpening([22, 3, 1, 0xFF, 0xFF]) == .broken(.record))
        #expect(ClientOpening([22, 3, 1, 0, 4, 2]) == .broken(.notHello))
        #expect(ClientOpening([22, 3, 1, 0x40, 0, 1, 0xFF, 0, 0]) == .broken(.tooLong))
        #expect(ClientOpening([22, 3, 1, 0, 10] + [1, 0, 0, 2] + [3, 3, 0, 0, 0, 0]) == .broken(.malformed))
    }

    @Test func `an announced length is not reserved`() {
        let opening = ClientOpening([22, 3, 1, 0x40, 0, 1, 0, 0x3F, 0xFC])
        #expect(opening == .incomplete(needed: 5 + 16_384))
        #expect(ClientOpening.peekLimit >= 5 + 16_384)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "POST /x HTTP/1.0\r\n", "PRI * HTTP/2.0\r\n\r\n", "M-SEARCH * HTTP/1.1\r\n",
    ])
    func `requests in the clear are told by their method`(text: String) {
        #expect(ClientOpening(Array(text.utf8)) == .clearHTTP)
    }

    @Test func `what is neither is neither`() {
        // PostgreSQL's SSLRequest, SSH's greeting, and a word that never ends.
        #expect(ClientOpening([0, 0, 0, 8, 4, 0xD2, 0x16, 0x2F]) == .other)
        #expect(ClientOpening(Array("SSH-2.0-OpenSSH".utf8)) == .other)
        #expect(ClientOpening([UInt8](repeating: 0x41, count: 40)) == .other)
        #expect(ClientOpening(Array("GE".utf8)) == .incomplete(needed: 3))
        #expect(ClientOpening([]) == .incomplete(needed: 1))
    }

    @Test func `no changed byte of a hello traps`() {
        let whole = HelloBuilder(protocols: ["h2"]).records(of: 60)
        for index in whole.indices {
            for value in [0, 1, 2, 22, 127, 128, 255] as [UInt8] {
                var changed = whole
                changed[index] = value
                _ = ClientOpening(changed)
            }
        }
    }
}
