// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitKernel
internal import RemitNetwork

/// What the connections of a relay share.
final class RelayContext {
    let loop: EventLoop
    let configuration: GateConfiguration
    let connector: UpstreamConnector
    let inspector: any ConnectionInspecting
    let meter: BudgetMeter
    let pool = PipePool()
    /// Something was decided.
    let report: (EgressRecord) -> Void
    /// What an address inside means.
    let meaning: (IPAddress) -> NameTable.Meaning

    /// What is allowed now.
    var policy: EgressPolicy

    init(
        loop: EventLoop, configuration: GateConfiguration, connector: UpstreamConnector,
        inspector: any ConnectionInspecting, meter: BudgetMeter,
        meaning: @escaping (IPAddress) -> NameTable.Meaning, report: @escaping (EgressRecord) -> Void
    ) {
        self.loop = loop
        self.configuration = configuration
        self.connector = connector
        self.inspector = inspector
        self.meter = meter
        self.meaning = meaning
        self.report = report
        policy = configuration.policy
    }

    /// Decides on a destination by what is allowed now.
    ///
    /// - Throws: ``ConnectionRefusal``
    func grant(_ destination: Destination, port: UInt16) throws(ConnectionRefusal) -> ConnectionGrant {
        try ConnectionGrant(to: destination, port: port, policy: policy, configuration: configuration)
    }

    /// What a client means: an address of the session's own networks is the name that it stands for.
    ///
    /// - Throws: ``ConnectionRefusal`` when it stands for none.
    func name(_ asked: Destination) throws(ConnectionRefusal) -> Destination {
        guard case .address(let address) = asked else { return asked }
        switch meaning(address.unmapped) {
        case .literal: return asked
        case .name(let name): return .name(name)
        case .gate: return .name(Self.gateName)
        case .nothing: throw ConnectionRefusal("address", "the address stands for no name")
        }
    }

    private static let gateName: HostName = {
        guard let name = try? HostName(SyntheticNetwork.name) else { preconditionFailure("the gate's name is no name") }
        return name
    }()
}
