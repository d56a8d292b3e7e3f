// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitKernel
internal import RemitNetwork

/// What a configured gate is made of.
final class Service {
    let inspector: any ConnectionInspecting
    private let meter: BudgetMeter
    private let connector: UpstreamConnector
    private let upstream: UpstreamPort
    private let relay: Relay
    private let names: NameServer
    private let responder: ResponderBox
    private var policy: EgressPolicy
    private var isFenced = false

    /// Shared between the name server, which fills its table, and the relay, which reads it.
    private final class ResponderBox {
        var responder: NameResponder
        init(_ responder: NameResponder) { self.responder = responder }
    }

    init(
        _ configuration: GateConfiguration, loop: EventLoop, makeInspector: Gate.MakeInspector,
        report: @escaping @Sendable (GateEvent) -> Void, record: @escaping (EgressRecord) -> Void
    ) throws {
        var configuration = configuration
        // A spliced connection has two sockets, and two pipes while it moves something; the gate's own and the inspector's
        // threads need a few as well.
        let descriptors = ProcessHardening.raiseDescriptorLimit()
        configuration.limits.connections = min(configuration.limits.connections, max(16, (descriptors - 256) / 4))
        policy = configuration.policy
        meter = BudgetMeter(configuration.budgets, prices: configuration.prices, report: report)
        let book = try AddressBook(loop: loop, hosts: configuration.hosts, limit: configuration.limits.names)
        connector = UpstreamConnector(
            loop: loop, book: book, policy: policy, limit: .milliseconds(configuration.limits.connectMilliseconds))
        upstream = try UpstreamPort()
        inspector = try makeInspector(configuration, meter, upstream, report)
        let box = ResponderBox(NameResponder(policy: policy, limit: configuration.limits.names))
        responder = box
        let context = RelayContext(
            loop: loop, configuration: configuration, connector: connector, inspector: inspector, meter: meter,
            meaning: { box.responder.table.meaning(of: $0) }, report: record
        )
        relay = Relay(context)
        names = NameServer(loop: loop) { query in
            let (reply, asked) = box.responder.answer(query)
            if let asked { record(asked) }
            return reply
        }
        try upstream.serve(with: connector, on: loop) { [weak self] in self?.isFenced == false }
    }

    /// Serves a socket.
    ///
    /// - Returns: whether it is of the kind that it was said to be.
    func serve(_ kind: GateListener, on descriptor: DescriptorBox) throws(SystemCallError) -> Bool {
        let number = descriptor.number
        if kind == .names {
            guard Sockets.isSocket(number, .datagrams) else { return false }
            try names.serve(datagrams: descriptor)
            return true
        }
        let isVersion6 = Sockets.isSocket(number, .streamV6)
        guard isVersion6 || Sockets.isSocket(number, .stream), Sockets.isListening(number) else { return false }
        Sockets.setNonBlocking(number)
        switch kind {
        case .nameConnections: try names.serve(connections: descriptor)
        case .redirected, .port:
            // Only now would somebody hear who connects to an address of version 6.
            if isVersion6 { responder.responder.hasVersion6 = true }
            try relay.serve(kind, on: descriptor)
        case .proxy, .service, .names: try relay.serve(kind, on: descriptor)
        }
        return true
    }

    var usage: GateUsage { meter.usage(open: relay.open &+ inspector.open) }

    func narrow(by other: EgressPolicy) {
        policy = policy.narrowed(by: other)
        connector.policy = policy
        responder.responder.policy = policy
        relay.update(policy: policy)
        inspector.update(policy: policy)
    }

    /// Lets nothing leave to a host any more. ``fence()``, and the inspector's, have to follow in the same turn.
    ///
    /// - Parameter tell: called once, before this returns, with how many of the agent's connections are cut by that.
    func sever(then tell: (Int) -> Void) {
        isFenced = true
        let open = relay.sever()
        inspector.sever { tell(open &+ $0) }
    }

    /// Closes everything but what the inspector has.
    ///
    /// - Returns: how many connections were cut.
    func fence() -> Int {
        isFenced = true
        names.close()
        let count = relay.fence()
        connector.fence()
        return count
    }
}
