// SPDX-License-Identifier: Apache-2.0
// The edge: performs what the machines decide, on the event loop's thread.

package import RemitKernel

/// Owns the leases of one session.
package final class LeaseKeeper {
    /// Whose leases these are.
    package struct Context: Sendable {
        package var session: String
        package var task: String
        package var owner: String
        package var epoch: Int
        package var deadline: Stamp

        package init(session: String, task: String, owner: String, epoch: Int, deadline: Stamp) {
            self.session = session
            self.task = task
            self.owner = owner
            self.epoch = epoch
            self.deadline = deadline
        }
    }

    /// What the keeper does to the world.
    package struct Hooks {
        /// Appends to the journal and, when durable, returns only after it is on disk.
        package var journal: (LeaseRecord, _ durable: Bool) throws -> Void
        /// Puts a credential where the agent finds it, replacing what was there under this name.
        package var deliver: (_ name: String, _ content: Secret) throws -> Void
        package var withdraw: (_ name: String) -> Void
        /// A person should know.
        package var alarm: (_ reason: String) -> Void

        package init(
            journal: @escaping (LeaseRecord, Bool) throws -> Void,
            deliver: @escaping (String, Secret) throws -> Void,
            withdraw: @escaping (String) -> Void,
            alarm: @escaping (String) -> Void
        ) {
            self.journal = journal
            self.deliver = deliver
            self.withdraw = withdraw
            self.alarm = alarm
        }
    }

    /// What a task asks for.
    package struct Wish: Sendable {
        package var name: String
        package var provider: String
        package var scope: [String: ProviderValue]
        /// Nil for ``LeaseKeeper/standardTTL``; the provider's maximum lowers it.
        package var ttl: Duration?
        package var isAgentHeld: Bool
        /// The identifier of the lease this one hangs on.
        package var parent: String?

        package init(
            name: String,
            provider: String,
            scope: [String: ProviderValue] = [:],
            ttl: Duration? = nil,
            isAgentHeld: Bool = false,
            parent: String? = nil
        ) {
            self.name = name
            self.provider = provider
            self.scope = scope
            self.ttl = ttl
            self.isAgentHeld = isAgentHeld
            self.parent = parent
        }
    }

    /// A credential outlives a dead supervisor by at most this long.
    package static let standardTTL: Duration = .seconds(120)

    let context: Context
    let hooks: Hooks
    let loop: EventLoop
    let policy: LeasePolicy
    private let providers: [String: any Provider]
    private var gates: [String: ProviderGate] = [:]

    var order: [String] = []
    var machines: [String: LeaseMachine] = [:]
    private var timers: [String: EventLoop.TimerToken] = [:]
    private var waiting: [String: (Result<Lease, LeaseFailure>) -> Void] = [:]
    /// Revocations that wait for the leases hanging on theirs.
    private var held: [(lease: String, request: ProviderRequest)] = []
    /// Leases of which a record is missing in the journal.
    private var unrecorded: Set<String> = []
    private var inbox: [(lease: String, input: LeaseInput)] = []
    private var isDraining = false
    var isStopped = false
    var isEnding = false
    var finish: (([Lease]) -> Void)?
    var patience: EventLoop.TimerToken?

    /// How many calls one provider instance handles at a time.
    package var callLimit = 4
    /// How many credentials may be minted in one burst by each instance, and how often one more.
    package var mintBurst = 16
    package var mintInterval: Duration = .seconds(2)

    package init(
        context: Context,
        providers: [any Provider],
        loop: EventLoop,
        policy: LeasePolicy = LeasePolicy(),
        hooks: Hooks
    ) {
        self.context = context
        self.providers = Dictionary(providers.map { ($0.instance, $0) }) { first, _ in first }
        self.loop = loop
        self.policy = policy
        self.hooks = hooks
    }

    /// All leases, in the order in which they were asked for.
    package var leases: [Lease] { order.compactMap { machines[$0]?.lease } }

    /// Asks for a credential. The completion runs once: when it is delivered, or when it will not be.
    ///
    /// - Returns: the lease's identifier.
    @discardableResult
    package func request(_ wish: Wish, completion: @escaping (Result<Lease, LeaseFailure>) -> Void) -> String {
        let provider = providers[wish.provider]
        // What is in an environment cannot be replaced, so there one issue must last as long as it may.
        let isFixed = wish.isAgentHeld && provider?.renewalReplacesContent == true
        let maximum = provider?.maximumTTL ?? .seconds(86_400)
        let ttl = min(wish.ttl ?? (isFixed ? maximum : Self.standardTTL), maximum)
        var request = LeaseRequest(
            name: wish.name,
            provider: wish.provider,
            session: context.session,
            task: context.task,
            owner: context.owner,
            scope: wish.scope,
            ttl: ttl,
            deadline: context.deadline,
            isAgentHeld: wish.isAgentHeld,
            parent: wish.parent,
            epoch: context.epoch
        )
        request.isRenewable = !isFixed
        var policy = policy
        policy.issueTimeLimit = max(policy.issueTimeLimit, provider?.timeLimit ?? .zero)
        add(LeaseMachine(request, policy: policy))
        waiting[request.lease] = completion
        if isEnding || isStopped {
            send(.deny(reason: "the session is ending"), to: request.lease)
        } else if provider == nil {
            send(.deny(reason: "provider `\(wish.provider)` is not configured"), to: request.lease)
        } else {
            send(.start, to: request.lease)
        }
        return request.lease
    }

    /// Withholds every credential of this name, or of all names.
    package func suspend(name: String? = nil, reason: String) {
        for lease in leases where name == nil || lease.name == name {
            send(.suspend(reason: reason), to: lease.identifier)
        }
    }

    package func resume(name: String? = nil) {
        for lease in leases where name == nil || lease.name == name { send(.resume, to: lease.identifier) }
    }

    func add(_ machine: LeaseMachine) {
        order.append(machine.lease.identifier)
        machines[machine.lease.identifier] = machine
    }

    // MARK: Inputs and actions

    func send(_ input: LeaseInput, to lease: String) {
        inbox.append((lease, input))
        guard !isDraining else { return }
        isDraining = true
        while !inbox.isEmpty {
            let (lease, input) = inbox.removeFirst()
            handle(input, lease)
        }
        isDraining = false
        settle()
    }

    private func handle(_ input: LeaseInput, _ identifier: String) {
        guard !isStopped, var machine = machines[identifier] else { return }
        let actions = machine.handle(input, at: .now)
        machines[identifier] = machine
        if let timer = timers.removeValue(forKey: identifier) { loop.cancel(timer) }
        for action in actions { perform(action, machine.lease) }
        report(machine.lease)
        releaseHeld()
    }

    private func perform(_ action: LeaseAction, _ lease: Lease) {
        switch action {
        case .record(let record, let durable): self.record(record, durable, lease)
        case .call(let request): call(request, lease)
        case .deliver(let content):
            do {
                try hooks.deliver(lease.name, content)
            } catch {
                inbox.append((lease.identifier, .end(reason: "cannot be delivered: \(error)")))
            }
        case .withdraw: hooks.withdraw(lease.name)
        case .wake(let moment):
            timers[lease.identifier] = loop.schedule(at: moment) { [weak self] in
                self?.timers[lease.identifier] = nil
                self?.send(.tick, to: lease.identifier)
            }
        case .alarm(let reason): hooks.alarm(reason)
        }
    }

    private func record(_ record: LeaseRecord, _ durable: Bool, _ lease: Lease) {
        do {
            // A history with a hole cannot be read back, so what must be on record first is not done any more.
            let isMinting = record.event == .minting || record.event == .renewing
            if isMinting && unrecorded.contains(lease.identifier) {
                return inbox.append((lease.identifier, .journalFailed(reason: "an earlier record is missing")))
            }
            try hooks.journal(record, durable)
            if durable { inbox.append((lease.identifier, .journaled)) }
        } catch {
            if unrecorded.insert(lease.identifier).inserted {
                hooks.alarm("the journal does not take `\(record.event.rawValue)` of `\(lease.name)`: \(error)")
            }
            // Everything but the write-ahead goes on: ending access matters more than recording it.
            if durable { inbox.append((lease.identifier, .journalFailed(reason: "\(error)"))) }
        }
    }

    private func call(_ request: ProviderRequest, _ lease: Lease) {
        if request.operation == .revoke, !RevocationOrder.mayRevoke(lease, among: leases) {
            return held.append((lease.identifier, request))
        }
        dispatch(request, lease.identifier)
    }

    private func dispatch(_ request: ProviderRequest, _ lease: String) {
        guard let gate = gate(request.instance) else {
            let failure = LeaseFailure(
                .permanent, "provider `\(request.instance)` is not configured", isDefinite: true
            )
            return inbox.append((lease, .failed(failure)))
        }
        gate.submit(request) { [weak self] reply in self?.send(Self.input(reply, request.operation), to: lease) }
    }

    private func gate(_ instance: String) -> ProviderGate? {
        if let gate = gates[instance] { return gate }
        guard let provider = providers[instance] else { return nil }
        let gate = ProviderGate(
            provider, limit: callLimit, patience: policy.issuePatience, mints: mintBurst, per: mintInterval, loop: loop
        )
        gates[instance] = gate
        return gate
    }

    /// A reply to something else than was asked is a failure like any other.
    private static func input(_ reply: ProviderReply, _ operation: ProviderRequest.Operation) -> LeaseInput {
        switch (operation, reply) {
        case (.issue, .issued(let credential)): .issued(credential)
        case (.renew, .renewed(let expires, let content)): .renewed(expires: expires, content: content)
        case (.revoke, .acknowledged): .acknowledged
        case (.probe, .probed(let finding)): .probed(finding)
        case (_, .failed(let failure)): .failed(failure)
        case (_, .timedOut): .timedOut
        default: .failed(LeaseFailure(.permanent, "the provider answered another question", isDefinite: false))
        }
    }

    private func releaseHeld() {
        let ready = held.filter { entry in
            machines[entry.lease].map { RevocationOrder.mayRevoke($0.lease, among: leases) } ?? true
        }
        guard !ready.isEmpty else { return }
        let names = Set(ready.map(\.lease))
        held.removeAll { names.contains($0.lease) }
        for entry in ready { dispatch(entry.request, entry.lease) }
    }

    private func report(_ lease: Lease) {
        if lease.state == .requested || lease.state == .minting { return }
        guard let completion = waiting.removeValue(forKey: lease.identifier) else { return }
        if lease.state.isUsable || lease.state == .suspended { return completion(.success(lease)) }
        let message = lease.lastMessage ?? lease.reason ?? "it could not be issued"
        completion(.failure(LeaseFailure(lease.lastFailure ?? .permanent, message, isDefinite: lease.state == .void)))
    }

    func stop() {
        isStopped = true
        for timer in timers.values { loop.cancel(timer) }
        timers.removeAll()
        for gate in gates.values { gate.stop() }
        if let patience { loop.cancel(patience) }
    }
}
