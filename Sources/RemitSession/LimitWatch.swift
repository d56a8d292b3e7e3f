// SPDX-License-Identifier: Apache-2.0
// Hears when a session runs into a limit, and looks after the limits that no control group holds.

internal import CLinux
internal import Glibc
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

/// Watches the limits of one session.
final class LimitWatch {
    /// A limit that the session ran into.
    enum Limit: String {
        case memory
        case processes
    }

    private let sandbox: Sandbox
    private let limits: Limits
    private let loop: EventLoop
    private let handler: (Limit, _ isOver: Bool) -> Void
    private var watches: [(token: EventLoop.WatchToken, descriptor: DescriptorBox)] = []
    private var reached: Set<Limit> = []
    private var isClosed = false
    /// The most that was seen at once; nothing where a control group counts.
    private(set) var memoryPeak: UInt64?
    private(set) var processesPeak: Int?

    /// - Parameter handler: called once for each limit; `isOver` says that nothing but the caller ends it.
    init(
        _ sandbox: Sandbox,
        limits: Limits,
        on loop: EventLoop,
        _ handler: @escaping (Limit, _ isOver: Bool) -> Void
    ) {
        self.sandbox = sandbox
        self.limits = limits
        self.loop = loop
        self.handler = handler
        listen()
        if sampled.memory || sampled.processes { sample() }
        // Version 1 counts the processes it refused and tells nobody.
        if limits.processes != nil, sandbox.cgroup?.controllerPaths["pids"] != nil { keepLooking() }
    }

    /// Looks at what the kernel counted, in case its notification is still on the way.
    func look() {
        guard !isClosed else { return }
        for name in sandbox.cgroup?.limitsReached ?? [] {
            if let limit = Limit(rawValue: name) { report(limit, isOver: false) }
        }
    }

    /// Stops; must come before the session's group is removed.
    func close() {
        isClosed = true
        for watch in watches {
            loop.unwatch(watch.token)
            watch.descriptor.close()
        }
        watches = []
    }

    private func report(_ limit: Limit, isOver: Bool) {
        guard reached.insert(limit).inserted else { return }
        handler(limit, isOver)
    }

    // MARK: the kernel's word

    private func listen() {
        for file in sandbox.cgroup?.openLimitEvents() ?? [] {
            Self.rearm(file)
            watch(file, for: .priority) { [unowned self] in
                Self.rearm(file)
                self.look()
            }
        }
        if let event = sandbox.cgroup?.openMemoryEvent() {
            watch(event, for: .read) { [unowned self] in
                _ = try? FileSystem.readAll(event.number, limit: 4096, name: "memory event")
                // It speaks before the kill that is counted.
                self.look()
                for delay in [5, 50, 500] { self.lookAgain(after: .milliseconds(delay)) }
            }
        }
    }

    private func watch(_ descriptor: DescriptorBox, for interest: EventLoop.Interest, _ body: @escaping () -> Void) {
        // A host where it cannot be heard is one where it is looked up at the end.
        guard let token = try? loop.watch(descriptor.number, for: interest, { _ in body() }) else { return }
        watches.append((token, descriptor))
    }

    private func lookAgain(after delay: Duration) {
        loop.schedule(after: delay) { [weak self] in self?.look() }
    }

    private func keepLooking() {
        guard !isClosed, !reached.contains(.processes) else { return }
        look()
        loop.schedule(after: .milliseconds(SampledLimits.milliseconds)) { [weak self] in self?.keepLooking() }
    }

    /// Reading an event file from its start is what makes it speak again.
    private static func rearm(_ file: DescriptorBox) {
        lseek(file.number, 0, SEEK_SET)
        _ = try? FileSystem.readAll(file.number, limit: 4096, name: "limit events")
    }

    // MARK: looking for ourselves

    private var sampled: (memory: Bool, processes: Bool) {
        let plan = sandbox.plan.enforcement
        return (
            limits.memory != nil && !plan.isHeldByCgroup(.memoryLimit),
            limits.processes != nil && !plan.isHeldByCgroup(.processLimit)
        )
    }

    private func sample() {
        guard !isClosed, !sandbox.initHasEnded else { return }
        let now = SessionProcesses(below: sandbox.initPID)
        let held = sampled
        if held.memory, let limit = limits.memory?.bytes {
            memoryPeak = max(memoryPeak ?? 0, now.memory)
            if now.memory > limit { report(.memory, isOver: true) }
        }
        if held.processes, let limit = limits.processes {
            processesPeak = max(processesPeak ?? 0, now.count)
            // The kernel holds this one, by RLIMIT_NPROC, and tells nobody. It counts pid 1 as well.
            if now.count + 1 >= limit { report(.processes, isOver: false) }
        }
        loop.schedule(after: .milliseconds(SampledLimits.milliseconds)) { [weak self] in self?.sample() }
    }
}
