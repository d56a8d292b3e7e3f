// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import RemitNetwork
import Synchronization
import Testing

@testable import RemitEgress

@Suite struct UpstreamConnectorTests {
    private static let loopbackNetwork = Network(.v4(0x7F00_0000), prefix: 8)

    private func rule(opening networks: [Network?] = [loopbackNetwork]) throws -> EgressRule {
        EgressRule(label: "r", host: .any, ports: [443], addresses: networks.compactMap(\.self))
    }

    /// A connector whose resolver gives these answers, one after the other.
    private final class Scene {
        let loop: EventLoop
        let connector: UpstreamConnector
        let lookups = Lookups()
        private(set) var result: Result<IPAddress, UpstreamError>?

        final class Lookups: Sendable {
            let answers = Mutex<[AddressBook.Answer]>([])
            let count = Mutex(0)
        }

        init(
            _ answers: [AddressBook.Answer], hosts: [HostName: [IPAddress]] = [:], rule: EgressRule,
            limit: Duration = .seconds(5), isOwn: @escaping (IPAddress) -> Bool = { _ in false }
        ) throws {
            loop = try EventLoop()
            lookups.answers.withLock { $0 = answers }
            let lookups = lookups
            let book = try AddressBook(loop: loop, hosts: hosts, limit: 100) { _ in
                lookups.count.withLock { $0 += 1 }
                return lookups.answers.withLock {
                    $0.isEmpty ? .failure(UpstreamError("unresolved", "none left")) : $0.removeFirst()
                }
            }
            connector = UpstreamConnector(
                loop: loop, book: book, policy: EgressPolicy(layers: [EgressLayer(name: "t", rules: [rule])]),
                limit: limit, isOwn: isOwn)
        }

        func connect(
            _ port: UInt16, rule: EgressRule, to host: String = "a.example"
        ) throws -> Result<IPAddress, UpstreamError> {
            result = nil
            _ = connector.connect(to: try Destination(Array(host.utf8)), port: port, rule: rule) { [unowned self] in
                result = $0.map(\.address)
            }
            #expect(result == nil, "never from within the call")
            try loop.wait { result != nil }
            return try #require(result)
        }
    }

    private func listener() throws -> (DescriptorBox, UInt16) {
        let box = DescriptorBox(try Sockets.listen(on: .loopback()))
        return (box, try Sockets.localAddress(of: box.number).port)
    }

    @Test func `a name is resolved once, and pinned`() throws {
        let (box, port) = try listener()
        let rule = try rule()
        let scene = try Scene([.success([.v4(0x7F00_0001)]), .success([.v4(0x0A00_0001)])], rule: rule)
        for _ in 0..<3 { #expect(try scene.connect(port, rule: rule) == .success(.v4(0x7F00_0001))) }
        #expect(scene.lookups.count.withLock { $0 } == 1)
        withExtendedLifetime(box) {}
    }

    @Test func `a name that resolves to a special address is refused`() throws {
        let (box, port) = try listener()
        let rule = try rule(opening: [])
        let special = [
            "127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0",
            "fe80::1", "224.0.0.1", "100.64.0.1", "fd00::1", "2002:7f00:1::1", "198.18.0.1",
        ]
        for text in special {
            let address = try #require(IPAddress(text))
            let scene = try Scene([.success([address])], rule: rule)
            guard case .failure(let error) = try scene.connect(port, rule: rule) else {
                Issue.record("\(text) was connected to")
                return
            }
            #expect(error.isDenial)
            #expect(error.code == "address")
        }
        withExtendedLifetime(box) {}
    }

    @Test func `an address of this host's own is refused unless the rule names it`() throws {
        let own = try #require(IPAddress("8.8.4.4"))
        let forms = ["8.8.4.4", "::ffff:8.8.4.4", "64:ff9b::808:404"]
        for text in forms {
            let address = try #require(IPAddress(text))
            #expect(address.scope == .global, "it is as any other")
            let closed = try rule(opening: [])
            let scene = try Scene([.success([address])], rule: closed, isOwn: { $0 == own })
            #expect(
                try scene.connect(443, rule: closed)
                    == .failure(
                        UpstreamError(
                            "address", "the address is this host's own, and r does not open it", isDenial: true)))
        }
        // Only the others are connected to: here there is one, and nobody listens on it.
        let (box, port) = try listener()
        let open = try rule()
        let both = try Scene([.success([own, .v4(0x7F00_0001)])], rule: open, isOwn: { $0 == own })
        #expect(try both.connect(port, rule: open) == .success(.v4(0x7F00_0001)))
        // A rule that names it is a rule for it; so is loopback's, which is this host's own as well.
        let loopback = try Scene([.success([.v4(0x7F00_0001)])], rule: open, isOwn: { _ in true })
        #expect(try loopback.connect(port, rule: open) == .success(.v4(0x7F00_0001)))
        withExtendedLifetime(box) {}
    }

    @Test func `the operator's addresses come before the resolver's and are checked like them`() throws {
        let (box, port) = try listener()
        let name = try HostName("a.example")
        let open = try rule()
        let scene = try Scene([], hosts: [name: [.v4(0x7F00_0001)]], rule: open)
        #expect(try scene.connect(port, rule: open) == .success(.v4(0x7F00_0001)))
        #expect(scene.lookups.count.withLock { $0 } == 0)
        let closed = try rule(opening: [])
        #expect(throws: UpstreamError.self) {
            try Scene([], hosts: [name: [.v4(0x7F00_0001)]], rule: closed).connect(port, rule: closed).get()
        }
        withExtendedLifetime(box) {}
    }

    @Test func `addresses that do not answer delay the next by a quarter of a second only`() throws {
        let (box, port) = try listener()
        let rule = try rule()
        // A listener whose queue is full drops what comes: the kernel then tries again, and again.
        let full = DescriptorBox(try Sockets.listen(on: SocketAddress([127, 0, 0, 9], port: port), backlog: 0))
        let fillers = try (0..<4).map { _ in
            DescriptorBox(try Sockets.connect(to: SocketAddress([127, 0, 0, 9], port: port)))
        }
        let scene = try Scene([.success([.v4(0x7F00_0009), .v4(0x7F00_0001)])], rule: rule)
        let start = BootInstant.now
        #expect(try scene.connect(port, rule: rule) == .success(.v4(0x7F00_0001)))
        let delay = start.duration(to: .now)
        #expect(delay >= .milliseconds(240))
        #expect(delay < .seconds(4))
        withExtendedLifetime((box, full, fillers)) {}
    }

    @Test func `a refused address makes way for the next at once`() throws {
        let (box, port) = try listener()
        let rule = try rule()
        let scene = try Scene([.success([.v4(0x7F00_0008), .v4(0x7F00_0001)])], rule: rule)
        #expect(try scene.connect(port, rule: rule) == .success(.v4(0x7F00_0001)))
        withExtendedLifetime(box) {}
    }

    @Test func `when no address answers the name is resolved anew next time`() throws {
        let (box, port) = try listener()
        let rule = try rule()
        let scene = try Scene([.success([.v4(0x7F00_0008)]), .success([.v4(0x7F00_0001)])], rule: rule)
        guard case .failure(let error) = try scene.connect(port, rule: rule) else {
            Issue.record("connected")
            return
        }
        #expect(error.code == "refused")
        #expect(try scene.connect(port, rule: rule) == .success(.v4(0x7F00_0001)))
        withExtendedLifetime(box) {}
    }

    @Test func `a fence breaks off what is being connected, and says so`() throws {
        let rule = try rule()
        let scene = try Scene([], rule: rule)
        var failure: UpstreamError?
        _ = scene.connector.connect(to: .address(.v4(0x7F00_0001)), port: 9, rule: rule) {
            if case .failure(let error) = $0 { failure = error }
        }
        scene.connector.fence()
        #expect(failure == .fenced)
        try scene.loop.run(for: .milliseconds(50))
    }

    @Test func `versions take turns`() {
        let (a, b, c): (IPAddress, IPAddress, IPAddress) = (.v4(1), .v4(2), .v4(3))
        let (x, y): (IPAddress, IPAddress) = (.v6(high: 1, low: 1), .v6(high: 1, low: 2))
        #expect(AddressOrder.interleaved([x, y, a, b, c]) == [x, a, y, b, c])
        #expect(AddressOrder.interleaved([a, a, x]) == [a, x])
        #expect(AddressOrder.interleaved([]) == [])
        #expect(AddressOrder.interleaved((0..<50).map { .v4($0) }).count == AddressOrder.limit)
    }

    @Test func `the system's resolver knows localhost`() throws {
        let addresses = try SystemResolver.addresses(of: try HostName("localhost")).get()
        #expect(addresses.contains(.v4(0x7F00_0001)) || addresses.contains(.v6(high: 0, low: 1)))
    }
}
