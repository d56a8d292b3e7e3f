// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitKernel
internal import RemitNetwork

/// Takes the agent's connections in, and keeps them.
final class Relay {
    /// Connections taken in one turn.
    private static let burst = 32
    private static let pause: Duration = .milliseconds(100)
    private static let sweepInterval: Duration = .seconds(5)
    /// How long a connection of which one side has ended may be silent.
    private static let halfClosedLimit: Duration = .seconds(120)

    private let context: RelayContext
    private let limits: GateLimits
    private var listeners: [Listener] = []
    private var connections: [UInt64: ClientConnection] = [:]
    private var pending = 0
    private var lastNumber: UInt64 = 0
    private var isSweeping = false

    private struct Listener {
        let socket: WatchedSocket
        let kind: GateListener
    }

    init(_ context: RelayContext) {
        self.context = context
        limits = context.configuration.limits
    }

    /// Connections that are open here.
    var open: Int { connections.count }

    func serve(_ kind: GateListener, on descriptor: DescriptorBox) throws(SystemCallError) {
        let socket = WatchedSocket(descriptor, on: context.loop)
        let listener = Listener(socket: socket, kind: kind)
        socket.ready = { [weak self] _ in self?.accept(listener) }
        try socket.wait(for: .read)
        listeners.append(listener)
    }

    /// Decides by this policy from now on, also about what is open.
    func update(policy: EgressPolicy) {
        context.policy = policy
        for connection in connections.values {
            guard let grant = connection.grant, grant.treatment != .service else { continue }
            let now = try? ConnectionGrant(
                to: grant.destination, port: grant.port, policy: policy, configuration: context.configuration)
            if now?.treatment != grant.treatment { connection.cut("no longer allowed") }
        }
    }

    /// Lets nothing leave to a host any more. ``fence()`` has to follow in the same turn.
    ///
    /// - Returns: how many connections are open.
    func sever() -> Int {
        for connection in connections.values { connection.sever() }
        return connections.count
    }

    /// Closes everything.
    ///
    /// - Returns: how many connections were cut.
    func fence() -> Int {
        for listener in listeners { listener.socket.close() }
        listeners = []
        let open = connections.values
        for connection in open { connection.cut("fenced") }
        return open.count
    }

    private func accept(_ listener: Listener) {
        for _ in 0..<Self.burst {
            guard pending < limits.pending else { return pause() }
            do throws(SystemCallError) {
                let accepted = try Sockets.accept(listener.socket.number)
                take(WatchedSocket(accepted.socket, on: context.loop), from: listener)
            } catch {
                // Without descriptors the listener would be ready, and nothing to be done about it, for ever.
                if error.errno != .again { rest() }
                return
            }
        }
    }

    private func take(_ socket: WatchedSocket, from listener: Listener) {
        lastNumber += 1
        let connection = ClientConnection(socket, number: lastNumber, via: .transparent, context: context)
        let meant = listener.kind == .proxy ? nil : destination(of: socket.number, listener.kind)
        guard connections.count + context.inspector.open < limits.connections else {
            connection.asked = meant
            return connection.refuse(ConnectionRefusal("limit", "too many connections are open"))
        }
        connections[lastNumber] = connection
        pending += 1
        var wasPending = true
        connection.changed = { [weak self, unowned connection] in
            guard let self else { return }
            if wasPending, !connection.isPending {
                wasPending = false
                pending -= 1
                resume()
            }
            if connection.isOver { connections[connection.identifier] = nil }
        }
        if listener.kind == .proxy {
            connection.awaitProxyOpening()
        } else if let meant {
            connection.decide(meant.destination, port: meant.port)
        } else {
            connection.refuse(ConnectionRefusal("address", "the connection's destination is not known"))
        }
        sweepLater()
    }

    /// Where a connection was meant to go.
    private func destination(of socket: CInt, _ kind: GateListener) -> (destination: Destination, port: UInt16)? {
        let address: SocketAddress?
        switch kind {
        case .redirected: address = Sockets.originalDestination(of: socket)
        default: address = try? Sockets.localAddress(of: socket)
        }
        guard let address, let host = IPAddress(networkBytes: address.address) else { return nil }
        return (.address(host.unmapped), address.port)
    }

    // MARK: Limits

    /// Too many say nothing yet: the next ones wait in the kernel until some have.
    private func pause() {
        for listener in listeners { try? listener.socket.wait(for: []) }
    }

    private func rest() {
        pause()
        context.loop.schedule(after: Self.pause) { [weak self] in self?.resume() }
    }

    private func resume() {
        for listener in listeners { try? listener.socket.wait(for: .read) }
    }

    private func sweepLater() {
        guard !isSweeping else { return }
        isSweeping = true
        context.loop.schedule(after: Self.sweepInterval) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        isSweeping = false
        let now = BootInstant.now
        let idle = Duration.milliseconds(limits.idleMilliseconds)
        for connection in connections.values {
            guard case .passing(let streams) = connection.phase else { continue }
            let silence = streams.lastActivity.duration(to: now)
            if silence > (streams.isHalfClosed ? min(idle, Self.halfClosedLimit) : idle) { connection.cut("idle") }
        }
        if !connections.isEmpty { sweepLater() }
    }
}
