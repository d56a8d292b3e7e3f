// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore
internal import NIOSSL
internal import RemitGate
internal import RemitNetwork

/// What all connections share: the policy, the secrets, the budgets. It is confined to the event loop.
final class InspectorCore {
    let loop: any EventLoop
    let limits: HTTPLimits
    let meter: BudgetMeter
    let connector: any UpstreamConnecting
    let report: @Sendable (GateEvent) -> Void
    let serverContexts: ServerContexts
    let upstreamContexts: UpstreamContexts
    let service: RemitService
    let authority: CertificateAuthority
    /// What is open, on either side.
    let sockets: OpenSockets
    var policy: EgressPolicy
    private(set) var secrets: SecretTable
    private let bindings: [SecretBinding]
    private let most: Int
    private var grants: [String: SecretGrant] = [:]
    private var fenced: Set<String> = []
    private let count: ConnectionCount
    private var connections: [ObjectIdentifier: AgentConnection] = [:] {
        didSet { count.set(connections.count) }
    }
    private var isClosed = false

    init(_ plan: InspectorPlan, loop: any EventLoop, count: ConnectionCount, sockets: OpenSockets) throws {
        self.count = count
        self.sockets = sockets
        let configuration = plan.configuration
        self.loop = loop
        meter = plan.meter
        connector = plan.connector
        report = plan.report
        policy = configuration.policy
        bindings = configuration.bindings
        most = configuration.limits.connections
        var limits = plan.limits
        limits.idleTime = min(limits.idleTime, configuration.limits.idleMilliseconds)
        self.limits = limits
        service = RemitService(configuration.remit)
        secrets = try SecretTable([])
        authority = try CertificateAuthority(
            session: configuration.session, now: plan.now, lifetime: plan.authorityLifetime
        )
        serverContexts = try ServerContexts(authority: authority)
        upstreamContexts = UpstreamContexts(
            additional: try configuration.trust.authorities.flatMap { try NIOSSLCertificate.fromPEMFile($0) },
            clients: try configuration.trust.clientCertificates.map { client in
                UpstreamContexts.ClientCertificate(
                    hosts: client.host, chain: try NIOSSLCertificate.fromPEMFile(client.certificate),
                    key: try NIOSSLPrivateKey(file: client.key, format: .pem)
                )
            }
        )
    }

    /// Takes over a connection.
    func adopt(descriptor: CInt, _ gate: GateConnection) {
        guard !isClosed, connections.count < most, let socket = sockets.add(descriptor, isHosts: false) else {
            return close(descriptor)
        }
        let connection = AgentConnection(gate, core: self, socket: socket)
        connections[ObjectIdentifier(connection)] = connection
        connection.start(descriptor: descriptor)
    }

    /// A connection is gone.
    func isGone(_ connection: AgentConnection) { connections[ObjectIdentifier(connection)] = nil }

    /// Closes a descriptor that nobody took over.
    func close(_ descriptor: CInt) { _ = Glibc.close(descriptor) }

    /// Whether a secret is going to be added to requests to a host.
    func isBound(_ destination: Destination, port: UInt16) -> Bool {
        (bindings + secrets.bindings).contains { $0.concerns(destination, port: port) }
    }

    /// Swaps a secret from now on.
    ///
    /// - Throws: where it cannot be recognised in a stream; then it is not swapped.
    func bind(_ grant: SecretGrant) throws(PatternError) {
        var grants = self.grants
        grants[grant.lease] = grant
        secrets = try SecretTable(Array(grants.values), fenced: fenced)
        self.grants = grants
    }

    /// Stops swapping a lease's secret, and cuts every connection that it was used on or may still be; of no lease, all.
    ///
    /// - Parameter completion: told how many were cut, when they are.
    func fence(lease: String?, completion: (Int) -> Void) {
        var concerned = Array(connections.values)
        if let lease {
            fenced.insert(lease)
            concerned = concerned.filter { $0.concerns(lease: lease) }
        } else {
            isClosed = true
        }
        for connection in concerned { connection.cut() }
        completion(concerned.count)
        // Compiling takes longer than cutting, and no request is read before it is done. It was possible before, so it is
        // now.
        if lease != nil, let table = try? SecretTable(Array(grants.values), fenced: fenced) { secrets = table }
    }

    /// Replaces the policy, and cuts what it does not allow any more.
    func update(policy: EgressPolicy) {
        self.policy = policy
        for connection in connections.values {
            let gate = connection.gate
            if case .denied = policy.connection(to: gate.destination, port: gate.port), !RemitService.isMeant(by: gate)
            {
                connection.cut()
            }
        }
    }

    /// Records a request that could not be read.
    func recordMalformed(_ connection: AgentConnection, reason: String, status: Int) {
        let gate = connection.gate
        var name: String?
        if case .name(let host) = gate.destination { name = host.text }
        report(
            .record(
                EgressRecord(
                    .request, isAllowed: false, rule: gate.rule.label, reason: "the request is malformed: \(reason)",
                    name: name, address: name == nil ? "\(gate.destination)" : nil, port: gate.port,
                    via: gate.via.rawValue, status: status
                )
            )
        )
    }
}
