// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOPosix
package import RemitGate
package import RemitNetwork
internal import Synchronization

/// What an inspector works with.
package struct InspectorPlan: Sendable {
    /// What the supervisor wants.
    package var configuration: GateConfiguration
    /// Counts what is used, together with whoever passes bytes through.
    package var meter: BudgetMeter
    /// Connects to hosts.
    package var connector: any UpstreamConnecting
    /// Tells the supervisor, from any thread.
    package var report: @Sendable (GateEvent) -> Void
    /// What a message may hold, and how long one may take.
    package var limits: HTTPLimits
    /// Seconds since 1970.
    package var now: Int64

    package init(
        configuration: GateConfiguration, meter: BudgetMeter, connector: any UpstreamConnecting,
        limits: HTTPLimits = HTTPLimits(), now: Int64,
        report: @escaping @Sendable (GateEvent) -> Void
    ) {
        self.configuration = configuration
        self.meter = meter
        self.connector = connector
        self.report = report
        self.limits = limits
        self.now = now
    }

    /// How long the session's authority, and whatever it signs, is valid, in seconds: a little longer than the session, for
    /// what is still said when it ends.
    var authorityLifetime: Int64 {
        configuration.lifetime.map { max(0, $0).addingReportingOverflow(Self.margin).partialValue } ?? Self.longest
    }

    private static let margin: Int64 = 300
    /// Of a session without a deadline, which then has no network to speak of in TLS that is read.
    private static let longest: Int64 = 8 * 86_400
}

/// Reads HTTP between the agent and its hosts: decides on every request, adds and removes secrets, counts.
///
/// It has a thread of its own. Everything may be called from any thread and takes effect in the order of the calls.
package final class Inspector: Sendable {
    /// The session's authority, in PEM.
    package let authority: String?

    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let core: NIOLoopBound<InspectorCore>
    private let count: ConnectionCount
    private let sockets: OpenSockets

    /// Makes the session's authority and starts the thread; blocks shortly.
    ///
    /// - Throws: where a file of the operator's trust cannot be read.
    package init(_ plan: InspectorPlan) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let count = ConnectionCount()
        let sockets = OpenSockets()
        self.count = count
        self.sockets = sockets
        (core, authority) = try loop.submit {
            let core = try InspectorCore(plan, loop: loop, count: count, sockets: sockets)
            return (NIOLoopBound(core, eventLoop: loop), core.authority.pem)
        }.wait()
        self.group = group
        self.loop = loop
    }

    /// Takes over a connected socket of the agent's, of which nothing was consumed; it is closed here.
    package func adopt(descriptor: CInt, connection: GateConnection) {
        loop.execute { [core] in core.value.adopt(descriptor: descriptor, connection) }
    }

    /// Swaps a secret from now on; where it cannot be recognised in a stream it is not, and the supervisor is told.
    package func bind(_ grant: SecretGrant) {
        loop.execute { [core] in
            do { try core.value.bind(grant) } catch {
                core.value.report(.failed("cannot bind the secret of \(grant.lease): \(error)"))
            }
        }
    }

    /// Stops swapping a lease's secret, and cuts every connection that it was used on; of no lease, every connection.
    ///
    /// - Parameter completion: told, on the inspector's thread, how many were cut; their sockets are closed by then.
    package func fence(lease: String?, completion: @escaping @Sendable (Int) -> Void) {
        if lease == nil { sockets.cutAll() }
        loop.execute { [core] in core.value.fence(lease: lease, completion: completion) }
    }

    /// Lets nothing leave to a host any more without waiting for the thread: it may be amid the bytes of fifty streams, and
    /// its turn takes longer than a fence may. For the rest a fence has to follow.
    ///
    /// - Parameter tell: called with how many of the agent's there were, when nothing leaves any more.
    package func sever(then tell: (Int) -> Void) {
        let open = count.current
        sockets.severHosts { tell(open) }
    }

    /// Replaces the policy; connections that it does not allow any more are cut.
    package func update(policy: EgressPolicy) {
        loop.execute { [core] in core.value.update(policy: policy) }
    }

    /// How many connections are open.
    package var open: Int { count.current }

    /// Cuts everything and ends the thread; blocks until it has ended.
    package func stop() throws {
        try loop.submit { [core] in core.value.fence(lease: nil) { _ in } }.wait()
        try group.syncShutdownGracefully()
    }
}

/// How many connections are open, for any thread to read.
final class ConnectionCount: Sendable {
    private let count = Atomic(0)

    var current: Int { count.load(ordering: .relaxed) }

    func set(_ value: Int) { count.store(value, ordering: .relaxed) }
}
