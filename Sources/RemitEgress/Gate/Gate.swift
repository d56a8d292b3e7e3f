// SPDX-License-Identifier: Apache-2.0

package import RemitGate
package import RemitKernel
internal import RemitNetwork

/// The egress gate of one session: it does what its supervisor says over the control socket, and ends with it.
package final class Gate {
    /// Makes what reads connections, from the configuration, a meter that counts what is used, a way to reach hosts, and a
    /// way to tell what happened.
    package typealias MakeInspector = (
        GateConfiguration, BudgetMeter, any UpstreamConnecting, @escaping @Sendable (GateEvent) -> Void
    ) throws -> any ConnectionInspecting

    private enum Phase {
        case waiting
        case serving(Service)
        /// Everything is closed; only questions are answered.
        case fenced(Service)
        case stopping
    }

    /// What other threads leave to this one.
    private enum Note: Sendable {
        case need(Outbox.Need)
        case cut(lease: String?, connections: Int)
    }

    private let loop: EventLoop
    private let makeInspector: MakeInspector
    private let notes: LoopMailbox<Note>
    private var channel: ControlChannel?
    private var outbox: Outbox?
    private var phase = Phase.waiting
    /// Whether everything that a fence cut is told of.
    private var isTold = true
    /// The supervisor asks what was used while not all of it is told.
    private var isUsageAsked = false
    private var ended: String?

    /// How long records that are alike are gathered.
    private static let interval: Duration = .seconds(1)
    /// How long a supervisor has to read the last words.
    private static let farewell: Duration = .seconds(2)

    /// - Throws: ``SystemCallError`` when the process has no descriptors left.
    package init(makeInspector: @escaping MakeInspector) throws(SystemCallError) {
        loop = try EventLoop()
        notes = try LoopMailbox()
        self.makeInspector = makeInspector
    }

    /// Serves until the supervisor says stop, or is gone.
    ///
    /// - Returns: why it ended, when that was not because it was told to.
    /// - Throws: ``SystemCallError`` when the kernel does not let it wait.
    package func run(control: consuming OwnedDescriptor) throws(SystemCallError) -> String? {
        let socket = DescriptorBox(control)
        let outbox = Outbox(socket.number) { [notes] in notes.post(.need($0)) }
        self.outbox = outbox
        let channel = ControlChannel(socket, outbox, on: loop) { [unowned self] in
            switch $0 {
            case .command(let command, let descriptors): perform(command, descriptors)
            case .ended(let reason): stop(reason)
            }
        }
        self.channel = channel
        let watch = try notes.deliver(on: loop) { [unowned self] in note($0) }
        try channel.start()
        var isOver = false
        try loop.run {
            guard case .stopping = phase else { return false }
            if !isOver {
                isOver = true
                // The end of the loop is looked at after each turn: this turn comes at the latest then.
                loop.schedule(after: Self.farewell) { channel.close() }
            }
            return channel.isDrained
        }
        loop.unwatch(watch)
        channel.close()
        return ended
    }

    private func perform(_ command: GateCommand, _ descriptors: [DescriptorBox]) {
        switch (command, phase) {
        case (.configure(let configuration), .waiting): configure(configuration)
        case (.listeners(let kinds), .serving(let service)): listen(kinds, descriptors, service)
        case (.bind(let grant), .serving(let service)): service.inspector.bind(grant)
        case (.narrow(let policy), .serving(let service)): service.narrow(by: policy)
        case (.fence(let lease?), .serving(let service)): fence(lease, service)
        case (.fence(nil), .serving(let service)): fenceAll(service)
        case (.fence, .fenced): outbox?.send(.fenced(lease: nil, connections: 0))
        case (.usage, .fenced) where !isTold: isUsageAsked = true
        case (.usage, .serving(let service)), (.usage, .fenced(let service)): outbox?.send(.usage(service.usage))
        case (.stop, _): stop(nil)
        case (.listeners, .fenced), (.bind, .fenced), (.narrow, .fenced): break
        default: stop("a command came out of its turn")
        }
    }

    private func configure(_ configuration: GateConfiguration) {
        guard let outbox else { return }
        do {
            outbox.aggregate(above: configuration.limits.recordsPerSecond)
            let service = try Service(
                configuration, loop: loop, makeInspector: makeInspector,
                report: { outbox.send($0) }, record: { outbox.record($0) }
            )
            // From here on nothing of the operator's is read any more.
            if CurrentProcess.isRoot, let identity = configuration.identity {
                try ProcessHardening.become(user: identity.user, group: identity.group)
            }
            phase = .serving(service)
            outbox.send(.ready(authority: service.inspector.authority))
        } catch {
            stop("the gate cannot be configured: \(error)")
        }
    }

    private func listen(_ kinds: [GateListener], _ descriptors: [DescriptorBox], _ service: Service) {
        do throws(SystemCallError) {
            for (kind, descriptor) in zip(kinds, descriptors) {
                guard try service.serve(kind, on: descriptor) else {
                    return stop("a listener's descriptor is not what it was said to be")
                }
            }
        } catch {
            stop("a listener cannot be served: \(error)")
        }
    }

    private func fence(_ lease: String, _ service: Service) {
        service.inspector.fence(lease: lease) { [notes] in notes.post(.cut(lease: lease, connections: $0)) }
    }

    private func fenceAll(_ service: Service) {
        phase = .fenced(service)
        outbox?.withhold()
        isTold = false
        // What it takes to close and to record fifty connections is not waited for.
        service.sever { outbox?.send(.fenced(lease: nil, connections: $0)) }
        _ = service.fence()
        service.inspector.fence(lease: nil) { [notes] in notes.post(.cut(lease: nil, connections: $0)) }
    }

    // MARK: Telling

    private func note(_ note: Note) {
        switch note {
        case .need(.room): channel?.flush()
        case .need(.time): loop.schedule(after: Self.interval) { [weak self] in self?.outbox?.drain() }
        case .cut(nil, _): fenceIsOver()
        case .cut(let lease, let connections): outbox?.send(.fenced(lease: lease, connections: connections))
        }
    }

    /// Every connection that a fence cut is closed and recorded: now it is told of them, and of what they took.
    private func fenceIsOver() {
        isTold = true
        outbox?.release()
        if isUsageAsked, case .fenced(let service) = phase { outbox?.send(.usage(service.usage)) }
    }

    /// Closes everything, tells the rest, and lets the loop end.
    private func stop(_ reason: String?) {
        switch phase {
        case .serving(let service):
            _ = service.fence()
            service.inspector.fence(lease: nil) { _ in }
        case .stopping: return
        case .waiting, .fenced: break
        }
        phase = .stopping
        ended = reason
        outbox?.release()
        if let reason { outbox?.send(.failed(reason)) }
    }
}
