// SPDX-License-Identifier: Apache-2.0
// The terminal of a session that runs in the background: read whether or not anybody looks, shown to whoever attaches.

internal import CLinux
internal import Glibc
internal import RemitJournal
internal import RemitKernel

/// Reads the agent's terminal and passes it on to those that are attached: one that types, and some that look on.
///
/// The one that types slows the agent down while it reads slowly, as a terminal does, but only for ``patience``: then it is
/// detached. Those that look on never do; one that falls behind is detached.
final class TerminalDesk {
    /// How long the agent's output waits for a client.
    private static let patience: Duration = .seconds(5)
    /// How much waits for the client that types before the agent's output does.
    private static let highWater = 65_536
    /// The most that waits for a client that looks on, and for one that types at the end of a session.
    private static let queueLimit = 1 << 20
    private static let viewerLimit = 8
    private static let readSize = 32_768
    /// How long a program has to notice a size that is not to stay.
    private static let nudge: Duration = .milliseconds(150)

    private let input: DescriptorBox
    private let output: DescriptorBox
    private let loop: EventLoop
    private let tap: (ArraySlice<UInt8>) -> Void
    private let finished: () -> Void
    private let record: (String, [String: JSONValue]) -> Void
    private var tracker = TerminalFilter(asksPosition: false)
    private var scrollback = Scrollback()
    private var writer: Attachment?
    private var viewers: [Attachment] = []
    /// Those that are told why they have to go, and have not read it yet.
    private var leaving: [Attachment] = []
    private var outputWatch: EventLoop.WatchToken?
    private var inputWatch: EventLoop.WatchToken?
    private var typed: ArraySlice<UInt8> = []
    private var stuck: EventLoop.TimerToken?
    private var isFenced = false
    private var hasEnded = false
    private var size = WindowSize(rows: 24, columns: 80)
    /// Called once, when the first client that types has attached: the agent waits for that.
    var whenAttached: (() -> Void)?

    /// - Parameters:
    ///   - input: what is typed goes there.
    ///   - output: what the agent writes comes from there; closed when it has ended.
    ///   - tap: sees every piece.
    ///   - record: of who comes and goes.
    ///   - finished: called once, when the agent's output has ended.
    init(
        input: DescriptorBox, output: DescriptorBox, on loop: EventLoop, tap: @escaping (ArraySlice<UInt8>) -> Void,
        record: @escaping (String, [String: JSONValue]) -> Void, finished: @escaping () -> Void
    ) {
        self.input = input
        self.output = output
        self.loop = loop
        self.tap = tap
        self.record = record
        self.finished = finished
        RawTerminal.setWindowSize(size, of: output.number)
        readOn()
    }

    /// Whether nobody is attached any more.
    var isEmpty: Bool { writer == nil && viewers.isEmpty && leaving.isEmpty }

    var state: JSONValue {
        ["attached": .optional(writer?.peer.description), "looking": .strings(viewers.map(\.peer.description))]
    }

    // MARK: clients

    /// Why a client cannot attach; `nil` when it can.
    func refusal(of request: AttachRequest) -> String? {
        if hasEnded || isFenced { return "it is ending" }
        if request.isReadOnly {
            return viewers.count < Self.viewerLimit ? nil : "\(Self.viewerLimit) are looking on already"
        }
        guard request.size != nil else { return "a terminal has a size" }
        guard let writer, !request.steals else { return nil }
        return "\(writer.peer) is attached already"
    }

    /// Takes a client that ``refusal(of:)`` has nothing against.
    ///
    /// - Parameter greeting: what it is sent first.
    func attach(_ socket: DescriptorBox, _ request: AttachRequest, peer: ControlPeer, greeting: [UInt8]) {
        var facts: [String: JSONValue] = [
            "uid": .integer(Int(peer.userID)), "pid": .integer(Int(peer.pid)), "readOnly": .bool(request.isReadOnly),
        ]
        if !request.isReadOnly, let writer {
            facts["from"] = .string(writer.peer.description)
            dismiss(writer, "\(peer) took the terminal over")
        }
        record("terminal.attached", facts)
        let attachment = Attachment(socket, peer: peer, isReadOnly: request.isReadOnly, on: loop) {
            [unowned self] in self.hear($0, $1)
        }
        if request.isReadOnly { viewers.append(attachment) } else { writer = attachment }
        attachment.send(greeting)
        // A program that has the whole screen draws it anew; of any other, what it wrote last is what there is to see.
        if !tracker.modes.isAlternate {
            for piece in Self.pieces(scrollback.text) { attachment.send(AttachFrame.replay(piece).bytes) }
        }
        attachment.send(AttachFrame.replay(tracker.modes.restoration).bytes)
        guard let size = request.size, !request.isReadOnly else { return }
        if let whenAttached {
            self.whenAttached = nil
            self.size = size
            RawTerminal.setWindowSize(size, of: output.number)
            whenAttached()
        } else {
            redraw(at: size)
        }
    }

    private static func pieces(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
        stride(from: bytes.startIndex, to: bytes.endIndex, by: readSize).map {
            Array(bytes[$0..<min($0 + readSize, bytes.endIndex)])
        }
    }

    /// Programs draw when their window changes, not when somebody looks: so it changes, and changes back.
    private func redraw(at size: WindowSize) {
        self.size = size
        guard output.isOpen else { return }
        RawTerminal.setWindowSize(
            WindowSize(rows: size.rows > 1 ? size.rows - 1 : size.rows + 1, columns: size.columns), of: output.number)
        loop.schedule(after: Self.nudge) { [weak self] in
            guard let self, self.output.isOpen else { return }
            RawTerminal.setWindowSize(self.size, of: self.output.number)
        }
    }

    private func hear(_ attachment: Attachment, _ event: Attachment.Event) {
        switch event {
        case .input(let bytes):
            guard attachment === writer, !isFenced else { return }
            typed += bytes
            type()
        case .resize(let size):
            guard attachment === writer, output.isOpen else { return }
            self.size = size
            RawTerminal.setWindowSize(size, of: output.number)
        case .drained:
            if attachment === writer { readOn() }
        case .left(let why): forget(attachment, why)
        }
    }

    /// Tells a client that it is detached.
    private func dismiss(_ attachment: Attachment, _ why: String) {
        forget(attachment, why)
        leaving.append(attachment)
        attachment.finish(.closed(why), isPatient: false)
    }

    private func forget(_ attachment: Attachment, _ why: String) {
        leaving.removeAll { $0 === attachment }
        guard attachment === writer || viewers.contains(where: { $0 === attachment }) else { return }
        viewers.removeAll { $0 === attachment }
        let peer = attachment.peer
        record(
            "terminal.detached",
            [
                "uid": .integer(Int(peer.userID)), "pid": .integer(Int(peer.pid)),
                "readOnly": .bool(attachment.isReadOnly), "why": .string(why),
            ])
        guard attachment === writer else { return }
        writer = nil
        // What it had typed and the agent has not read is nobody's now.
        typed = []
        type()
        readOn()
    }

    // MARK: the agent's terminal

    private func readOn() {
        guard output.isOpen else { return }
        if let writer, writer.pending > Self.highWater, !isFenced {
            if let outputWatch { loop.unwatch(outputWatch) }
            outputWatch = nil
            guard stuck == nil else { return }
            stuck = loop.schedule(after: Self.patience) { [weak self] in
                guard let self else { return }
                self.stuck = nil
                if let writer = self.writer { self.dismiss(writer, "it does not read what the agent writes") }
            }
            return
        }
        if let stuck { loop.cancel(stuck) }
        stuck = nil
        guard outputWatch == nil else { return }
        outputWatch = try? loop.watch(output.number, for: .read) { [weak self] _ in self?.read() }
        if outputWatch == nil { loop.enqueue { [weak self] in self?.outputEnded() } }
    }

    private func read() {
        var bytes = [UInt8](repeating: 0, count: Self.readSize)
        let count = unsafe Glibc.read(output.number, &bytes, bytes.count)
        if count < 0, Errno.last == .again || Errno.last == .interrupted { return }
        // A terminal whose other end is closed says EIO.
        guard count > 0 else { return outputEnded() }
        let piece = bytes[..<count]
        tap(piece)
        scrollback.append(piece)
        _ = tracker.pass(piece)
        let replies = tracker.takeReplies()
        // With a client, that answers what its filter lets it.
        if writer == nil, !isFenced, !replies.isEmpty { _ = unsafe write(input.number, replies, replies.count) }
        let frame = AttachFrame.output(Array(piece)).bytes
        for viewer in viewers {
            viewer.send(frame)
            if viewer.pending > Self.queueLimit { dismiss(viewer, "it does not read what the agent writes") }
        }
        writer?.send(frame)
        if let writer, writer.pending > Self.queueLimit { dismiss(writer, "it does not read what the agent writes") }
        readOn()
    }

    private func outputEnded() {
        guard output.isOpen else { return }
        if let outputWatch { loop.unwatch(outputWatch) }
        outputWatch = nil
        if let stuck { loop.cancel(stuck) }
        stuck = nil
        output.close()
        typed = []
        type()
        input.close()
        finished()
    }

    private func type() {
        while !typed.isEmpty, input.isOpen {
            let count = unsafe typed.withUnsafeBytes { unsafe write(input.number, $0.baseAddress, $0.count) }
            if count > 0 {
                typed = typed.dropFirst(count)
            } else if Errno.last == .again || Errno.last == .interrupted {
                break
            } else {
                typed = []
            }
        }
        let isWaiting = !typed.isEmpty
        if isWaiting, inputWatch == nil {
            inputWatch = try? loop.watch(input.number, for: .write) { [weak self] _ in self?.type() }
        } else if !isWaiting, let inputWatch {
            loop.unwatch(inputWatch)
            self.inputWatch = nil
        }
        writer?.isHeldBack = isWaiting
    }

    // MARK: the end

    /// Nothing typed reaches the agent any more, and its output waits for nobody.
    func fence() {
        isFenced = true
        typed = []
        type()
        readOn()
    }

    /// Tells everybody that the session is over; ``isEmpty`` when they know, or do not listen.
    func end(_ code: Int32, _ message: String) {
        hasEnded = true
        for attachment in viewers + [writer].compactMap({ $0 }) {
            attachment.finish(.ended(code, message), isPatient: true)
        }
    }

    /// Lets go of everybody.
    func close() {
        for attachment in viewers + leaving + [writer].compactMap({ $0 }) { attachment.close("the session is over") }
    }
}
