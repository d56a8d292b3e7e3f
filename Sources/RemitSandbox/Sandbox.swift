// SPDX-License-Identifier: Apache-2.0
// A running sandbox: makes what the plan needs around it, starts it, and says what becomes of it.

package import RemitKernel
internal import RemitTask

/// What a sandbox tells its supervisor, in this order; some never come.
package enum SandboxEvent {
    /// Everything is built; nothing of the agent has run. ``Sandbox/release(secrets:)`` lets it.
    case ready
    /// What the sandbox must refuse was attempted inside, and refused; the agent's program is executed next.
    case proved(ConfinementProof)
    /// The agent's program was executed.
    case started
    /// A step failed; nothing of the agent has run.
    case failed(LaunchFailure)
    /// The agent's main process ended.
    case agentEnded(WaitStatus)
    /// A forbidden system call was tried, and refused.
    case refused(call: String)
    /// An observed session does something.
    case observed(Observation)
    /// pid 1 is gone, and with it every process of its namespace.
    case initEnded
    /// The control group is empty.
    case emptied
}

/// A socket inside the sandbox at which somebody outside may wait.
package struct SandboxListener {
    package enum Kind: Hashable, Sendable {
        case nameDatagrams, nameStreams, proxy
        /// Of every connection; where to is SO_ORIGINAL_DST of the accepted one.
        case redirected
        /// Of the connections to one port; where to is the accepted one's own address.
        case port(UInt16)
    }

    package let kind: Kind
    package let socket: DescriptorBox

    init?(_ tag: DescriptorTag, _ socket: DescriptorBox) {
        switch tag {
        case .nameDatagrams: kind = .nameDatagrams
        case .nameStreams: kind = .nameStreams
        case .proxy: kind = .proxy
        case .redirected: kind = .redirected
        case .port: kind = .port((try? Sockets.localAddress(of: socket.number))?.port ?? 0)
        case .terminal, .credentials, .listener, .trust, .overlay: return nil
        }
        self.socket = socket
    }
}

/// The three streams of an agent, as the supervisor sees them.
package struct AgentStreams {
    /// What to write to; closed = end of file.
    package let input: DescriptorBox
    /// What to read from; with a terminal, one stream that carries both.
    package let output: DescriptorBox
    package let errors: DescriptorBox?
}

/// One running sandbox. All its handlers run on the loop.
package final class Sandbox {
    package let plan: SandboxPlan
    package let cgroup: SessionCgroup?
    package private(set) var streams: AgentStreams?
    /// The supervisor's own view of `/run/remit/credentials`, once the sandbox handed it over.
    package private(set) var credentials: DescriptorBox?
    /// The supervisor's own view of `/run/remit/trust`.
    package private(set) var trust: DescriptorBox?
    /// The sockets of its network; all are there when the sandbox is ready.
    package private(set) var listeners: [SandboxListener] = []
    private let child: Child
    private let loop: EventLoop
    private let handler: (SandboxEvent) -> Void
    private var controlWatch: EventLoop.WatchToken?
    private var statusWatch: EventLoop.WatchToken?
    private var processWatch: EventLoop.WatchToken?
    private var eventsWatch: EventLoop.WatchToken?
    private var events: DescriptorBox?
    private var listener: DescriptorBox?
    private var listenerWatch: EventLoop.WatchToken?
    private var isReleased = false
    private var hasReported = false
    private var isProved = false
    private var hasEmptied = false
    private let observer: Observer?
    package private(set) var initHasEnded = false
    private var earlier = ResourceFigures()

    package var initPID: Int32 { child.pid }
    package var initProcess: CInt { child.process.number }
    /// What was counted of the session until now; read before ``close()``.
    package var figures: ResourceFigures {
        var figures = (cgroup?.figures ?? ResourceFigures()).completed(by: earlier)
        if figures.cpuMicroseconds == nil { figures.cpuMicroseconds = child.processorMicroseconds }
        return figures
    }
    /// When each launch step ended; see ``Child/phases``.
    package var phases: [(step: String, nanoseconds: UInt64)] { child.phases }

    private init(
        plan: SandboxPlan,
        cgroup: SessionCgroup?,
        child: Child,
        streams: AgentStreams?,
        observer: Observer?,
        loop: EventLoop,
        handler: @escaping (SandboxEvent) -> Void
    ) {
        self.plan = plan
        self.cgroup = cgroup
        self.child = child
        self.streams = streams
        self.observer = observer
        self.loop = loop
        self.handler = handler
    }

    /// Clones the sandbox's first process and lets it build. Nothing of the agent runs before ``release(secrets:)``.
    ///
    /// The calling thread must live as long as the sandbox, see ``Child/launch(_:descriptors:cgroup:traced:)``.
    ///
    /// - Throws: ``SandboxError``; nothing is left behind then.
    package static func start(
        _ plan: SandboxPlan,
        session: String,
        host: HostSupport,
        usesTerminal: Bool,
        traced: Bool,
        on loop: EventLoop,
        handler: @escaping (SandboxEvent) -> Void
    ) throws(SandboxError) -> Sandbox {
        do {
            return try build(plan, session, host, usesTerminal, traced, loop, handler)
        } catch let error as UserManagerError {
            throw SandboxError("cannot start the sandbox: the user's systemd \(error)", scopeObstacle: "\(error)")
        } catch {
            throw SandboxError("cannot start the sandbox: \(error)")
        }
    }

    private static func build(
        _ plan: SandboxPlan,
        _ session: String,
        _ host: HostSupport,
        _ usesTerminal: Bool,
        _ traced: Bool,
        _ loop: EventLoop,
        _ handler: @escaping (SandboxEvent) -> Void
    ) throws -> Sandbox {
        let observer = try plan.observer(host)
        var descriptors: [Slot: CInt] = [:]
        var held: [DescriptorBox] = []
        for tree in plan.trees {
            let owner = tree.owner.map {
                (user: $0.user, group: $0.group, toUser: plan.identity.user, toGroup: plan.identity.group)
            }
            let clone = DescriptorBox(try HostTree.clone(tree.path, expecting: tree.facts, mapping: owner))
            descriptors[tree.slot] = clone.number
            held.append(clone)
        }
        var streams: AgentStreams?
        if !usesTerminal {
            let input = try pipe()
            let output = try pipe()
            let errors = try pipe()
            streams = AgentStreams(
                input: DescriptorBox(try input.write.duplicate()),
                output: DescriptorBox(try output.read.duplicate()),
                errors: DescriptorBox(try errors.read.duplicate())
            )
            for (slot, end) in [
                ("standard input", DescriptorBox(try input.read.duplicate())),
                ("standard output", DescriptorBox(try output.write.duplicate())),
                ("standard error", DescriptorBox(try errors.write.duplicate())),
            ] as [(Slot, DescriptorBox)] {
                descriptors[slot] = end.number
                held.append(end)
            }
        }
        var cgroup =
            host.usesScope
            ? nil : try SessionCgroup.create(session: session, limits: plan.cgroupLimits, in: host.cgroups)
        do {
            if !host.usesScope { try check(cgroup, holds: plan.enforcement) }
            let child = try Child.launch(
                plan.launch, descriptors: descriptors, cgroup: cgroup, traced: traced
            )
            for end in held { end.close() }
            if host.usesScope {
                // The scope is made around a process that exists and waits: nothing of it has run yet.
                do {
                    let made = try SessionCgroup.createScope(
                        session: session, process: child.pid, limits: plan.cgroupLimits,
                        unified: host.cgroups.unified ?? ""
                    )
                    cgroup = made
                    try check(made, holds: plan.enforcement)
                } catch {
                    abandon(child)
                    let words = error is UserManagerError ? "\(error)" : "gave a scope that cannot \(error)"
                    throw UserManagerError(words)
                }
            }
            let sandbox = Sandbox(
                plan: plan, cgroup: cgroup, child: child, streams: streams, observer: observer, loop: loop,
                handler: handler
            )
            do throws(SystemCallError) {
                try sandbox.begin()
            } catch {
                sandbox.abandon()
                throw error
            }
            return sandbox
        } catch {
            cgroup?.remove()
            throw error
        }
    }

    /// What the plan calls enforced was really written, or nothing starts.
    private static func check(
        _ cgroup: SessionCgroup?,
        holds plan: EnforcementPlan
    ) throws(SystemCallError) {
        for layer in Layer.allCases where plan.isHeldByCgroup(layer) {
            let holds = layer.controller.map { cgroup?.enforced.contains($0) ?? false } ?? (cgroup != nil)
            guard holds else {
                throw SystemCallError("enforce `\(layer.rawValue)` by a control group", .unsupported)
            }
        }
    }

    private func begin() throws(SystemCallError) {
        try IdentityMaps.write(
            process: child.pid,
            insideUser: AgentIdentity.inside,
            insideGroup: AgentIdentity.inside,
            outsideUser: plan.identity.user,
            outsideGroup: plan.identity.group,
            keepSetGroups: CurrentProcess.isRoot
        )
        controlWatch = try loop.watch(child.control.number, for: .read) { [unowned self] _ in self.hear() }
        statusWatch = try loop.watch(child.status.number, for: .read) { [unowned self] _ in self.hearStatus() }
        processWatch = try loop.watch(child.process.number, for: .read) { [unowned self] _ in self.initEnded() }
        if let cgroup {
            let events = DescriptorBox(try cgroup.openEvents())
            self.events = events
            _ = SessionCgroup.isPopulated(events: events.number)
            eventsWatch = try loop.watch(events.number, for: .priority) { [unowned self] _ in
                let isPopulated = SessionCgroup.isPopulated(events: events.number)
                if self.initHasEnded, !isPopulated { self.checkEmpty() }
            }
        }
        try child.mapped()
    }

    /// Lets the agent go, with `NAME=value` strings that were not known when the sandbox was planned.
    package func release(secrets: [String]) throws(SystemCallError) {
        isReleased = true
        try child.go(extraEnvironment: secrets)
    }

    /// Reads what was counted while there is something to read: systemd removes the group of a scope when it is empty.
    private func takeFigures() {
        if plan.launch.lingers, let figures = cgroup?.figures { earlier = figures.completed(by: earlier) }
    }

    /// Kills every process: by the control group where there is one, and by pid 1 in any case.
    package func kill() {
        if !initHasEnded { takeFigures() }
        try? cgroup?.kill()
        child.life.close()
        try? child.signal(9)
    }

    /// Looks whether the group is empty by now, in case its notification was missed.
    package func lookAgain() { checkEmpty() }

    /// Whether no process of the sandbox is left.
    package var hasEnded: Bool { initHasEnded && (cgroup == nil || hasEmptied) }

    /// Lets go of everything; the sandbox must have ended.
    ///
    /// - Returns: whether nothing of its control group is left.
    @discardableResult
    package func close() -> Bool {
        stopWatching(\.controlWatch)
        stopWatching(\.statusWatch)
        stopWatching(\.processWatch)
        stopWatching(\.eventsWatch)
        stopListening()
        events?.close()
        credentials?.close()
        trust?.close()
        for listener in takeListeners() { listener.socket.close() }
        child.control.close()
        child.status.close()
        child.life.close()
        return cgroup?.remove() ?? true
    }

    private func abandon() {
        kill()
        Self.abandon(child)
        close()
    }

    private static func abandon(_ child: Child) {
        child.life.close()
        try? child.signal(9)
        var limit = 0
        while child.reap() == nil, limit < 1000 {
            ProcessIdentity.pause(milliseconds: 1)
            limit += 1
        }
    }

    private func stopWatching(_ watch: ReferenceWritableKeyPath<Sandbox, EventLoop.WatchToken?>) {
        if let token = self[keyPath: watch] { loop.unwatch(token) }
        self[keyPath: watch] = nil
    }

    /// Takes every message there is: what the child said last explains what the kernel says about its end.
    private func hear() {
        while controlWatch != nil {
            do {
                guard let message = try child.receiveIfAny() else { return }
                take(message)
            } catch {
                endConversation()
            }
        }
    }

    private func take(_ message: LaunchMessage) {
        switch message {
        case .ready: handler(.ready)
        case .descriptor(.credentials, let directory): credentials = directory
        case .descriptor(.listener, let listener): listen(listener)
        case .descriptor(.trust, let directory): trust = directory
        case .descriptor(.terminal, let terminal):
            // Two descriptors: each is waited for by itself, and epoll(7) takes one only once.
            streams = AgentStreams(input: terminal.duplicate() ?? terminal, output: terminal, errors: nil)
        case .descriptor(let tag, let socket):
            if let listener = SandboxListener(tag, socket) { listeners.append(listener) }
        case .proved(let proof):
            isProved = true
            handler(.proved(proof))
        case .failed(let failure):
            hasReported = true
            handler(.failed(failure))
        case .ended: endConversation()
        }
    }

    /// Gives the sockets of its network away: whoever takes them is the only one to hold them.
    package func takeListeners() -> [SandboxListener] {
        defer { listeners = [] }
        return listeners
    }

    private func listen(_ listener: DescriptorBox) {
        self.listener = listener
        let calls = SystemCallListener(listener.number)
        listenerWatch = try? loop.watch(listener.number, for: .read) { [unowned self] readiness in
            // Whatever was said before the call comes first: the proof's own attempts are nobody's strikes.
            self.hear()
            if let report = calls.next() {
                self.answer(report, calls)
            } else if readiness.hungUp {
                self.stopListening()
            }
        }
        // Nobody to answer would mean callers that wait for ever.
        if listenerWatch == nil { listener.close() }
    }

    private func answer(_ report: SystemCallReport, _ calls: SystemCallListener) {
        guard let observer, observer.observes(report) else {
            calls.refuse(report)
            if isProved { handler(.refused(call: SystemCallFilter.name(of: report.call))) }
            return
        }
        // Looked at while the caller waits: afterwards what it is about may be there, or gone.
        let found = isProved ? observer.look(report) { calls.isPending(report) } : []
        calls.proceed(report)
        for observation in found { handler(.observed(observation)) }
    }

    /// Reports of an observed session that could not be looked at; nothing for one that is not observed.
    package var observationsLost: Int? { observer?.lost }

    private func stopListening() {
        if let listenerWatch { loop.unwatch(listenerWatch) }
        listenerWatch = nil
        listener?.close()
    }

    private func endConversation() {
        guard controlWatch != nil else { return }
        stopWatching(\.controlWatch)
        // Closed on exec: the agent runs. Closed by death: initEnded says so.
        if isReleased, !hasReported { handler(.started) }
    }

    private func hearStatus() {
        hear()
        guard let status = child.agentStatus() else { return stopWatching(\.statusWatch) }
        stopWatching(\.statusWatch)
        // Before its release nobody ends a session because the agent's process is gone.
        if plan.launch.lingers, !isReleased { kill() }
        // A process that could not become the agent has an exit status as well, but not the agent's.
        if !hasReported { handler(.agentEnded(status)) }
    }

    private func initEnded() {
        guard !initHasEnded, child.reap() != nil else { return }
        // Whatever pid 1 still had to say is in the pipes already.
        if statusWatch != nil { hearStatus() } else { hear() }
        initHasEnded = true
        stopWatching(\.statusWatch)
        stopWatching(\.processWatch)
        handler(.initEnded)
        checkEmpty()
    }

    private func checkEmpty() {
        guard !hasEmptied, initHasEnded else { return }
        guard let cgroup else { return }
        if cgroup.isPopulated {
            try? cgroup.kill()
        } else {
            hasEmptied = true
            handler(.emptied)
        }
    }
}
