// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import RemitGate
internal import RemitNetwork

/// One request and its response, from the first decision to the record: it stands between the two streams, and everything
/// that passes, passes here.
///
/// It is confined to the event loop. Bytes are asked for on the one side only when the other can take them.
final class Exchange {
    private enum Phase {
        /// The request is decided on.
        case deciding
        /// The body is taken whole, before anything is sent: so many bytes at most.
        case takingBody(limit: Int)
        /// The host is being connected to.
        case connecting
        /// Both streams are there.
        case streaming
        /// It is over, and recorded.
        case ended
    }

    let connection: AgentConnection
    let core: InspectorCore
    private(set) var request: HTTPRequestHead
    private var agent: (any AgentStream)?
    private var host: (any HostStream)?
    private var phase = Phase.deciding
    private var record: ExchangeRecord
    private var facts: HTTPRequestFacts
    private var maxBody: UInt64?
    private var body: [UInt8] = []
    private var isRequestOver = false
    private var isAnswered = false
    private var isResponseOver = false
    private var trailer = HeaderFields([])
    private var secrets: ExchangeSecrets
    private var usage: ExchangeUsage?
    private var webSocket: WebSocketRelay?
    private var hasRetried = false

    init(_ head: HTTPRequestHead, agent: any AgentStream, connection: AgentConnection) {
        let gate = connection.gate
        self.agent = agent
        self.connection = connection
        core = connection.core
        request = head
        facts = HTTPRequestFacts(
            destination: gate.destination, port: gate.port, method: head.method, rawPath: String(head.path),
            isTLS: gate.isTLS, declaredLength: head.framing.length
        )
        secrets = ExchangeSecrets(core.secrets, facts: facts, isWebSocket: head.isWebSocket)
        record = ExchangeRecord(head, connection: connection, table: core.secrets)
    }

    /// The leases of which something was sent, or may still be sent, on this exchange's connection.
    func concerns(lease: String) -> Bool {
        secrets.mayUse(lease: lease) && (!isRequestOver || webSocket != nil)
    }

    // MARK: - Deciding

    /// Decides, and answers or connects.
    func begin() {
        connection.begins(self)
        let gate = connection.gate
        let scheme = gate.isTLS ? "https" : "http"
        guard request.scheme == nil || request.scheme == scheme,
            request.authority.destination == gate.destination,
            request.authority.effectivePort(scheme) == gate.port
        else { return refuse(Refusal("authority", "the request names another host than its connection", status: 421)) }
        if RemitService.isMeant(by: gate) { return answer(core.service.response(to: request, core: core)) }
        switch core.policy.request(facts) {
        case .denied(let denial): return refuse(Refusal(denial))
        case .allowed(let rule, let maxBody):
            record.rule = rule
            self.maxBody = maxBody
        }
        if let denial = overriddenDenial() { return refuse(Refusal(denial)) }
        if request.method.isSameFieldName(as: "TRACE"), core.isBound(facts.destination, port: facts.port) {
            return refuse(Refusal("trace", "TRACE would show the credential that is added", status: 403))
        }
        if let entry = core.meter.admit(.requests, to: facts.destination) { return refuse(exhausted: entry) }
        if ExchangeUsage.isExpected(path: facts.rawPath), request.fields.contains("accept-encoding") {
            // What an answer took is read along, also where no secret is looked for in it.
            request.fields.set("accept-encoding", "gzip, deflate, br")
        }
        rewrite(wholeBody: nil)
    }

    /// Some servers let a field say what the request really is: that has to be allowed as well.
    private func overriddenDenial() -> EgressDenial? {
        for field in request.fields.fields {
            var really = facts
            switch field.name.lowercasedASCII {
            case "x-http-method-override", "x-http-method", "x-method-override":
                really.method = String(decoding: field.value.utf8.map(\.uppercasedASCII), as: UTF8.self)
            case "x-original-url", "x-rewrite-url": really.rawPath = String(RequestPath.withoutQuery(field.value))
            default: continue
            }
            if case .denied(let denial) = core.policy.request(really) { return denial }
        }
        return nil
    }

    private func rewrite(wholeBody: [UInt8]?) {
        switch secrets.rewrite(&request, host: host(for: request), body: wholeBody) {
        case .send:
            connection.uses(secrets.leases)
            connect()
        case .takeBody(let limit):
            phase = .takingBody(limit: limit)
            if request.expectsContinue {
                request.expectsContinue = false
                agent?.send(HTTPResponseHead(status: 100, fields: HeaderFields([]), length: 0))
                agent?.flush()
            }
            agent?.pull()
        case .refuse(let finding): refuse(finding)
        }
    }

    private func host(for request: HTTPRequestHead) -> String {
        let gate = connection.gate
        let port = gate.port == (gate.isTLS ? 443 : 80) ? nil : gate.port
        return Authority(gate.destination, port: port).description
    }

    private func connect() {
        phase = .connecting
        connection.hosts.acquire(for: self)
    }

    /// The host's side is there.
    func connected(_ stream: any HostStream) {
        guard case .connecting = phase else { return stream.cut() }
        phase = .streaming
        host = stream
        record.address = stream.address
        stream.send(request, host: host(for: request))
        charge(.bytesUp, request.target.utf8.count + request.fields.wireCount)
        guard case .streaming = phase else { return }
        if isRequestOver {
            stream.send(ByteBuffer(bytes: body))
            charge(.bytesUp, body.count)
            body = []
            host?.finish(trailer)
        } else {
            stream.flush()
            agent?.pull()
        }
        host?.pull()
    }

    /// The host's side will not come.
    func failed(_ error: UpstreamError) {
        guard case .connecting = phase else { return }
        if error.isDenial {
            refuse(Refusal(error.code, error.reason, status: 403))
        } else {
            fail(error)
        }
    }

    // MARK: - The request

    /// A part of the request's body.
    func requestBody(_ data: ByteBuffer) {
        record.bytesUp += UInt64(data.readableBytes)
        if let maxBody, !request.isWebSocket, record.bytesUp > maxBody {
            return refuse(Refusal("body", "the body is larger than the rule allows", status: 413))
        }
        switch phase {
        case .takingBody(let limit):
            guard body.count + data.readableBytes <= limit else {
                return refuse(Refusal("signature", "the body is too long to be signed again", status: 413))
            }
            body += data.readableBytesView
            agent?.pull()
        case .streaming:
            guard !isResponseOver else { return }
            if webSocket != nil { return relayFromAgent(data) }
            switch secrets.request(data) {
            case .send(let bytes): sendToHost(bytes)
            case .refuse(let finding): refuse(finding)
            }
        case .deciding, .connecting, .ended: break
        }
    }

    private func sendToHost(_ bytes: ByteBuffer) {
        connection.uses(secrets.leases)
        host?.send(bytes)
        charge(.bytesUp, bytes.readableBytes)
        if host?.isWritable == true { agent?.pull() }
    }

    /// The request's end.
    func requestEnd(_ trailer: HeaderFields) {
        if let finding = secrets.search(trailer: trailer) { return refuse(finding) }
        self.trailer = trailer
        switch phase {
        case .takingBody:
            isRequestOver = true
            rewrite(wholeBody: body)
        case .streaming:
            if webSocket != nil {
                host?.cut()
                return end()
            }
            switch secrets.requestEnd() {
            case .send(let rest):
                connection.uses(secrets.leases)
                isRequestOver = true
                if rest.readableBytes > 0 { host?.send(rest) }
                host?.finish(trailer)
            case .refuse(let finding): refuse(finding)
            }
        case .deciding, .connecting, .ended: isRequestOver = true
        }
    }

    /// What the agent sends is no HTTP any more.
    func requestIsMalformed(_ error: FramingError) {
        refuse(Refusal(error.rawValue, "the request is malformed", status: error.status))
    }

    /// The agent's side takes more.
    func agentIsWritable() {
        guard case .streaming = phase else { return }
        pumpResponse()
        agent?.flush()
    }

    /// The agent closed.
    func agentIsGone() {
        agent = nil
        host?.cut()
        record.reason = record.reason ?? (isResponseOver ? nil : "the agent closed the connection")
        end()
    }

    /// Hands on what was read of the request.
    func flushHost() { host?.flush() }

    // MARK: - The response

    /// A head of the response: an informational one, or the one that counts.
    func responseHead(_ head: HTTPResponseHead) {
        guard case .streaming = phase else { return }
        var head = head
        charge(.bytesDown, head.fields.wireCount)
        if head.isInformational {
            secrets.scrub(&head.fields)
            // 100 is for who waits for it only.
            if head.status != 100 || request.expectsContinue { agent?.send(head) }
            host?.pull()
            return
        }
        if head.status == 101 {
            webSocket = WebSocketRelay(isSearched: secrets.isActive)
        }
        do {
            let coded = head
            try secrets.response(&head, method: request.method)
            usage = ExchangeUsage(path: facts.rawPath, head: coded, isDecoded: secrets.isActive)
        } catch {
            return fail(UpstreamError("unreadable", error.description))
        }
        // There is no way around the gate, and no use in looking for one.
        head.fields.remove("alt-svc")
        if let warning = core.meter.warning(for: facts.destination) {
            head.fields.set("remit-budget-warning", warning)
        }
        record.status = head.status
        isAnswered = true
        agent?.send(head)
        if head.status == 101 { agent?.pull() }
        pumpResponse()
    }

    /// A part of the response's body.
    func responseBody(_ data: ByteBuffer) {
        guard case .streaming = phase else { return }
        record.bytesDown += UInt64(data.readableBytes)
        if webSocket != nil {
            relayFromHost(data)
        } else if secrets.isActive {
            secrets.response(data)
        } else {
            usage?.push(data)
            agent?.send(data)
        }
        charge(.bytesDown, data.readableBytes)
        pumpResponse()
    }

    /// The response's end.
    func responseEnd(_ trailer: HeaderFields) {
        guard case .streaming = phase else { return }
        // The host's side looks after its connection itself from here on.
        host = nil
        isResponseOver = true
        self.trailer = trailer
        if !isRequestOver { record.reason = "the host answered before the request was over" }
        pumpResponse()
    }

    /// Gives the agent what it takes, and asks the host for more when that was all.
    private func pumpResponse() {
        guard case .streaming = phase, isAnswered else { return }
        do {
            while agent?.isWritable == true {
                if let piece = try secrets.nextPiece() {
                    usage?.push(piece)
                    agent?.send(piece)
                } else if isResponseOver {
                    let rest = try secrets.responseEnd()
                    if rest.readableBytes > 0 { agent?.send(rest) }
                    secrets.scrub(&trailer)
                    let agent = self.agent
                    end()
                    agent?.finish(trailer)
                    return
                } else {
                    host?.pull()
                    return
                }
            }
        } catch {
            fail(UpstreamError("unreadable", error.description))
        }
    }

    /// The host's side takes more.
    func hostIsWritable() {
        guard case .streaming = phase, !isRequestOver || webSocket != nil else { return }
        agent?.pull()
    }

    /// The host's side broke.
    func hostIsGone(_ error: UpstreamError) {
        guard case .streaming = phase, let host else { return }
        self.host = nil
        // A host may close a connection that was idle just when it is used again; nothing of the request was answered.
        if host.isReused, !hasRetried, !isAnswered, record.bytesDown == 0, request.framing == .none,
            !request.isWebSocket
        {
            hasRetried = true
            return connect()
        }
        fail(error)
    }

    /// Hands on what was read of the response.
    func flushAgent() { agent?.flush() }

    // MARK: - WebSockets

    private func relayFromAgent(_ data: ByteBuffer) {
        guard var relay = webSocket else { return }
        let result = relay.fromAgent(data, secrets: &secrets)
        webSocket = relay
        switch result {
        case .send(let bytes): sendToHost(bytes)
        case .refuse(let finding): refuse(finding)
        case .malformed: fail(UpstreamError("malformed", "the agent sends malformed frames"))
        }
    }

    private func relayFromHost(_ data: ByteBuffer) {
        guard var relay = webSocket else { return }
        let result = relay.fromHost(data, secrets: &secrets)
        webSocket = relay
        switch result {
        case .send(let bytes): agent?.send(bytes)
        case .refuse, .malformed: fail(UpstreamError("malformed", "the host sends malformed frames"))
        }
    }

    // MARK: - Ends

    private func charge(_ dimension: BudgetDimension, _ bytes: Int) {
        guard let entry = core.meter.charge(dimension, bytes, to: facts.destination) else { return }
        refuse(exhausted: entry)
    }

    private func refuse(exhausted entry: BudgetLedger.Entry) {
        refuse(Refusal(exhausted: entry))
        core.meter.refused(entry)
    }

    private func refuse(_ finding: Finding) {
        if finding.reason == .unbound {
            core.report(
                .tripwire(
                    Tripwire(
                        lease: finding.lease, host: facts.destination.description, port: facts.port,
                        place: finding.place, request: record.requestLine
                    )
                )
            )
        }
        refuse(Refusal(finding))
    }

    /// It is not allowed: the agent is told why, or cut off where it is too late for that.
    private func refuse(_ refusal: Refusal) {
        if case .ended = phase { return }
        record.isAllowed = false
        record.rule = refusal.rule ?? record.rule
        record.reason = refusal.message
        conclude(refusal)
    }

    /// It is allowed and did not work.
    private func fail(_ error: UpstreamError) {
        if case .ended = phase { return }
        record.reason = error.reason
        conclude(Refusal(error.code, error.reason, status: error.code == "timeout" ? 504 : 502, type: .upstream))
    }

    private func conclude(_ refusal: Refusal) {
        host?.cut()
        host = nil
        let agent = self.agent
        if isAnswered {
            end()
            agent?.cut()
        } else {
            record.status = refusal.status
            var response = refusal.response
            if let warning = core.meter.warning(for: facts.destination) {
                response.head.fields.set("remit-budget-warning", warning)
            }
            end()
            send(response, to: agent)
        }
    }

    /// The gate itself answers.
    private func answer(_ response: (head: HTTPResponseHead, body: ByteBuffer)) {
        record.rule = "remit.internal"
        record.status = response.head.status
        let agent = self.agent
        end()
        send(response, to: agent)
    }

    private func send(_ response: (head: HTTPResponseHead, body: ByteBuffer), to agent: (any AgentStream)?) {
        var head = response.head
        let isHead = request.method == "HEAD"
        if isHead {
            head.announcedLength = head.framing.length
            head.framing = .none
        }
        agent?.send(head)
        if !isHead { agent?.send(response.body) }
        agent?.finish(HeaderFields([]))
    }

    private func end() {
        if case .ended = phase { return }
        phase = .ended
        agent = nil
        host = nil
        record.leases = secrets.leases
        if let reading = usage?.reading(requestBytes: record.bytesUp) {
            core.meter.charge(reading.usage, model: reading.model, to: facts.destination)
        }
        core.report(.record(record.finished(at: core.loop.now)))
        connection.ends(self)
    }
}
