// SPDX-License-Identifier: Apache-2.0
// The client's side of an attached terminal: `remit attach`.

internal import CLinux
internal import Glibc
package import RemitKernel

/// How an attached client came to its end.
package enum AttachResult: Hashable, Sendable {
    /// By its keys.
    case detached
    /// By the supervisor, and why.
    case closed(String)
    /// By this signal to the client.
    case signalled(Int32)
    /// The session is over: its exit code, and what is to be said of that, if anything.
    case ended(Int32, String)
    /// The supervisor is gone, or cannot be understood.
    case lost
}

/// Shows a session's terminal on the caller's, until one of them leaves.
package final class AttachClient {
    /// How much waits for the caller's terminal before the supervisor is made to wait.
    private static let highWater = 65_536

    private let loop: EventLoop
    private let socket: DescriptorBox
    private let isReadOnly: Bool
    private let showsOnTerminal: Bool
    private let screen: TerminalScreen
    private let replayed = TerminalScreen(.safe, isHeard: false)
    private var keys: DetachKeys
    private var terminal: RawTerminal?
    private var reader: AttachFrameReader
    private var toSend: ArraySlice<UInt8> = []
    private var toShow: ArraySlice<UInt8> = []
    private var socketWatch: EventLoop.WatchToken?
    private var socketInterest: EventLoop.Interest = []
    private var inputWatch: EventLoop.WatchToken?
    private var outputWatch: EventLoop.WatchToken?
    private var isOutputFile = false
    private var result: AttachResult?

    /// - Parameters:
    ///   - connection: what ``ControlClient/attach(_:_:)`` returned.
    ///   - isReadOnly: nothing typed is sent on.
    package init(
        _ connection: consuming AttachConnection, isReadOnly: Bool, keys: DetachKeys, escapes: TerminalEscapes
    ) throws(SystemCallError) {
        loop = try EventLoop()
        reader = connection.reader
        socket = connection.socket
        self.isReadOnly = isReadOnly
        self.keys = keys
        showsOnTerminal = RawTerminal.isTerminal(1)
        screen = TerminalScreen(showsOnTerminal ? escapes : .all, isHeard: !isReadOnly && showsOnTerminal)
    }

    /// Runs until the end; the terminal is then as it was.
    ///
    /// - Throws: ``SystemCallError`` when the process has no descriptor left.
    package func run() throws(SystemCallError) -> AttachResult {
        let signals = try SignalSource([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGTTIN, SIGTTOU])
        _ = try loop.watch(signals.number, for: .read) { [unowned self] _ in
            while let signal = signals.next() { self.hear(signal) }
        }
        terminal = try? RawTerminal(0)
        Sockets.setNonBlocking(socket.number)
        listen()
        decode()
        try loop.run { result != nil && (toShow.isEmpty || !isOver) }
        leave()
        return result ?? .lost
    }

    /// A session that ended in order has said things that are still to be shown; any other end is now.
    private var isOver: Bool { if case .ended = result { true } else { false } }

    private func end(_ result: AttachResult) {
        if self.result == nil { self.result = result }
    }

    private func hear(_ signal: CInt) {
        switch signal {
        case SIGWINCH:
            if !isReadOnly, let size = RawTerminal.windowSize(of: 0) { send(.resize(size)) }
        // It has a terminal to give back before it may stop; who types Ctrl-Z types it to the agent.
        case SIGTSTP, SIGTTIN, SIGTTOU: return
        default: end(.signalled(signal))
        }
    }

    private func readInput() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(0, &bytes, bytes.count)
        if count < 0, Errno.last == .again || Errno.last == .interrupted { return }
        guard count > 0 else { return end(.signalled(SIGHUP)) }
        let (typed, isDetached) = keys.take(bytes[..<count])
        if isReadOnly {
            // Raw, so Ctrl-C is a key; here it means what it always does.
            if typed.contains(3) { end(.signalled(SIGINT)) }
        } else if !typed.isEmpty {
            send(.input(typed))
        }
        if isDetached {
            send(.detach)
            end(.detached)
        }
    }

    // MARK: the supervisor

    private func send(_ frame: AttachFrame) {
        toSend += frame.bytes
        flush()
    }

    private func flush() {
        while !toSend.isEmpty {
            switch Sockets.send(toSend, to: socket.number) {
            case .moved(let count): toSend = toSend.dropFirst(count)
            case .wouldBlock: return listen()
            case .ended, .failed:
                // Its last words may still be there to be read.
                toSend = []
                return
            }
        }
        listen()
    }

    private func listen() {
        var wanted: EventLoop.Interest = []
        if toShow.count <= Self.highWater { wanted.insert(.read) }
        if !toSend.isEmpty { wanted.insert(.write) }
        guard wanted != socketInterest else { return }
        socketInterest = wanted
        if wanted.isEmpty {
            if let socketWatch { loop.unwatch(socketWatch) }
            socketWatch = nil
        } else if let socketWatch {
            try? loop.change(socketWatch, to: wanted)
        } else {
            socketWatch = try? loop.watch(socket.number, for: wanted) { [unowned self] readiness in
                if readiness.writable, !self.toSend.isEmpty { self.flush() }
                if readiness.readable { self.receive() }
            }
            if socketWatch == nil { end(.lost) }
        }
        // Without a terminal nothing is typed. What is typed waits as long as the supervisor does not take it.
        let mayType = toSend.count < Self.highWater
        if !mayType, let inputWatch {
            loop.unwatch(inputWatch)
            self.inputWatch = nil
        } else if mayType, inputWatch == nil, terminal != nil {
            inputWatch = try? loop.watch(0, for: .read) { [unowned self] _ in self.readInput() }
        }
    }

    private func receive() {
        guard result == nil else { return }
        switch Sockets.receive(socket.number, limit: 65_536) {
        case .moved(let bytes):
            reader.append(bytes[...])
            decode()
        case .wouldBlock: return
        case .ended, .failed: end(.lost)
        }
    }

    private func decode() {
        do throws(AttachFrameReader.Nonsense) {
            while result == nil, let frame = try reader.next() {
                switch frame {
                case .output(let bytes):
                    toShow += screen.show(bytes[...])
                    let replies = screen.takeReplies()
                    if !replies.isEmpty, !isReadOnly { send(.input(replies)) }
                // Of what was asked long ago nobody waits for the answer.
                case .replay(let bytes):
                    toShow += replayed.show(bytes[...])
                    _ = replayed.takeReplies()
                case .closed(let why): end(.closed(why))
                case .ended(let code, let message): end(.ended(code, message))
                case .input, .resize, .detach: throw AttachFrameReader.Nonsense()
                }
            }
        } catch {
            end(.lost)
        }
        show()
    }

    // MARK: the caller's terminal

    private func show() {
        while !toShow.isEmpty {
            var poller = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
            let isReady = unsafe poll(&poller, 1, 0) > 0
            guard isReady || isOutputFile else { break }
            let count = unsafe toShow.prefix(showsOnTerminal ? 256 : 4096).withUnsafeBytes {
                unsafe write(1, $0.baseAddress, $0.count)
            }
            if count > 0 {
                toShow = toShow.dropFirst(count)
            } else if Errno.last != .again, Errno.last != .interrupted {
                toShow = []
                end(.signalled(SIGHUP))
            }
        }
        if toShow.isEmpty, let outputWatch {
            loop.unwatch(outputWatch)
            self.outputWatch = nil
        } else if !toShow.isEmpty, outputWatch == nil {
            do { outputWatch = try loop.watch(1, for: .write) { [unowned self] _ in self.show() } } catch {
                // An ordinary file takes everything.
                isOutputFile = error.errno == .notPermitted
                if isOutputFile { loop.enqueue { [weak self] in self?.show() } } else { end(.lost) }
            }
        }
        if socket.isOpen { listen() }
    }

    private func leave() {
        guard showsOnTerminal else { return }
        // Both have passed on to the same terminal.
        for screen in [screen, replayed] {
            RawTerminal.write(screen.leave(), to: 1, within: .milliseconds(200))
        }
        if screen.hasAsked { terminal?.discardAnswers(within: .milliseconds(500)) }
        terminal?.restore()
    }
}
