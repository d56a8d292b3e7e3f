// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitKernel
internal import RemitNetwork

/// One connection of the agent's, from its arrival to its end: who it wants, whether it may, what it says first, and then
/// either the bytes pass through the kernel or somebody reads them.
final class ClientConnection {
    enum Phase {
        /// It says what it wants, or what it is; or its host is being connected to.
        case pending
        /// Bytes pass.
        case passing(SplicedStreams)
        /// It was told why not, and may read that.
        case refused
        case over
    }

    /// How long a client has for each thing it must say.
    static let patience: Duration = .seconds(10)
    /// How long a client that was refused has to read why.
    private static let farewell: Duration = .seconds(2)

    let identifier: UInt64
    let context: RelayContext
    let client: WatchedSocket
    let began = BootInstant.now
    var via: GateConnection.Via
    /// The client waits for an answer of this form before it goes on.
    var awaited: AwaitedReply?
    /// What it asked for, as it asked.
    var asked: (destination: Destination, port: UInt16)?
    private(set) var grant: ConnectionGrant?
    private(set) var phase = Phase.pending
    private var ticket: UpstreamConnector.Ticket?
    private var upstream: (socket: WatchedSocket, address: IPAddress)?
    private(set) var timer: EventLoop.TimerToken?
    private var charged: (up: UInt64, down: UInt64) = (0, 0)

    /// Tells the relay that it counts as pending no longer, or that it is over.
    var changed: () -> Void = {}

    enum AwaitedReply { case http, socks }

    init(_ client: WatchedSocket, number: UInt64, via: GateConnection.Via, context: RelayContext) {
        self.client = client
        identifier = number
        self.via = via
        self.context = context
        Sockets.setNoDelay(client.number)
    }

    var isPending: Bool { if case .pending = phase { true } else { false } }
    var isOver: Bool { if case .over = phase { true } else { false } }

    // MARK: Deciding

    /// Decides on what the client asked for, and goes on or refuses.
    func decide(_ destination: Destination, port: UInt16) {
        asked = (destination, port)
        do throws(ConnectionRefusal) {
            let destination = try context.name(destination)
            asked = (destination, port)
            let grant = try context.grant(destination, port: port)
            self.grant = grant
            if grant.treatment != .service, let entry = context.meter.admit(.connections, to: grant.destination) {
                context.meter.refused(entry)
                throw ConnectionRefusal(
                    "budget", "the budget has no \(entry.dimension.rawValue) left", rule: grant.rule.label)
            }
            proceed(grant)
        } catch {
            refuse(error)
        }
    }

    private func proceed(_ grant: ConnectionGrant) {
        switch (grant.treatment, via) {
        case (.service, .absoluteForm), (.inspected, .absoluteForm), (.checked, .absoluteForm),
            (.guarded, .absoluteForm), (.opaque, .absoluteForm):
            guard grant.rule.allowsClearText else { return refuse(Self.clearText(grant)) }
            adopt(grant, isTLS: false)
        case (.service, _):
            reply()
            adopt(grant, isTLS: false)
        case (.opaque, _): connect(grant) { [weak self] in self?.pass() }
        case (.guarded, _): connect(grant) { [weak self] in self?.pass(guarding: grant) }
        case (.checked, .connect), (.checked, .socks):
            // First the host, then the answer: a client that waits for it learns why, if it cannot be reached.
            connect(grant) { [weak self] in self?.awaitOpening(grant) }
        case (.checked, _), (.inspected, _): awaitOpening(grant)
        }
    }

    /// Waits for what the client says first, when it is told to go on.
    private func awaitOpening(_ grant: ConnectionGrant) {
        reply()
        look(limit: ClientOpening.peekLimit) { [weak self] bytes in
            let opening = ClientOpening(bytes)
            if case .incomplete(let needed) = opening { return .more(needed) }
            self?.opened(opening, grant)
            return .done
        }
    }

    private func opened(_ opening: ClientOpening, _ grant: ConnectionGrant) {
        switch opening {
        case .tls(let hello):
            if let objection = hello.objection(to: grant.destination, under: grant.rule) { return refuse(objection) }
            if grant.treatment == .inspected { return adopt(grant, isTLS: true) }
            if upstream != nil { return pass() }
            connect(grant) { [weak self] in self?.pass() }
        case .clearHTTP:
            guard grant.rule.allowsClearText else { return refuse(Self.clearText(grant)) }
            adopt(grant, isTLS: false)
        case .broken(let flaw): refuse(ConnectionRefusal("protocol", flaw.rawValue, rule: grant.rule.label))
        case .other, .incomplete:
            refuse(ConnectionRefusal("protocol", "neither TLS nor HTTP is spoken", rule: grant.rule.label))
        }
    }

    private static func clearText(_ grant: ConnectionGrant) -> ConnectionRefusal {
        ConnectionRefusal(EgressDenial(.clearText, by: grant.rule.label))
    }

    // MARK: Reading without taking

    enum Look {
        case done
        /// At least so many bytes must have come.
        case more(Int)
    }

    /// Shows what has come to `judge`, without taking it from the socket, whenever there is enough more of it.
    ///
    /// - Parameter limit: how many bytes are looked at, at most.
    func look(limit: Int, judge: @escaping ([UInt8]) -> Look) {
        // Byte by byte, a client could have the beginning read again for each of them.
        var looks = 0
        restartTimer(Self.patience) { [weak self] in
            self?.refuse(ConnectionRefusal("silent", "the client did not say in time what it wants"))
        }
        client.ready = { [weak self] _ in
            guard let self else { return }
            looks += 1
            switch Sockets.peek(client.number, limit: limit) {
            case .wouldBlock: return
            case .ended: refuse(ConnectionRefusal("ended", "the client ended before it said what it wants"))
            case .failed(let errno): refuse(ConnectionRefusal("ended", "the client broke off: \(errno)"))
            case .moved(let bytes):
                stopTimerAfter {
                    switch judge(bytes) {
                    case .done: return true
                    case .more(let needed) where needed > limit || looks >= 128:
                        self.refuse(ConnectionRefusal("malformed", "the client does not come to the point"))
                        return true
                    case .more(let needed):
                        self.waitForMore(than: bytes.count, needed)
                        return false
                    }
                }
            }
        }
        watch()
    }

    private func waitForMore(than count: Int, _ needed: Int) {
        // Woken again without anything new: the client has ended, or the kernel is short of memory. Time will tell.
        Sockets.setReadableAt(max(needed, count + 1), client.number)
        guard case .moved(let bytes) = Sockets.peek(client.number, limit: count + 1), bytes.count <= count else {
            return
        }
        if Sockets.isEnded(client.number) {
            refuse(ConnectionRefusal("ended", "the client ended before it said what it wants"))
        }
    }

    private func stopTimerAfter(_ body: () -> Bool) {
        let timer = self.timer
        guard body() else { return }
        // What `body` began may have set another one.
        if let timer {
            context.loop.cancel(timer)
            if self.timer == timer { self.timer = nil }
        }
    }

    private func watch() {
        do throws(SystemCallError) { try client.wait(for: .read) } catch {
            refuse(ConnectionRefusal("limit", "\(error)", isDenial: false))
        }
    }

    func restartTimer(_ delay: Duration, _ handler: @escaping () -> Void) {
        if let timer { context.loop.cancel(timer) }
        timer = context.loop.schedule(after: delay, handler)
    }

    // MARK: Going on

    private func connect(_ grant: ConnectionGrant, then next: @escaping () -> Void) {
        pause()
        ticket = context.connector.connect(to: grant.destination, port: grant.port, rule: grant.rule) { [weak self] in
            guard let self else { return }
            ticket = nil
            switch $0 {
            case .failure(let error): refuse(ConnectionRefusal(error, rule: grant.rule.label))
            case .success(let connected):
                upstream = connected
                Sockets.setNoDelay(connected.socket.number)
                Sockets.setKeepAlive(connected.socket.number)
                next()
            }
        }
    }

    /// Joins both streams in the kernel.
    ///
    /// - Parameter grant: what the client's first bytes have to be right for, if they are to be looked at. The server may
    ///   speak before that.
    private func pass(guarding grant: ConnectionGrant? = nil) {
        guard let upstream else { return }
        reply()
        Sockets.setReadableAt(1, client.number)
        Sockets.setKeepAlive(client.number)
        let streams = SplicedStreams(client: client, upstream: upstream.socket, pool: context.pool)
        phase = .passing(streams)
        stopTimer()
        streams.moved = { [weak self] in self?.charge() }
        if let grant {
            streams.look = SplicedStreams.Look(limit: ClientOpening.peekLimit) { [weak self] bytes in
                self?.judge(GuardedOpening(bytes), grant) ?? .refuse
            }
        }
        changed()
        streams.start { [weak self] in self?.ended($0) }
    }

    /// Gives the client to whoever reads requests.
    private func adopt(_ grant: ConnectionGrant, isTLS: Bool) {
        upstream?.socket.close()
        stopTimer()
        Sockets.setReadableAt(1, client.number)
        guard let descriptor = client.surrender() else { return }
        let connection = GateConnection(
            id: identifier, destination: grant.destination, port: grant.port, rule: grant.rule, isTLS: isTLS,
            via: grant.treatment == .service ? .service : via)
        phase = .over
        if grant.treatment != .service { context.report(record(isAllowed: true, rule: grant.rule.label)) }
        context.inspector.adopt(descriptor: descriptor, connection: connection)
        changed()
    }

    /// Tells a client that waits for it to go on.
    private func reply() {
        switch awaited {
        case nil: return
        case .http: say(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8))
        case .socks: say(SocksRequest.Reply.succeeded.bytes)
        }
        awaited = nil
    }

    /// Says a few bytes; a client that has not read the few before gets no more.
    func say(_ bytes: [UInt8]) {
        _ = Sockets.send(bytes[...], to: client.number)
    }

    private func pause() {
        stopTimer()
        do throws(SystemCallError) { try client.wait(for: []) } catch {}
    }

    func stopTimer() {
        if let timer { context.loop.cancel(timer) }
        timer = nil
    }

    // MARK: Ending

    /// Refuses: says why where the client can hear it, and resets where it cannot.
    func refuse(_ refusal: ConnectionRefusal) {
        guard case .pending = phase else { return }
        context.report(record(isAllowed: !refusal.isDenial, rule: refusal.rule, reason: refusal.reason))
        release()
        switch awaited {
        case nil: end(resetting: true)
        case .http: takeLeave(refusal.response())
        case .socks: takeLeave(refusal.socksReply.bytes)
        }
    }

    /// Cuts the connection, whatever it is doing.
    func cut(_ reason: String) {
        switch phase {
        case .pending:
            awaited = nil
            refuse(ConnectionRefusal("cut", reason))
        case .passing(let streams):
            cutReason = reason
            streams.cut()
        case .refused: end(resetting: true)
        case .over: return
        }
    }

    /// Breaks off the host's side where bytes wait that would still leave, and leaves everything else to ``cut(_:)``, which
    /// has to follow before anything else is moved.
    func sever() {
        if let upstream, upstream.socket.isOpen { Sockets.abortUnlessSent(upstream.socket.number) }
    }

    private var cutReason: String?
    /// Why a connection that passes already is refused after all.
    var cutRefusal: ConnectionRefusal?

    private func takeLeave(_ bytes: [UInt8]) {
        phase = .refused
        changed()
        say(bytes)
        Sockets.finishWriting(client.number)
        Sockets.setReadableAt(1, client.number)
        restartTimer(Self.farewell) { [weak self] in self?.end(resetting: true) }
        // What the client sent and nobody read would turn the end into a reset, and the answer with it.
        var rest = 1 << 20
        client.ready = { [weak self] _ in
            guard let self else { return }
            switch Sockets.receive(client.number, limit: 65_536) {
            case .moved(let bytes) where bytes.count < rest: rest -= bytes.count
            case .wouldBlock: return
            case .moved, .ended, .failed: end(resetting: false)
            }
        }
        do throws(SystemCallError) { try client.wait(for: .read) } catch { end(resetting: true) }
    }

    private func ended(_ ending: SplicedStreams.Ending) {
        charge()
        guard let grant else { return }
        let reason: String?
        switch ending {
        case .finished: reason = nil
        case .broken(let errno): reason = "broken off: \(errno)"
        case .cut: reason = cutReason ?? "cut"
        case .refused:
            reason = nil
            cutRefusal =
                cutRefusal
                ?? ConnectionRefusal(
                    "malformed", "the client began like TLS and did not come to the point", rule: grant.rule.label)
        }
        if let cutRefusal {
            context.report(record(isAllowed: false, rule: cutRefusal.rule, reason: cutRefusal.reason))
        } else {
            context.report(record(isAllowed: true, rule: grant.rule.label, reason: reason))
        }
        end(resetting: false)
    }

    private func release() {
        stopTimer()
        if let ticket { context.connector.cancel(ticket) }
        ticket = nil
        upstream?.socket.close()
    }

    private func end(resetting: Bool) {
        guard !isOver else { return }
        release()
        phase = .over
        client.close(resetting: resetting)
        changed()
    }

    // MARK: Counting

    private func charge() {
        guard case .passing(let streams) = phase, let grant else { return }
        let counts = streams.counts
        let (up, down) = (counts.up &- charged.up, counts.down &- charged.down)
        charged = counts
        let meter = context.meter
        let entries = [
            meter.charge(.bytesUp, Int(clamping: up), to: grant.destination),
            meter.charge(.bytesDown, Int(clamping: down), to: grant.destination),
        ]
        guard let entry = entries.lazy.compactMap(\.self).first else { return }
        meter.refused(entry)
        cut("the budget has no \(entry.dimension.rawValue) left")
    }

    private func record(isAllowed: Bool, rule: String, reason: String? = nil) -> EgressRecord {
        var record = EgressRecord(.connection, isAllowed: isAllowed, rule: rule, reason: reason, via: via.rawValue)
        switch grant?.destination ?? asked?.destination {
        case nil: break
        case .name(let name): record.name = name.text
        case .address(let address): record.address = "\(address)"
        }
        if let upstream { record.address = "\(upstream.address)" }
        record.port = asked?.port
        record.bytesUp = charged.up
        record.bytesDown = charged.down
        if isAllowed { record.microseconds = UInt64(clamping: began.duration(to: .now).nanoseconds / 1000) }
        return record
    }
}
