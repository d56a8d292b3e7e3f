// SPDX-License-Identifier: Apache-2.0
// A session in the background: its terminal, and who attaches to it.

internal import CLinux
internal import Glibc
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox

extension Supervisor {
    /// The agent's terminal is nobody's: it is read here, and shown to whoever attaches.
    func openDesk(_ streams: AgentStreams) {
        let capture = try? OutputCapture("\(directories.session(session))/stdout.log")
        if let capture { captures.append(capture) }
        openRelays += 1
        terminalDesk = TerminalDesk(
            input: streams.input, output: streams.output, on: loop,
            tap: { [unowned self] bytes in
                capture?.take(bytes)
                self.monitor.sawOutput()
            },
            record: { [unowned self] type, facts in
                // A sealed journal takes no more; by then whoever is left is only told that it is over.
                guard self.machine.phase != .sealed else { return }
                self.record(type, .object(facts))
                try? self.recorder?.flush()
            },
            finished: { [unowned self] in
                self.openRelays -= 1
                capture?.finish()
            }
        )
    }

    /// Gives a client that may attach its connection.
    func upgrade(_ request: ControlRequest, _ peer: ControlPeer) -> ControlServer.Upgrade {
        guard request.path == "/attach", request.method == "POST" else { return .none }
        guard let value = try? JSONValue(parsing: request.body), let asked = AttachRequest(value) else {
            return Self.refused(400, "not a request to attach")
        }
        guard admitted.sandbox.terminal else {
            return Self.refused(409, "it has no terminal: what it writes is in `remit logs`")
        }
        guard let terminalDesk else {
            let why = options.background == nil ? "it is on the terminal it was started on" : "it has not begun"
            return Self.refused(409, why)
        }
        if let why = terminalDesk.refusal(of: asked) { return Self.refused(409, why) }
        return .granted { socket in
            terminalDesk.attach(socket, asked, peer: peer, greeting: Self.greeting)
        }
    }

    private static let greeting = Array(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: \(AttachFrame.protocol)\r\n\r\n".utf8)

    private static func refused(_ status: Int, _ why: String) -> ControlServer.Upgrade {
        .refused(ControlResponse(status, json: JSONValue.object(["error": .string(why)]).canonicalBytes))
    }

    /// How long a session waits for the client that started it.
    private static let clientPatience: Duration = .seconds(30)

    /// The agent starts on a terminal that somebody looks at.
    func awaitClient() {
        guard let terminalDesk else { return feed(.ready) }
        let timer = loop.schedule(after: Self.clientPatience) { [unowned self] in
            self.feed(.end(.killed, "nobody attached"))
        }
        terminalDesk.whenAttached = { [unowned self] in
            self.loop.cancel(timer)
            self.feed(.ready)
        }
        reportBackground()
    }

    /// Says which session this is, and from here on nothing any more: whoever started it is about to go.
    func reportBackground() {
        guard let report = options.background, !hasReported else { return }
        hasReported = true
        let told = (try? FileSystem.writeAll(report, Array("\(session)\n".utf8), name: "report")) != nil
        close(report)
        let null = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
        if null >= 0 {
            dup2(null, 2)
            close(null)
        }
        // A session of which nobody knows runs for nobody.
        if !told { feed(.end(.killed, "whoever started it is gone")) }
    }
}
