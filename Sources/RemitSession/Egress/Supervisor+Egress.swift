// SPDX-License-Identifier: Apache-2.0
// The session's network: a gate of its own that is started beside the sandbox, served what the sandbox hands out, listened
// to, and closed first of all when the session ends.

internal import RemitGate
internal import RemitJournal
internal import RemitKernel
internal import RemitNetwork
internal import RemitSandbox
internal import RemitTask

/// What the supervisor knows about its session's network.
struct EgressState {
    var gate: Gate?
    var desk: SecretDesk?
    var batch = EgressBatch()
    var isSandboxReady = false
    var authority: String?
    var isReady = false
    var fenceAsked: BootInstant?
    var isFenceRecorded = false
    var flushTimer: EventLoop.TimerToken?
    var usage = GateUsage()
    /// What was narrowed since the start.
    var policy: EgressPolicy?
    /// Wait for the gate's end: leases are verified by it.
    var afterEnd: [() -> Void] = []
}

extension Supervisor {
    /// After a budget is used up its agent still hears so, in an answer that a machine can read.
    private static let budgetGrace: Duration = .seconds(1)

    /// A gate that is not ready by then never will be.
    private static let gatePatience: Duration = .seconds(10)

    /// After the sandbox's first process was cloned: no descriptor of the gate's, and no secret, is in it.
    func startGate() throws(SessionError) {
        guard admitted.network.isNeeded else { return }
        let plan = admitted.network
        let configuration = GateConfiguration(
            session: session, policy: plan.policy, bindings: plan.bindings, budgets: plan.budgets, prices: plan.prices,
            trust: plan.trust, hosts: plan.hosts, tripwire: plan.tripwire, remit: remitAnswer.canonicalText,
            lifetime: admitted.task.deadline.map { deadline in
                let end = admitted.admitted.boot.advanced(by: deadline.duration)
                return BootInstant.now.duration(to: end).nanoseconds / 1_000_000_000
            },
            identity: .unprivileged(session)
        )
        do {
            egress.gate = try Gate(configuration, on: loop) { [unowned self] event in self.hear(event) }
        } catch {
            throw SessionError(.failed, "cannot start the egress gate: \(error)", hint: "is `remit-egress` installed?")
        }
        loop.schedule(after: Self.gatePatience) { [weak self] in
            guard let self, !self.egress.isReady, self.machine.reason == nil else { return }
            self.feed(.cannotStart("the egress gate was not ready within \(Self.gatePatience)", code: 125))
        }
    }

    /// Who held the network, for whoever finishes the session without us.
    func recordGate() {
        guard let gate = egress.gate else { return }
        record(
            "egress.started",
            [
                "gate": [
                    "pid": .integer(Int(gate.identity?.pid ?? 0)),
                    "startTicks": .integer(Int(clamping: gate.identity?.startTicks ?? 0)),
                ]
            ])
    }

    /// What the agent is told at `remit.internal`.
    private var remitAnswer: JSONValue {
        let plan = admitted.network
        return [
            "session": .string(session), "task": .string(admitted.task.name),
            "intent": .optional(admitted.task.intent),
            "deadline": .optional(
                admitted.task.deadline.map { admitted.admitted.wall.advanced(by: $0.duration).rfc3339 }),
            "allow": .strings((admitted.task.network.allow ?? []).map(\.description)),
            "deny": .strings(admitted.task.network.deny.map(\.description)),
            "credentials": .array(
                Set(plan.bindings.map(\.lease)).sorted().map { name in
                    [
                        "name": .string(name),
                        "hosts": .strings(plan.bindings.filter { $0.lease == name }.map(\.hosts.description)),
                    ]
                }),
        ]
    }

    // MARK: the beginning

    /// The sandbox stands. Leases are asked for when the gate does as well.
    func sandboxIsReady() {
        guard egress.gate != nil else { return requestLeases() }
        egress.isSandboxReady = true
        openNetwork()
    }

    private func openNetwork() {
        guard egress.isSandboxReady, egress.isReady, let gate = egress.gate, let sandbox else { return }
        let listeners = sandbox.takeListeners()
        let isRedirected = listeners.contains { $0.kind == .redirected }
        record(
            "egress.listening",
            [
                "redirected": .bool(isRedirected),
                "ports": .array(Set(listeners.compactMap(\.port)).sorted().map { .integer(Int($0)) }),
            ])
        do {
            if let trust = sandbox.trust, trust.isOpen {
                let identity = admitted.plan.identity
                try TrustDelivery(directory: trust.number, user: identity.user, group: identity.group)
                    .deliver(authority: egress.authority)
                trust.close()
            }
        } catch {
            return feed(.cannotStart("cannot deliver what the session trusts: \(error)", code: 125))
        }
        gate.serve(listeners)
        requestLeases()
    }

    // MARK: hearing

    private func hear(_ event: Gate.Event) {
        switch event {
        case .said(let event): hear(event)
        case .ended(let why): gateEnded(why)
        }
    }

    private func hear(_ event: GateEvent) {
        switch event {
        case .ready(let authority):
            guard !egress.isReady else { return }
            egress.isReady = true
            egress.authority = authority
            openNetwork()
        case .record(let entry): note(entry)
        case .tripwire(let tripwire): hear(tripwire)
        case .budget(let dimension, let host, let threshold):
            let members = Self.members(dimension, host).merging(["percent": .integer(threshold.rawValue)]) { $1 }
            record("egress.budget", .object(members))
            status?.send("budget", members)
        case .exhausted(let dimension, let host): exhausted(dimension, host)
        case .fenced(nil, let connections): fenceStands(connections, "gate")
        case .fenced(let lease?, let connections):
            record("egress.withdrawn", ["lease": .string(lease), "connections": .integer(connections)])
            egress.desk?.fenced(lease: lease)
        case .usage(let usage): egress.usage = usage
        case .failed(let reason):
            record("egress.failed", ["reason": .string(reason)])
            // One that cannot do what it was told protects nothing that it was to protect.
            egress.gate?.kill()
        }
    }

    private func hear(_ tripwire: Tripwire) {
        record("egress.tripwire", tripwire.json)
        status?.send("tripwire", ["lease": .string(tripwire.lease), "host": .string(tripwire.host)])
        guard admitted.network.tripwire == .end, machine.reason == nil else { return }
        feed(.end(.scope, "the placeholder of `\(tripwire.lease)` went to \(tripwire.host), \(tripwire.place)"))
    }

    private static func members(_ dimension: BudgetDimension, _ host: String?) -> [String: JSONValue] {
        ["dimension": .string(dimension.rawValue), "host": .optional(host)]
    }

    private func exhausted(_ dimension: BudgetDimension, _ host: String?) {
        let members = Self.members(dimension, host)
        record("egress.exhausted", .object(members))
        status?.send("exhausted", members)
        let whose = host.map { "of `\($0)` " } ?? ""
        loop.schedule(after: Self.budgetGrace) { [unowned self] in
            guard self.machine.reason == nil else { return }
            self.feed(.end(.budget, "budget `\(dimension.rawValue)` \(whose)used up"))
        }
    }

    private func note(_ entry: EgressRecord) {
        monitor.sawOutput()
        if egress.batch.take(entry, at: .now) {
            write(entry)
        } else if egress.flushTimer == nil {
            egress.flushTimer = loop.schedule(after: EgressBatch.window) { [unowned self] in self.flushEgress() }
        }
    }

    private func flushEgress() {
        if let timer = egress.flushTimer { loop.cancel(timer) }
        egress.flushTimer = nil
        for entry in egress.batch.flush() { write(entry) }
    }

    private func write(_ entry: EgressRecord) {
        var members = entry.json.members ?? [:]
        members["kind"] = nil
        record("egress.\(entry.kind.rawValue)", .object(members))
    }

    // MARK: the end

    /// The first of all steps of the end: nothing leaves the session any more.
    func fenceGate() {
        guard let gate = egress.gate, !gate.hasEnded else { return }
        egress.fenceAsked = .now
        gate.fence()
    }

    private func fenceStands(_ connections: Int?, _ by: String) {
        guard let asked = egress.fenceAsked, !egress.isFenceRecorded else { return }
        egress.isFenceRecorded = true
        record(
            "egress.fenced",
            [
                "connections": .optional(connections), "by": .string(by),
                "microseconds": .integer(Int(clamping: asked.duration(to: .now).nanoseconds / 1000)),
            ])
        recordFence()
    }

    private func gateEnded(_ why: String) {
        flushEgress()
        egress.desk?.gateEnded()
        if egress.fenceAsked == nil {
            // Nobody told it to: whatever it was that ended it, the session has no network to go on with.
            record("egress.lost", ["reason": .string(why)])
            egress.fenceAsked = .now
            feed(.cannotStart("the egress gate is gone: \(why)", code: 125))
        }
        fenceStands(nil, "kill")
        if !egress.usage.session.isEmpty {
            record(
                "egress.usage",
                [
                    "session": .object(
                        egress.usage.session.reduce(into: [:]) { members, entry in
                            members[entry.key.rawValue] = .integer(Int(clamping: entry.value))
                        })
                ])
        }
        let waiting = egress.afterEnd
        egress.afterEnd = []
        for continuation in waiting { continuation() }
    }

    /// Runs `continuation` when nothing of the gate is left: at once where there is none.
    func whenGateEnded(_ continuation: @escaping () -> Void) {
        guard let gate = egress.gate, !gate.hasEnded else { return continuation() }
        egress.afterEnd.append(continuation)
    }

    // MARK: while it runs

    /// Takes hosts away from the running session; what is taken away does not come back.
    ///
    /// - Parameters:
    ///   - deny: what may not be reached any more.
    ///   - only: if there are any, nothing else may be reached any more.
    func narrow(deny: [NetworkEntry], only: [NetworkEntry]) -> Bool {
        guard let gate = egress.gate, !gate.hasEnded, !gate.isFenced, machine.reason == nil else { return false }
        var layers: [EgressLayer] = []
        let current = egress.policy ?? admitted.network.policy
        let denied = deny.compactMap { $0.narrowing(isDenial: true, ports: current.ports) }
        if !denied.isEmpty { layers.append(EgressLayer(name: "remit narrow", rules: denied, isOpen: true)) }
        let kept = only.compactMap { $0.narrowing(isDenial: false, ports: current.ports) }
        if !kept.isEmpty { layers.append(EgressLayer(name: "remit narrow", rules: kept)) }
        let narrowing = EgressPolicy(layers: layers)
        egress.policy = current.narrowed(by: narrowing)
        record(
            "egress.narrowed", ["deny": .strings(deny.map(\.description)), "only": .strings(only.map(\.description))])
        gate.send(.narrow(narrowing))
        return true
    }

    /// What `GET /session` tells of the network.
    var egressState: JSONValue {
        guard let gate = egress.gate else { return .null }
        return [
            "open": .bool(!gate.hasEnded && !gate.isFenced), "counts": recorder?.history.egress?.json ?? .null,
        ]
    }
}

extension GateIdentity {
    /// For a gate that root starts: a user that no account has, and not the agent's.
    fileprivate static func unprivileged(_ session: String) -> GateIdentity? {
        guard CurrentProcess.isRoot else { return nil }
        let user = AgentIdentity.unassigned(for: "\(session) gate")
        return GateIdentity(user: user, group: user)
    }
}

extension SandboxListener {
    fileprivate var port: UInt16? { if case .port(let port) = kind { port } else { nil } }
}
