// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import RemitNetwork

/// The secrets' part in one exchange: puts them in, takes them out, and costs nothing where there are none.
struct ExchangeSecrets {
    /// What to do with the head.
    enum HeadVerdict {
        case send
        case takeBody(atMost: Int)
        case refuse(Finding)
    }

    /// What to do with bytes of the body.
    enum BodyVerdict {
        case send(ByteBuffer)
        case refuse(Finding)
    }

    private let table: SecretTable
    private let bound: Set<String>
    private var rewriter: RequestRewriter
    private var scrubber: ResponseScrubber

    init(_ table: SecretTable, facts: HTTPRequestFacts, isWebSocket: Bool) {
        self.table = table
        bound = Set(table.bindings.filter { $0.concerns(facts.destination, port: facts.port) }.map(\.lease))
        rewriter = RequestRewriter(table, facts: facts)
        scrubber = ResponseScrubber(table.scrub)
    }

    /// Whether there is anything to look for.
    var isActive: Bool { !table.isEmpty }

    /// The leases whose secrets were sent.
    var leases: Set<String> { rewriter.leases }

    /// Whether a lease may have a part in this exchange.
    func mayUse(lease: String) -> Bool { bound.contains(lease) }

    /// Rewrites the head; `host` is what `Host` is going to say, which signatures cover.
    mutating func rewrite(_ head: inout HTTPRequestHead, host: String, body: [UInt8]?) -> HeadVerdict {
        guard isActive else { return .send }
        var fields = head.fields
        fields.fields.insert(HeaderFields.Field("Host", host), at: 0)
        switch head.framing {
        case .none, .untilClose: break
        case .length(let length): fields.add("Content-Length", "\(length)")
        case .chunked: fields.add("Transfer-Encoding", "chunked")
        }
        if head.isWebSocket { fields.remove("sec-websocket-extensions") }
        var target = head.target
        switch rewriter.head(target: &target, headers: &fields, body: body) {
        case .refuse(let finding): return .refuse(finding)
        case .takeBody(let limit): return .takeBody(atMost: limit)
        case .send(let isUnframed):
            for name in ["host", "content-length", "transfer-encoding"] { fields.remove(name) }
            head.fields = fields
            head.target = target
            if let body {
                // What was signed is sent as it is: nothing is swapped in it, but what has no business there is found.
                if case .refuse(let finding) = rewriter.body(body) { return .refuse(finding) }
                if case .refuse(let finding) = rewriter.finish() { return .refuse(finding) }
                head.framing = body.isEmpty ? .none : .length(UInt64(body.count))
            } else if isUnframed, head.framing != .none {
                head.framing = .chunked
            }
            return .send
        }
    }

    /// Rewrites bytes of the request's body.
    mutating func request(_ data: ByteBuffer) -> BodyVerdict {
        guard isActive else { return .send(data) }
        return Self.verdict(rewriter.body(Array(data.readableBytesView)))
    }

    /// Rewrites the rest of the request's body, or of a message of a WebSocket.
    mutating func requestEnd() -> BodyVerdict {
        guard isActive else { return .send(ByteBuffer()) }
        return Self.verdict(rewriter.finish())
    }

    /// Searches a trailer, or something else in which nothing is swapped.
    func search(trailer: HeaderFields) -> Finding? {
        isActive && !trailer.fields.isEmpty ? rewriter.search(trailer, as: "trailer") : nil
    }

    /// Searches a control frame of a WebSocket.
    func search(control payload: [UInt8]) -> Finding? {
        guard isActive, let lease = table.lease(in: payload) else { return nil }
        return Finding(lease: lease, place: "frame", reason: .unbound)
    }

    /// Takes the secrets out of the final head, and says of its framing what is still known.
    mutating func response(_ head: inout HTTPResponseHead, method: String) throws(ScrubError) {
        guard isActive else { return }
        let hasBody = head.framing != .none
        if try scrubber.head(status: head.status, &head.fields, hasBody: hasBody), hasBody { head.framing = .chunked }
    }

    /// Takes bytes of the response's body.
    mutating func response(_ data: ByteBuffer) { scrubber.push(Array(data.readableBytesView)) }

    /// The next bytes for the agent; nil when there is nothing left of what came.
    mutating func nextPiece() throws(ScrubError) -> ByteBuffer? {
        guard isActive else { return nil }
        return try scrubber.next().map { ByteBuffer(bytes: $0) }
    }

    /// The rest of the response's body.
    mutating func responseEnd() throws(ScrubError) -> ByteBuffer {
        isActive ? ByteBuffer(bytes: try scrubber.finish()) : ByteBuffer()
    }

    /// Takes the secrets out of fields.
    func scrub(_ fields: inout HeaderFields) {
        if isActive { scrubber.scrub(&fields) }
    }

    /// Takes the secrets out of a part of a message of a WebSocket; the last one ends the message.
    mutating func responseMessage(_ payload: [UInt8], isLast: Bool) throws(ScrubError) -> [UInt8] {
        guard isActive else { return payload }
        var bytes = try scrubber.body(payload)
        if isLast {
            bytes += try scrubber.finish()
            scrubber = ResponseScrubber(table.scrub)
        }
        return bytes
    }

    /// Takes the secrets out of a control frame, which keeps its length.
    func scrubbed(control payload: [UInt8]) -> [UInt8] {
        isActive ? table.scrub.scrubbed(payload) : payload
    }

    private static func verdict(_ verdict: RequestRewriter.BodyVerdict) -> BodyVerdict {
        switch verdict {
        case .send(let bytes): .send(ByteBuffer(bytes: bytes))
        case .refuse(let finding): .refuse(finding)
        }
    }
}

extension HeaderFields {
    /// How many bytes they take in HTTP/1, nearly.
    var wireCount: Int { fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 } }
}
