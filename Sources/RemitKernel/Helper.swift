// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// How a program of the operator's ended.
package enum HelperOutcome: Sendable {
    /// The exit code, or 128 plus the signal; what it wrote to standard output and to standard error.
    case exited(status: Int32, output: [UInt8], diagnostics: [UInt8])
    /// It ran into its time limit and was killed.
    case timedOut
    /// It wrote more than it may and was killed.
    case overflowed
    case cannotStart(SystemCallError)
}

/// Runs programs of the operator's, such as providers: with pipes, without our descriptors, and never longer than us.
///
/// Such a program is killed at its time limit, and by the kernel (PR_SET_PDEATHSIG) when the supervisor dies.
package enum Helper {
    /// - Parameters:
    ///   - arguments: the program's absolute path and its arguments.
    ///   - environment: complete; nothing is inherited.
    ///   - input: what the program reads from standard input, then end of file.
    ///   - outputLimit: the most it may write to either stream, in bytes.
    ///   - terminal: its standard input and output are a terminal, at which nobody types.
    ///   - completion: called on the loop, once.
    package static func run(
        _ arguments: [String],
        environment: [String: String],
        input: [UInt8],
        timeLimit: Duration,
        outputLimit: Int,
        terminal: Bool = false,
        on loop: EventLoop,
        completion: @escaping (HelperOutcome) -> Void
    ) {
        do {
            let run = try HelperRun(arguments, environment, input, outputLimit, terminal, loop, completion)
            try run.start(timeLimit: timeLimit)
        } catch {
            loop.enqueue { completion(.cannotStart(error)) }
        }
    }
}

/// One running helper; the loop's handlers keep it alive.
private final class HelperRun {
    private let loop: EventLoop
    private let child: Child
    private let input: DescriptorBox
    private let streams: [DescriptorBox]
    private let outputLimit: Int
    private let completion: (HelperOutcome) -> Void
    private var pending: ArraySlice<UInt8>
    private var received: [[UInt8]] = [[], []]
    private var watches: [EventLoop.WatchToken] = []
    private var inputWatch: EventLoop.WatchToken?
    private var streamWatches: [EventLoop.WatchToken?] = [nil, nil]
    private var timer: EventLoop.TimerToken?
    private var status: WaitStatus?
    private var verdict: HelperOutcome?
    private var isCollected = false
    private var finished = false

    init(
        _ arguments: [String],
        _ environment: [String: String],
        _ bytes: [UInt8],
        _ limit: Int,
        _ usesTerminal: Bool,
        _ loop: EventLoop,
        _ completion: @escaping (HelperOutcome) -> Void
    ) throws(SystemCallError) {
        let standardInput = try pipe()
        let output = try pipe()
        let diagnostics = try pipe()
        let terminal = usesTerminal ? try PseudoTerminal() : nil
        let ends: (input: CInt, output: CInt)
        switch terminal {
        case .some(let terminal):
            ends = (terminal.far.number, terminal.far.number)
            input = DescriptorBox(try terminal.near.duplicate())
            streams = [DescriptorBox(try terminal.near.duplicate()), DescriptorBox(try diagnostics.read.duplicate())]
        case .none:
            ends = (standardInput.read.number, output.write.number)
            input = DescriptorBox(try standardInput.write.duplicate())
            streams = [DescriptorBox(try output.read.duplicate()), DescriptorBox(try diagnostics.read.duplicate())]
        }
        let plan = LaunchPlan(
            setup: [
                .deathSignal, .awaitMapping, .newSession, .defaultSignals, .resourceLimit(.core(0)),
                .duplicate("input", as: 0), .duplicate("output", as: 1), .duplicate("diagnostics", as: 2),
                .closeOnExec, .execute([arguments.first ?? ""]),
            ],
            arguments: arguments,
            environment: environment.map { "\($0.key)=\($0.value)" }.sorted()
        )
        child = try Child.launch(
            plan,
            descriptors: [
                "input": ends.input, "output": ends.output, "diagnostics": diagnostics.write.number,
            ]
        )
        pending = bytes[...]
        outputLimit = limit
        self.loop = loop
        self.completion = completion
        for descriptor in [input.number] + streams.map(\.number) {
            try check("prepare a pipe") { fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        }
    }

    func start(timeLimit: Duration) throws(SystemCallError) {
        try child.mapped()
        child.life.close()
        // The child speaks only when it fails; end of stream means that its program runs.
        if case .failed(let failure) = try child.receive() {
            child.collect()
            throw SystemCallError(failure.step, failure.errno)
        }
        watches.append(try loop.watch(child.process.number, for: .read) { _ in self.ended() })
        inputWatch = try loop.watch(input.number, for: .write) { _ in self.feed() }
        for index in streams.indices {
            streamWatches[index] = try loop.watch(streams[index].number, for: .read) { _ in self.drain(index) }
        }
        timer = loop.schedule(after: timeLimit) { self.stop(.timedOut) }
    }

    private func feed() {
        let count = unsafe pending.withUnsafeBytes { unsafe write(input.number, $0.baseAddress, $0.count) }
        if count >= 0 {
            pending = pending.dropFirst(count)
        } else if Errno.last == .again || Errno.last == .interrupted {
            return
        } else {
            pending = []
        }
        if pending.isEmpty { closeInput() }
    }

    private func closeInput() {
        if let inputWatch { loop.unwatch(inputWatch) }
        inputWatch = nil
        input.close()
    }

    private func drain(_ index: Int) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe read(streams[index].number, &buffer, buffer.count)
            if count > 0 {
                received[index] += buffer[..<count]
                if received[index].count > outputLimit { return stop(.overflowed) }
            } else if count < 0, Errno.last == .interrupted {
                continue
            } else if count < 0, Errno.last == .again {
                return
            } else {
                if let token = streamWatches[index] { loop.unwatch(token) }
                streamWatches[index] = nil
                streams[index].close()
                return settle()
            }
        }
    }

    private func ended() {
        guard !isCollected, let ended = child.reap() else { return }
        // From here on its number may be somebody else's.
        isCollected = true
        for watch in watches { loop.unwatch(watch) }
        watches = []
        // A grandchild may hold the pipes open; the program itself has said all it will. Both are read before it counts
        // as ended, for then the end of the first would close the second.
        for index in streams.indices where streamWatches[index] != nil { drain(index) }
        status = ended
        finish()
    }

    private func settle() {
        if status != nil { finish() }
    }

    private func stop(_ outcome: HelperOutcome) {
        if verdict == nil { verdict = outcome }
        guard !isCollected else { return }
        // It started a session of its own: what it started goes with it. The number is ours until we collect it.
        Glibc.kill(-child.pid, SIGKILL)
        try? child.signal(SIGKILL)
    }

    private func finish() {
        guard !finished, let status else { return }
        finished = true
        if let timer { loop.cancel(timer) }
        closeInput()
        for index in streams.indices {
            if let token = streamWatches[index] { loop.unwatch(token) }
            streamWatches[index] = nil
            streams[index].close()
        }
        completion(verdict ?? .exited(status: status.exitCode, output: received[0], diagnostics: received[1]))
    }
}
