// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitKernel
internal import RemitSandbox

/// The egress gate of one session, as the supervisor sees it: a program of its own, and the line to it.
final class Gate {
    /// What becomes of it.
    enum Event {
        case said(GateEvent)
        /// It is gone, and why; every connection it had is closed.
        case ended(String)
    }

    /// What connections, pipes to splice through and listeners need at most.
    private static let openFiles: UInt64 = 65_536
    /// Past this the fence is not asked for any more, but made: 5 ms after the decision nothing may leave, and the kernel
    /// needs its part of them to close what a killed gate had open.
    private static let fenceLimit: Duration = .milliseconds(4)
    /// How long a fenced gate may take to tell the rest.
    private static let farewellLimit: Duration = .milliseconds(500)

    private let loop: EventLoop
    private let handler: (Event) -> Void
    private var companion: Companion?
    private var reader = GateLineReader()
    private var problem: String?
    private(set) var isFenced = false
    /// Nothing of it is left.
    private(set) var hasEnded = false
    var identity: ProcessIdentity? { companion?.identity }

    /// Starts the gate; it tells `ready` when it is configured.
    ///
    /// - Throws: ``SystemCallError`` when it cannot be started.
    init(
        _ configuration: GateConfiguration, on loop: EventLoop, handler: @escaping (Event) -> Void
    ) throws(SystemCallError) {
        self.loop = loop
        self.handler = handler
        companion = try Companion(
            [Providers.shipped("remit-egress")], environment: ["PATH": "/usr/bin:/bin"], openFiles: Self.openFiles,
            on: loop
        ) { [unowned self] event in self.hear(event) }
        send(.configure(configuration))
    }

    func send(_ command: GateCommand, descriptors: [DescriptorBox] = []) {
        companion?.send(command.line, descriptors: descriptors)
    }

    /// Hands over the sockets inside the sandbox; from here on only the gate holds them.
    func serve(_ listeners: [SandboxListener]) {
        // As many descriptors as fit one message; each command names its own.
        for start in stride(from: 0, to: listeners.count, by: 64) {
            let part = listeners[start..<min(start + 64, listeners.count)]
            send(.listeners(part.map(\.gateListener)), descriptors: part.map(\.socket))
        }
    }

    /// Closes every connection: by asking, and by force when that is not done at once. Returns when it is done, or
    /// enforced.
    func fence() {
        guard !isFenced, !hasEnded else { return }
        isFenced = true
        // The answer must not wait for the session's own processes.
        ProcessHardening.respondPromptly()
        send(.fence(lease: nil))
        send(.usage)
        companion?.hear(for: Self.fenceLimit) { isClosed }
        if !isClosed { kill() }
    }

    /// It said that its fence stands, or it is gone.
    private(set) var isClosed = false

    func kill() { companion?.kill() }

    private func hear(_ event: CompanionEvent) {
        switch event {
        case .received(let bytes):
            reader.append(bytes)
            do {
                while let line = try reader.next() { take(try GateEvent(line: line)) }
            } catch {
                problem = problem ?? "it said something that cannot be read: \(error)"
                kill()
            }
        case .ended(let status, let diagnostics):
            isClosed = true
            hasEnded = true
            companion = nil
            let text = String(decoding: diagnostics, as: UTF8.self).split(separator: "\n").last.map { ": \($0)" } ?? ""
            handler(.ended(problem ?? "it ended with status \(status.exitCode)\(text)"))
        }
    }

    private func take(_ event: GateEvent) {
        if case .fenced(nil, _) = event, isFenced, !isClosed {
            isClosed = true
            loop.schedule(after: Self.farewellLimit) { [weak self] in self?.kill() }
        }
        // The last thing it is asked: what it still had to tell, it has told before.
        if case .usage = event, isFenced { send(.stop) }
        if case .failed(let reason) = event { problem = problem ?? reason }
        handler(.said(event))
    }
}

extension SandboxListener {
    /// What the gate calls it.
    fileprivate var gateListener: GateListener {
        switch kind {
        case .nameDatagrams: .names
        case .nameStreams: .nameConnections
        case .proxy: .proxy
        case .redirected: .redirected
        case .port(let port): .port(port)
        }
    }
}
