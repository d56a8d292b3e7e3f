// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What a companion tells whoever started it.
package enum CompanionEvent: Sendable {
    /// Bytes that it wrote to its socket.
    case received([UInt8])
    /// It is gone: how, and the end of what it wrote to standard error.
    case ended(WaitStatus, diagnostics: [UInt8])
}

/// A program of ours that runs beside the supervisor for as long as a session does, with a socket between the two.
///
/// Its descriptor 3 is its end of the socket, and it has no input and no output besides. It holds none of our descriptors
/// but those it is sent, and the kernel kills it (PR_SET_PDEATHSIG) when the supervisor dies; that the socket ends then
/// tells it, too.
package final class Companion {
    /// What waits to be sent: descriptors go along with the first byte, and are closed here when they have gone.
    private struct Message {
        var bytes: ArraySlice<UInt8>
        var descriptors: [DescriptorBox]
    }

    /// A companion that reads nothing is no companion.
    private static let queueLimit = 16 << 20
    private static let diagnosticsLimit = 8192
    private static let farewell: Duration = .milliseconds(100)
    private static let receiveSize = 65_536

    /// Its process, for whoever has to find out whether it is gone.
    package let identity: ProcessIdentity?
    private let child: Child
    private let socket: DescriptorBox
    private let errors: DescriptorBox
    private let loop: EventLoop
    private let handler: (CompanionEvent) -> Void
    private var queue: [Message] = []
    private var queued = 0
    private var diagnostics: [UInt8] = []
    private var processWatch: EventLoop.WatchToken?
    private var socketWatch: EventLoop.WatchToken?
    private var errorsWatch: EventLoop.WatchToken?
    package private(set) var hasEnded = false

    /// Starts a program. The calling thread must live as long as it does.
    ///
    /// - Parameters:
    ///   - arguments: its absolute path and its arguments.
    ///   - environment: complete; nothing is inherited.
    ///   - openFiles: how many descriptors it may have.
    ///   - handler: called on the loop; `ended` comes once, and last.
    /// - Throws: ``SystemCallError`` when no process could be made. A program that is not there ends with status 125.
    package init(
        _ arguments: [String],
        environment: [String: String],
        openFiles: UInt64,
        on loop: EventLoop,
        handler: @escaping (CompanionEvent) -> Void
    ) throws(SystemCallError) {
        // Opened first: with it 3 is taken, so that nothing which the child needs until the end is there.
        let null = try FileSystem.open("/dev/null", O_RDWR)
        let pair = try Sockets.pair()
        let output = try pipe()
        // Our end never waits; a program that knows nothing of this waits at its own.
        let far = pair.far.number
        try check("prepare a socket") { fcntl(far, F_SETFL, 0) }
        let plan = LaunchPlan(
            setup: [
                .deathSignal, .awaitMapping, .newSession, .defaultSignals, .resourceLimit(.core(0)),
                .resourceLimit(ResourceLimit.openFiles(openFiles).withinOwn), .duplicate("nothing", as: 0),
                .duplicate("nothing", as: 1), .duplicate("diagnostics", as: 2), .closeOnExec,
                .duplicate("socket", as: 3),
                .execute([arguments.first ?? ""]),
            ],
            arguments: arguments,
            environment: environment.map { "\($0.key)=\($0.value)" }.sorted()
        )
        child = try Child.launch(
            plan,
            descriptors: [
                "socket": far, "nothing": null.number, "diagnostics": output.write.number,
            ]
        )
        socket = pair.near
        pair.far.close()
        errors = DescriptorBox(try output.read.duplicate())
        identity = ProcessIdentity(pid: child.pid)
        self.loop = loop
        self.handler = handler
        do throws(SystemCallError) {
            try child.mapped()
            child.life.close()
            let reading = errors.number
            try check("prepare a pipe") { fcntl(reading, F_SETFL, O_NONBLOCK) }
            socketWatch = try loop.watch(socket.number, for: .read) { [unowned self] _ in self.receive() }
            errorsWatch = try loop.watch(errors.number, for: .read) { [unowned self] _ in self.listen() }
            processWatch = try loop.watch(child.process.number, for: .read) { [unowned self] _ in self.ended() }
        } catch {
            child.control.close()
            try? child.signal(SIGKILL)
            child.collect()
            stopWatching()
            throw error
        }
    }

    /// Sends bytes, in the order of the calls; nothing is sent any more once it has ended.
    ///
    /// - Parameter descriptors: at most 64, given away; they go along with the first byte.
    package func send(_ bytes: [UInt8], descriptors: [DescriptorBox] = []) {
        guard !hasEnded, socket.isOpen, !bytes.isEmpty else {
            for descriptor in descriptors { descriptor.close() }
            return
        }
        queued += bytes.count
        guard queued <= Self.queueLimit else { return kill() }
        queue.append(Message(bytes: bytes[...], descriptors: descriptors))
        if queue.count == 1 { flush() }
    }

    /// Ends it now. Every socket it has is closed by the kernel before ``CompanionEvent/ended(_:diagnostics:)`` comes.
    package func kill() {
        if !hasEnded { try? child.signal(SIGKILL) }
    }

    /// Hears what it says until `isDone`, for at most `limit`, while everybody else waits: for the one answer that must
    /// come before anything else happens.
    package func hear(for limit: Duration, until isDone: () -> Bool) {
        let end = BootInstant.now.advanced(by: limit)
        while !isDone(), socket.isOpen {
            let left = BootInstant.now.duration(to: end).nanoseconds
            guard left > 0 else { return }
            var poller = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&poller, 1, CInt(clamping: max(1, left / 1_000_000))) > 0 { receive() }
        }
    }

    private func flush() {
        while let message = queue.first {
            switch Sockets.send(message.bytes, with: message.descriptors.map(\.number), to: socket.number) {
            case .moved(let count):
                for descriptor in message.descriptors { descriptor.close() }
                queued -= count
                queue[0] = Message(bytes: message.bytes.dropFirst(count), descriptors: [])
                if queue[0].bytes.isEmpty { queue.removeFirst() }
            case .wouldBlock: return awaitRoom(true)
            // Whatever else is wrong with the socket, its end says so.
            case .ended, .failed: return dropQueue()
            }
        }
        awaitRoom(false)
    }

    private func awaitRoom(_ waits: Bool) {
        if let socketWatch { try? loop.change(socketWatch, to: waits ? [.read, .write] : .read) }
    }

    private func dropQueue() {
        for message in queue { for descriptor in message.descriptors { descriptor.close() } }
        queue = []
        queued = 0
    }

    private func receive() {
        if !queue.isEmpty { flush() }
        // A companion that says much must not keep everybody else from being heard.
        for _ in 0..<16 {
            switch Sockets.receive(socket.number, limit: Self.receiveSize) {
            case .moved(let bytes):
                handler(.received(bytes))
                guard socket.isOpen else { return }
            case .wouldBlock: return
            case .ended, .failed: return closeSocket()
            }
        }
    }

    private func closeSocket() {
        if let socketWatch { loop.unwatch(socketWatch) }
        socketWatch = nil
        dropQueue()
        socket.close()
        // Whoever cannot be spoken with is of no use; most often it is about to end, and has a status to tell.
        loop.schedule(after: Self.farewell) { [weak self] in self?.kill() }
    }

    private func listen() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(errors.number, &buffer, buffer.count)
        if count > 0 {
            diagnostics = (diagnostics + buffer[..<count]).suffix(Self.diagnosticsLimit)
        } else if count == 0 || Errno.last != .again && Errno.last != .interrupted {
            if let errorsWatch { loop.unwatch(errorsWatch) }
            errorsWatch = nil
            errors.close()
        }
    }

    private func ended() {
        guard !hasEnded, let status = child.reap() else { return }
        // What it said last is in the socket already.
        if socket.isOpen { receive() }
        while errors.isOpen {
            let before = diagnostics.count
            listen()
            if diagnostics.count == before { break }
        }
        if case .failed(let failure)? = try? child.receiveIfAny() { diagnostics += Array("\(failure)".utf8) }
        hasEnded = true
        stopWatching()
        dropQueue()
        socket.close()
        errors.close()
        child.control.close()
        handler(.ended(status, diagnostics: diagnostics))
    }

    private func stopWatching() {
        for token in [socketWatch, errorsWatch, processWatch] {
            if let token { loop.unwatch(token) }
        }
        socketWatch = nil
        errorsWatch = nil
        processWatch = nil
    }
}
