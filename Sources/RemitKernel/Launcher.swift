// SPDX-License-Identifier: Apache-2.0
// From a plan of values to a running child: lays the plan out as C memory, clones, and speaks with the child.

internal import CLaunch
internal import CLinux
internal import Glibc

/// What a child runs: steps, the program, and the descriptors it is given.
package struct LaunchPlan: Hashable, Sendable {
    /// Run by the child; with ``agent`` steps it then becomes pid 1 of the sandbox.
    package var setup: [LaunchStep]
    /// Run by the agent's own process, ending in ``LaunchStep/execute(_:)``; empty for a plain program.
    package var agent: [LaunchStep]
    package var arguments: [String]
    /// `NAME=value` strings.
    package var environment: [String]
    /// CLONE_NEW… flags of clone3(2).
    package var namespaces: UInt64
    /// pid 1 outlives the agent until ``Child/life`` is closed.
    package var lingers: Bool

    package init(
        setup: [LaunchStep],
        agent: [LaunchStep] = [],
        arguments: [String],
        environment: [String],
        namespaces: UInt64 = 0,
        lingers: Bool = false
    ) {
        self.setup = setup
        self.agent = agent
        self.arguments = arguments
        self.environment = environment
        self.namespaces = namespaces
        self.lingers = lingers
    }

    /// The step a child named in a failure; `nil` for what is no step.
    func step(phase: UInt32, index: UInt32) -> LaunchStep? {
        guard phase < 2 else { return nil }
        let steps = phase == 0 ? setup : agent
        return Int(index) < steps.count ? steps[Int(index)] : nil
    }
}

/// What the child said on its control socket.
package enum LaunchMessage {
    /// Everything is built; the agent's process waits for ``Child/go(extraEnvironment:)``.
    case ready
    case descriptor(DescriptorTag, DescriptorBox)
    case failed(LaunchFailure)
    /// Every probe was refused; the program is executed next.
    case proved(ConfinementProof)
    /// The socket was closed: after ``ready`` and ``Child/go(extraEnvironment:)`` this means the program runs.
    case ended
}

/// A step that failed in the child.
package struct LaunchFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let step: String
    package let errno: Errno
    /// The failing step was the execution of the program itself.
    package let isExecution: Bool
    /// The probe that got through, when that is what failed.
    package let breach: ConfinementProbe?
    package var description: String { breach.map { "it was possible to \($0.attempt)" } ?? "\(step): \(errno)" }

    package init(step: String, errno: Errno, isExecution: Bool, breach: ConfinementProbe? = nil) {
        self.step = step
        self.errno = errno
        self.isExecution = isExecution
        self.breach = breach
    }
}

/// A child that runs a plan.
package final class Child {
    package let pid: Int32
    /// Readable once the process has ended.
    package let process: DescriptorBox
    /// The supervisor's end of the conversation.
    package let control: DescriptorBox
    /// Where init writes the agent's wait status.
    package let status: DescriptorBox
    /// Closing this ends the sandbox.
    package let life: DescriptorBox
    private let plan: LaunchPlan
    private let trace: TracePage?
    /// What the process and everything it waited for used, once it is collected: of a sandbox's pid 1, all of it.
    package private(set) var processorMicroseconds: UInt64?

    fileprivate init(
        pid: pid_t,
        process: consuming OwnedDescriptor,
        control: consuming OwnedDescriptor,
        status: consuming OwnedDescriptor,
        life: consuming OwnedDescriptor,
        plan: LaunchPlan,
        trace: TracePage?
    ) {
        self.pid = pid
        self.process = DescriptorBox(process)
        self.control = DescriptorBox(control)
        self.status = DescriptorBox(status)
        self.life = DescriptorBox(life)
        self.plan = plan
        self.trace = trace
    }

    /// Starts a child. The calling thread must live as long as the child: PDEATHSIG follows the thread.
    ///
    /// - Parameters:
    ///   - descriptors: what to put into the plan's slots.
    ///   - cgroup: the group to be born in. Those of version 1 that belong to it the child enters by itself, before its
    ///     first step.
    /// - Throws: ``SystemCallError`` when no process could be made; nothing is left behind then.
    package static func launch(
        _ plan: LaunchPlan,
        descriptors: [Slot: CInt],
        cgroup: SessionCgroup? = nil,
        traced: Bool = false
    ) throws(SystemCallError) -> Child {
        let groups = try cgroup?.openTasks() ?? []
        let control = try socketPair()
        let status = try pipe()
        let life = try pipe()
        let trace = traced ? TracePage() : nil
        var number: CInt = -1
        let pid = try unsafe LaunchLayout(plan).withPlan(
            descriptors: descriptors,
            groups: groups.map(\.number),
            control: control.child.number,
            status: status.write.number,
            life: life.read.number,
            trace: trace
        ) { layout throws(SystemCallError) in
            var arguments = clone_args()
            arguments.flags = plan.namespaces | UInt64(CLONE_PIDFD) | (1 << 32)  // CLONE_CLEAR_SIGHAND
            arguments.exit_signal = UInt64(SIGCHLD)
            if let cgroup {
                arguments.flags |= 1 << 33  // CLONE_INTO_CGROUP
                arguments.cgroup = UInt64(cgroup.descriptor)
            }
            let result = unsafe withUnsafeMutablePointer(to: &number) { pointer in
                arguments.pidfd = UInt64(UInt(bitPattern: pointer))
                return unsafe launch_clone(&arguments, layout)
            }
            if result < 0 { throw SystemCallError("clone a process", .last) }
            return result
        }
        for group in groups { group.close() }
        return Child(
            pid: pid,
            process: OwnedDescriptor(adopting: number),
            control: control.parent,
            status: status.read,
            life: life.write,
            plan: plan,
            trace: trace
        )
    }

    /// Tells the child that its id maps are written.
    package func mapped() throws(SystemCallError) { try command([UInt8(LAUNCH_MAPPED.rawValue)]) }

    /// Lets the agent's process execute its program, with these `NAME=value` strings added to its environment.
    package func go(extraEnvironment: [String]) throws(SystemCallError) {
        try command([UInt8(LAUNCH_GO.rawValue)] + extraEnvironment.flatMap { Array($0.utf8) + [0] })
    }

    /// Reads one message if there is one; `nil` when there is none yet.
    package func receiveIfAny() throws(SystemCallError) -> LaunchMessage? {
        do { return try receive(waiting: false) } catch {
            if error.errno == .again { return nil }
            throw error
        }
    }

    /// Reads one message; waits for it.
    package func receive() throws(SystemCallError) -> LaunchMessage { try receive(waiting: true) }

    private func receive(waiting: Bool) throws(SystemCallError) -> LaunchMessage {
        var message = launch_message()
        var received: CInt = -1
        let socket = control.number
        let count = try check("hear from the child") {
            unsafe linux_receive(socket, &message, MemoryLayout<launch_message>.size, waiting ? 1 : 0, &received)
        }
        let descriptor = received >= 0 ? DescriptorBox(OwnedDescriptor(adopting: received)) : nil
        guard count == MemoryLayout<launch_message>.size else { return .ended }
        switch message.kind {
        case LAUNCH_IS_READY.rawValue: return .ready
        case LAUNCH_DESCRIPTOR.rawValue:
            guard let descriptor, let tag = DescriptorTag(rawValue: message.code) else { return .ended }
            return .descriptor(tag, descriptor)
        case LAUNCH_PROVED.rawValue:
            return .proved(
                ConfinementProof(held: ConfinementProbe.all(in: message.index), nanoseconds: Int(message.code))
            )
        case LAUNCH_BREACHED.rawValue:
            return .failed(
                LaunchFailure(
                    step: "prove the sandbox", errno: .notPermitted, isExecution: false,
                    // A number that is on no list is a breach as well.
                    breach: ConfinementProbe(rawValue: message.index) ?? .authority
                )
            )
        default:
            let step = plan.step(phase: message.phase, index: message.index)
            return .failed(
                LaunchFailure(
                    step: step?.description ?? (message.phase == 2 ? "enter the control groups" : "fork the agent"),
                    errno: Errno(code: message.code),
                    isExecution: step?.operation == LAUNCH_EXECUTE.rawValue
                )
            )
        }
    }

    /// The corresponding system call is `pidfd_send_signal(2)`. A process that is gone already is no error.
    package func signal(_ number: CInt) throws(SystemCallError) {
        let process = self.process.number
        if linux_pidfd_send_signal(process, number) != 0, Errno.last != .noSuchProcess {
            throw SystemCallError("signal process \(pid)", .last)
        }
    }

    /// Collects the ended process; the wait status, or `nil` while it still runs.
    package func reap() -> WaitStatus? {
        var status: CInt = 0
        var usage = rusage()
        guard unsafe wait4(pid, &status, WNOHANG, &usage) == pid else { return nil }
        processorMicroseconds = [usage.ru_utime, usage.ru_stime].reduce(0) {
            $0 + UInt64($1.tv_sec) * 1_000_000 + UInt64($1.tv_usec)
        }
        return WaitStatus(rawValue: status)
    }

    /// Waits for a process that is about to end by itself.
    package func collect() { waitpid(pid, nil, 0) }

    /// Reads the agent's wait status from init: `nil` when init ended without one.
    package func agentStatus() -> WaitStatus? {
        var raw: CInt = 0
        let size = MemoryLayout<CInt>.size
        return unsafe Glibc.read(status.number, &raw, size) == size ? WaitStatus(rawValue: raw) : nil
    }

    /// When each step ended, in nanoseconds since the child's first instruction; empty unless traced.
    package var phases: [(step: String, nanoseconds: UInt64)] { trace?.phases(of: plan) ?? [] }

    private func command(_ bytes: [UInt8]) throws(SystemCallError) {
        let socket = control.number
        try check("speak to the child") { unsafe send(socket, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }
    }

    private static func socketPair() throws(SystemCallError) -> SocketPair {
        var numbers: [CInt] = [-1, -1]
        try check("make a socket pair") {
            unsafe socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &numbers)
        }
        return SocketPair(
            parent: OwnedDescriptor(adopting: numbers[0]),
            child: OwnedDescriptor(adopting: numbers[1])
        )
    }

    private struct SocketPair: ~Copyable {
        let parent: OwnedDescriptor
        let child: OwnedDescriptor
    }
}

/// A pipe, both ends close-on-exec.
package struct Pipe: ~Copyable {
    package let read: OwnedDescriptor
    package let write: OwnedDescriptor
}

/// The corresponding system call is `pipe2(2)`.
package func pipe() throws(SystemCallError) -> Pipe {
    var numbers: [CInt] = [-1, -1]
    try check("make a pipe") { unsafe linux_pipe(&numbers, O_CLOEXEC) }
    return Pipe(read: OwnedDescriptor(adopting: numbers[0]), write: OwnedDescriptor(adopting: numbers[1]))
}

/// How a process ended, see wait(2).
package struct WaitStatus: Hashable, Sendable {
    package let rawValue: CInt
    package init(rawValue: CInt) { self.rawValue = rawValue }

    /// The signal that ended it, if one did.
    package var signal: CInt? { linux_wait_signal(rawValue) == 0 ? nil : linux_wait_signal(rawValue) }

    /// As a shell shows it: the exit code, or 128 plus the signal.
    package var exitCode: CInt { signal.map { 128 + $0 } ?? linux_wait_code(rawValue) }
}
