// SPDX-License-Identifier: Apache-2.0
// The agent's own process, up to its program.

internal import RemitKernel
internal import RemitNetwork
internal import RemitTask

extension PlanBuilder {
    mutating func prepareAgent() throws(SandboxError) {
        agent += [.deathSignal, .newSession, .defaultSignals]
        if request.terminal {
            agent.append(.controllingTerminal("terminal"))
            agent += (0...2).map { .duplicate("terminal", as: $0) }
        } else {
            agent += [
                .duplicate("standard input", as: 0), .duplicate("standard output", as: 1),
                .duplicate("standard error", as: 2),
            ]
        }
        agent += [.closeOnExec, .umask(0o022)]
        agent += resourceLimits.map { .resourceLimit($0) }
        agent.append(.changeDirectory("/" + SandboxPlan.Path.workspace))
        agent.append(.ready)
        // The filter is last: after it, only what the agent itself may do is left.
        guard let filter = try compiledFilter(stage: 0) else { throw SandboxError("there is no system-call filter") }
        let listener: Slot? = host.canReportCalls ? "listener" : nil
        agent.append(.seccomp(filter, listener: listener))
        if let listener { agent.append(.send(listener, tag: .listener)) }
        agent.append(
            .prove(
                probes, agent: AgentIdentity.inside, hidden: request.hidden + [SandboxPlan.Path.hostVersion],
                unwritable: ["/"] + mounts.filter { $0.isDirectory && $0.access == .read }.map { "/\($0.target)" },
                sealed: "/" + SandboxPlan.Path.sealed,
                unreachable: outsiders.map(\.description), local: request.network?.samples.map(\.description) ?? []
            )
        )
        if let second = try compiledFilter(stage: 1) { agent.append(.seccomp(second, listener: nil)) }
        agent.append(.execute(try candidates()))
    }

    /// What must be refused as soon as the last layer is in place: everything that this host can refuse.
    private var probes: [ConfinementProbe] {
        ConfinementProbe.allCases.filter { probe in
            switch probe {
            case .landlock: enforcement.state(of: .landlock) != .missing
            // A rule may name every address there is: then none is left that nothing leads to.
            case .reach: outsiders.contains { !$0.isVersion6 }
            default: true
            }
        }
    }

    /// Addresses that no rule names.
    private var outsiders: [IPAddress] {
        // Of documentation (RFC 5737, RFC 3849), for any at all, and the one where clouds keep their secrets.
        ["192.0.2.1", "169.254.169.254", "2001:db8::1"].compactMap { IPAddress($0) }.filter { address in
            !(request.network?.blocks.contains { $0.contains(address) } ?? false)
        }
    }

    private var resourceLimits: [ResourceLimit] {
        let limits = request.limits
        var result: [ResourceLimit] = [.core(0), .lockedMemory(65_536), .realtimePriority(0)]
        if let files = limits.openFiles { result.append(.openFiles(UInt64(files))) }
        if let size = limits.fileSize { result.append(.fileSize(size.bytes)) }
        if let processes = limits.processes {
            // A control group that holds it says so when it does: the limit of the kernel's other book is not the first.
            result.append(.processes(UInt64(processes + (enforcement.isHeldByCgroup(.processLimit) ? 1 : 0))))
        }
        if let memory = limits.memory, enforcement.state(of: .memoryLimit) != .enforced {
            result.append(.data(memory.bytes))
        }
        return result.map(\.withinOwn)
    }

    /// The filter, or one of the two where the profile takes away what the launch needs; nothing for a second stage
    /// that there is not.
    private func compiledFilter(stage: Int) throws(SandboxError) -> [UInt8]? {
        let changes = request.profile.systemCalls
        let origins = request.profile.origins
        let notify = host.canReportCalls
        let observes = request.isObserved && notify
        if stage > 0, !SystemCallTable.deniesLaunch(changes) { return nil }
        return try cache.filter(for: changes, origins: origins, notify: notify, observes: observes, stage: stage) {
            () throws(SandboxError) in
            let policy = try SystemCallPolicy(changes, origins: origins, notify: notify)
            let stages = (observes ? policy.observed : policy).stages
            guard stages.indices.contains(stage) else { throw SandboxError("the filter has no stage \(stage)") }
            do { return try stages[stage].compiled() } catch {
                throw SandboxError("cannot compile the system-call filter: \(error)")
            }
        }
    }

    /// As execvp(3) would look for the program, but decided before the clone.
    private func candidates() throws(SandboxError) -> [String] {
        guard let program = request.command.first, !program.isEmpty else { throw SandboxError("there is no command") }
        if program.contains("/") { return [program] }
        let path = request.environment["PATH"] ?? "/usr/bin:/bin"
        let places = path.split(separator: ":").filter { $0.hasPrefix("/") }
        guard !places.isEmpty else { throw SandboxError("`PATH` has no directory to look for `\(program)` in") }
        return places.map { "\($0)/\(program)" }
    }
}
