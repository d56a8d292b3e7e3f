// SPDX-License-Identifier: Apache-2.0

import RemitGate
import RemitKernel
import RemitNetwork
import Synchronization
import Testing

@testable import RemitEgress

/// Keeps what it is given to read, and reads nothing.
final class WaitingInspector: ConnectionInspecting {
    struct Adopted: Sendable {
        let descriptor: CInt
        let connection: GateConnection
    }

    let adopted = Mutex<[Adopted]>([])
    /// How it tells what happens, once a gate has it.
    let report = Mutex<(@Sendable (GateEvent) -> Void)?>(nil)
    /// What it does while the policy is replaced, on the gate's own thread.
    let whenUpdated = Mutex<(@Sendable () -> Void)?>(nil)
    let authority: String? = "none"
    var open: Int { adopted.withLock { $0.count } }

    func adopt(descriptor: CInt, connection: GateConnection) {
        adopted.withLock { $0.append(Adopted(descriptor: descriptor, connection: connection)) }
    }

    func bind(_ grant: SecretGrant) {}

    func fence(lease: String?, completion: @escaping @Sendable (Int) -> Void) {
        let cut = adopted.withLock { adopted in
            defer { adopted = [] }
            return adopted
        }
        for item in cut { _ = OwnedDescriptor(adopting: item.descriptor) }
        completion(cut.count)
    }

    func sever(then tell: (Int) -> Void) { tell(open) }

    func update(policy: EgressPolicy) { whenUpdated.withLock { $0 }?() }

    deinit { fence(lease: nil) { _ in } }
}

/// A relay on loopback, an upstream server beside it, and clients, all on one loop.
final class RelayScene {
    let loop: EventLoop
    let inspector = WaitingInspector()
    let relay: Relay
    let meter: BudgetMeter
    let context: RelayContext
    private let upstream: WatchedSocket
    private let proxy: SocketAddress
    /// The port of the upstream server, at every address of the loopback.
    let port: UInt16
    /// A listener whose own address counts as the destination.
    let transparent: SocketAddress
    private(set) var servers: [LoopPeer] = []
    private(set) var records: [EgressRecord] = []
    /// What addresses mean.
    var meanings: [IPAddress: NameTable.Meaning] = [:]

    init(
        limits: GateLimits = GateLimits(), budgets: BudgetPlan = BudgetPlan(), bindings: [SecretBinding] = [],
        _ makeRules: (UInt16) throws -> [EgressRule]
    ) throws {
        let loop = try EventLoop()
        self.loop = loop
        let (server, listener) = try Self.listeners()
        port = try Sockets.localAddress(of: server.number).port
        let policy = EgressPolicy(layers: [EgressLayer(name: "the task", rules: try makeRules(port))])
        var hosts: [HostName: [IPAddress]] = [:]
        for name in ["a.example", "b.example", "opaque.example", "guarded.example", "clear.example", "read.example"] {
            hosts[try HostName(name)] = [.v4(0x7F00_0001)]
        }
        hosts[try HostName("down.example")] = [.v4(0x7F00_0007)]
        let configuration = GateConfiguration(
            session: "s", policy: policy, bindings: bindings, budgets: budgets, hosts: hosts, limits: limits)
        meter = BudgetMeter(budgets) { _ in }
        let connector = UpstreamConnector(
            loop: loop, book: try AddressBook(loop: loop, hosts: hosts, limit: 10), policy: policy, limit: .seconds(3))
        let box = Box()
        context = RelayContext(
            loop: loop, configuration: configuration, connector: connector, inspector: inspector, meter: meter,
            meaning: { box.scene?.meanings[$0] ?? .literal }, report: { box.scene?.records.append($0) })
        relay = Relay(context)
        upstream = WatchedSocket(server, on: loop)
        let proxyListener = DescriptorBox(try Sockets.listen(on: .loopback()))
        proxy = try Sockets.localAddress(of: proxyListener.number)
        transparent = try Sockets.localAddress(of: listener.number)
        box.scene = self
        try relay.serve(.proxy, on: proxyListener)
        try relay.serve(.port(port), on: listener)
        upstream.ready = { [unowned self] _ in
            guard let accepted = try? Sockets.accept(upstream.number) else { return }
            if let peer = try? LoopPeer(accepted.socket, on: loop) { servers.append(peer) }
        }
        try upstream.wait(for: .read)
    }

    /// Two listeners at one port: the server's, and the one that stands for it. Somebody else may have the port at one of the
    /// addresses.
    private static func listeners() throws -> (server: DescriptorBox, standIn: DescriptorBox) {
        for _ in 0..<50 {
            let server = DescriptorBox(try Sockets.listen(on: .loopback()))
            let port = try Sockets.localAddress(of: server.number).port
            guard let other = try? Sockets.listen(on: SocketAddress([127, 0, 0, 2], port: port)) else { continue }
            return (server, DescriptorBox(other))
        }
        throw SystemCallError("find a port", .again)
    }

    private final class Box { weak var scene: RelayScene? }

    /// A client of the explicit proxy.
    func client() throws -> LoopPeer { try LoopPeer.connect(to: proxy, on: loop) }

    /// A client that connects to an address that stands for a name.
    func client(meaning name: String) throws -> LoopPeer {
        meanings[.v4(0x7F00_0002)] = .name(try HostName(name))
        return try LoopPeer.connect(to: transparent, on: loop)
    }

    func connect(_ name: String) -> String { "CONNECT \(name):\(port) HTTP/1.1\r\nHost: \(name):\(port)\r\n\r\n" }

    func server() throws -> LoopPeer {
        try loop.wait { !servers.isEmpty }
        return servers[0]
    }

    /// Rules for the names above.
    static func rules(_ port: UInt16) throws -> [EgressRule] {
        let loopback = [Network(.v4(0x7F00_0000), prefix: 8)].compactMap(\.self)
        return [
            EgressRule(label: "tls", host: .exact(try HostName("a.example")), ports: [port], addresses: loopback),
            EgressRule(label: "down", host: .exact(try HostName("down.example")), ports: [port], addresses: loopback),
            EgressRule(
                label: "opaque", host: .exact(try HostName("opaque.example")), ports: [port], opaque: .always,
                addresses: loopback),
            EgressRule(
                label: "guarded", host: .exact(try HostName("guarded.example")), ports: [port], opaque: .unlessTLS,
                addresses: loopback),
            EgressRule(
                label: "clear", host: .exact(try HostName("clear.example")), ports: [port], allowsClearText: true,
                addresses: loopback),
            EgressRule(
                label: "read", host: .exact(try HostName("read.example")), ports: [port],
                http: HTTPRule(methods: ["GET"]), addresses: loopback),
        ]
    }
}
