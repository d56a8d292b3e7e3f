// SPDX-License-Identifier: Apache-2.0
// The agent's standard streams: relayed, captured, and watched for signs of life.

internal import CLinux
internal import Glibc
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

extension Supervisor {
    func connectStreams() {
        guard let streams = sandbox?.streams else { return }
        if admitted.sandbox.terminal, options.background == nil {
            terminal = try? RawTerminal(0)
            RawTerminal.copyWindowSize(from: 0, to: streams.output.number)
        }
        for descriptor in [streams.input.number, streams.output.number, streams.errors?.number ?? -1]
        where descriptor >= 0 {
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        }
        if admitted.sandbox.terminal, options.background != nil { return openDesk(streams) }
        relay(streams.output, to: 1, capturedAs: "stdout.log")
        if let errors = streams.errors { relay(errors, to: 2, capturedAs: "stderr.log") }
        let input = StreamRelay(from: 0, to: streams.input.number, on: loop) { [unowned self] in
            self.inputRelay = nil
            // A terminal has no end of file of its own; a pipe's is its closing.
            if !self.admitted.sandbox.terminal { streams.input.close() }
        }
        inputRelay = input
        input.start()
    }

    private func relay(_ source: DescriptorBox, to sink: CInt, capturedAs name: String) {
        let capture = try? OutputCapture("\(directories.session(session))/\(name)")
        if let capture { captures.append(capture) }
        openRelays += 1
        var lines = options.lines
        let relay = StreamRelay(
            from: source.number,
            to: sink,
            on: loop,
            tap: { [unowned self] bytes in
                capture?.take(bytes)
                self.monitor.sawOutput()
            },
            transform: lines == nil ? screening(sink) : { lines?.pass($0) ?? [] },
            rest: { lines?.finish() ?? [] },
            finished: { [unowned self] in
                self.openRelays -= 1
                capture?.finish()
                // Nobody reads any more: the agent learns it from its next write, or its terminal hangs up.
                source.close()
                if self.admitted.sandbox.terminal { self.sandbox?.streams?.input.close() }
            }
        )
        relays.append(relay)
        relay.start()
    }

    /// What a stream of the agent's becomes on its way: whatever is no terminal gets it as it was written.
    private func screening(_ sink: CInt) -> ((ArraySlice<UInt8>) -> [UInt8])? {
        guard RawTerminal.isTerminal(sink) else { return nil }
        let screen = TerminalScreen(options.escapes, isHeard: admitted.sandbox.terminal)
        screens[sink] = screen
        return { [unowned self] piece in
            let shown = screen.show(piece)
            self.type(screen.takeReplies())
            return shown
        }
    }

    /// Types to the agent what its terminal would answer. It is lost when the agent does not read what it asked for.
    func type(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, admitted.sandbox.terminal, !isFenced, let input = sandbox?.streams?.input, input.isOpen
        else { return }
        _ = unsafe write(input.number, bytes, bytes.count)
    }

    /// Undoes what the agent did to the terminals it was shown on, and gives the caller's back.
    func leaveTerminals() {
        for (sink, screen) in screens {
            RawTerminal.write(screen.leave(), to: sink, within: .milliseconds(200))
        }
        if screens.values.contains(where: \.hasAsked) { terminal?.discardAnswers(within: .milliseconds(500)) }
        terminal?.restore()
        screens = [:]
    }

    /// Later occurrences of a credential are not kept in the captured output.
    func hide(_ secret: Secret) {
        for capture in captures {
            capture.hide(secret)
            for part in Self.parts(of: secret) { capture.hide(part) }
        }
    }

    /// What of a credential is a secret by itself: the text without its last line break, the password of a URL.
    private static func parts(of secret: Secret) -> [Secret] {
        secret.withBytes { bytes in
            var parts: [Secret] = []
            if bytes.last == UInt8(ascii: "\n") { parts.append(Secret(Array(bytes.dropLast()))) }
            guard let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { return parts }
            let authority = bytes[..<at]
            if let colon = authority.lastIndex(of: UInt8(ascii: ":")), colon > bytes.startIndex {
                parts.append(Secret(Array(authority[(colon + 1)...])))
            }
            return parts
        }
    }

    func watchIdleness(_ idle: TimeSpan) {
        let interval = max(.milliseconds(50), min(idle.duration / 4, .seconds(5)))
        loop.schedule(after: interval) { [unowned self] in
            guard self.machine.reason == nil else { return }
            let used = self.sandbox.map { sandbox in
                sandbox.cgroup?.cpuMicroseconds ?? ActivityMonitor.treeMicroseconds(sandbox.initPID)
            }
            if self.monitor.look(at: used ?? 0) >= idle.duration {
                self.feed(.end(.idle, "\(idle)"))
            } else {
                self.watchIdleness(idle)
            }
        }
    }
}
