// SPDX-License-Identifier: Apache-2.0

import RemitNetwork
import Testing

@testable import RemitEgress

@Suite struct ProxyOpeningTests {
    private func opening(_ text: String) -> ProxyOpening { ProxyOpening(Array(text.utf8)) }

    @Test func `CONNECT names a host and a port`() throws {
        let head = "CONNECT Api.Example.com.:443 HTTP/1.1\r\nHost: api.example.com:443\r\nUser-Agent: x\r\n\r\n"
        let name = Destination.name(try HostName("api.example.com"))
        #expect(opening(head + "more") == .connect(name, port: 443, length: head.utf8.count))
        for end in 1..<head.utf8.count {
            guard case .incomplete = ProxyOpening(Array(head.utf8.prefix(end))) else {
                Issue.record("\(end) bytes were enough")
                return
            }
        }
    }

    @Test(arguments: [
        "CONNECT api.example.com HTTP/1.1\r\n\r\n", "CONNECT api.example.com:0 HTTP/1.1\r\n\r\n",
        "CONNECT api.example.com:65536 HTTP/1.1\r\n\r\n", "CONNECT user@api.example.com:443 HTTP/1.1\r\n\r\n",
        "CONNECT api.example.com:443 HTTP/2.0\r\n\r\n", "CONNECT  api.example.com:443 HTTP/1.1\r\n\r\n",
        "CONNECT http://api.example.com:443 HTTP/1.1\r\n\r\n", "CONNECT 0x7f.1:443 HTTP/1.1\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:444\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nContent-Length: 3\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\nHost: a.example:443\n\n", "CONNECT a.example:443 HTTP/1.1\r\n folded\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nA\0: b\r\n\r\n", "CONNECT a.example%00.b:443 HTTP/1.1\r\n\r\n",
    ])
    func `CONNECT in any other form is malformed`(text: String) {
        guard case .malformed = opening(text) else {
            Issue.record("\(opening(text))")
            return
        }
    }

    @Test func `a head that never ends is malformed`() {
        let long = "CONNECT a.example:443 HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 4000)
        #expect(opening(String(long.prefix(ProxyOpening.peekLimit))) == .malformed(.headTooLarge))
    }

    @Test func `an absolute target names host and port`() throws {
        let name = Destination.name(try HostName("example.com"))
        #expect(opening("GET http://example.com/x HTTP/1.1\r\n") == .absolute(name, port: 80))
        #expect(opening("POST http://example.com:8080/ HTTP/1.1\r\n") == .absolute(name, port: 8080))
        #expect(opening("GET http://[::1]:8080/ HTTP/1.1\r\n") == .absolute(.address(.v6(high: 0, low: 1)), port: 8080))
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "GET https://example.com/ HTTP/1.1\r\n", "GET ftp://example.com/ HTTP/1.1\r\n",
        "GET http://u:p@example.com/ HTTP/1.1\r\n", "GET http://example.com/ x HTTP/1.1\r\n",
    ])
    func `another target is malformed`(text: String) {
        guard case .malformed = opening(text) else {
            Issue.record("\(opening(text))")
            return
        }
    }

    @Test func `what is no language of proxies is not one`() {
        #expect(ProxyOpening([4, 1, 0, 80, 1, 2, 3, 4, 0]) == .unknown)
        #expect(ProxyOpening(HelloBuilder().records()) == .unknown)
        #expect(ProxyOpening([0]) == .unknown)
    }

    @Test func `a greeting of SOCKS is read`() {
        #expect(ProxyOpening([5, 1, 0]) == .socks(.open(length: 3)))
        #expect(ProxyOpening([5, 2, 2, 0, 9]) == .socks(.open(length: 4)))
        #expect(ProxyOpening([5, 1, 2]) == .socks(.closed))
        #expect(ProxyOpening([5, 0]) == .socks(.malformed))
        #expect(ProxyOpening([5]) == .socks(.incomplete(needed: 2)))
        #expect(ProxyOpening([5, 3, 0]) == .socks(.incomplete(needed: 5)))
    }

    @Test func `a request of SOCKS names a host or an address`() throws {
        let name = try HostName("example.com")
        let named: [UInt8] = [5, 1, 0, 3, 11] + Array("Example.com".utf8) + [1, 187]
        #expect(SocksRequest(named + [9]) == .connect(.name(name), port: 443, length: named.count))
        #expect(
            SocksRequest([5, 1, 0, 1, 10, 0, 0, 1, 0, 80]) == .connect(.address(.v4(0x0A00_0001)), port: 80, length: 10)
        )
        let mapped: [UInt8] = [5, 1, 0, 4] + [UInt8](repeating: 0, count: 10) + [255, 255, 10, 0, 0, 1, 0, 80]
        #expect(SocksRequest(mapped) == .connect(.address(.v4(0x0A00_0001)), port: 80, length: 22))
        for end in 0..<named.count {
            guard case .incomplete(let needed) = SocksRequest(Array(named[..<end])), needed > end else {
                Issue.record("\(end) bytes were enough")
                return
            }
        }
    }

    @Test func `what SOCKS must not do is refused`() {
        #expect(SocksRequest([5, 2, 0, 1, 10, 0, 0, 1, 0, 80]) == .refused(.commandNotSupported))
        #expect(SocksRequest([5, 3, 0, 1, 10, 0, 0, 1, 0, 80]) == .refused(.commandNotSupported))
        #expect(SocksRequest([5, 1, 0, 9, 1]) == .refused(.addressNotSupported))
        #expect(SocksRequest([5, 1, 0, 1, 10, 0, 0, 1, 0, 0]) == .refused(.notAllowed))
        let names = ["example.com\0.evil", "[::1]", "0177.1", "a b", ""]
        for name in names {
            let request: [UInt8] = [5, 1, 0, 3, UInt8(name.utf8.count)] + Array(name.utf8) + [0, 80]
            #expect(SocksRequest(request) == .refused(.notAllowed), "\(name)")
        }
    }
}
