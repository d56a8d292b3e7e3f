// SPDX-License-Identifier: Apache-2.0
// A provider is the operator's program, but its replies decide what is delivered and what is believed revoked, so
// everything that is not exactly the protocol is a failure.

internal import FoundationEssentials
internal import RemitKernel

/// Reads what a provider's program wrote.
enum ProviderReplyDecoder {
    /// More is not a reply.
    static let sizeLimit = 256 * 1024

    /// What a reply to `request` means.
    static func decode(_ output: [UInt8], for request: ProviderRequest) -> ProviderReply {
        guard output.count <= sizeLimit else { return violation("is longer than \(sizeLimit) bytes") }
        guard case .map(var fields)? = try? ProviderValue.parse(output) else {
            return violation("is not a JSON object")
        }
        guard case .bool(let ok)? = fields.removeValue(forKey: "ok") else { return violation("lacks `ok`") }
        guard ok else { return failure(&fields, request) }
        let reply = success(&fields, request)
        if case .failed = reply { return reply }
        return unknownKey(fields) ?? reply
    }

    private static func unknownKey(_ fields: [String: ProviderValue]) -> ProviderReply? {
        fields.keys.min().map { violation("has an unknown key `\(Redaction().clean($0, limit: 40))`") }
    }

    private static func success(_ fields: inout [String: ProviderValue], _ request: ProviderRequest) -> ProviderReply {
        switch request.operation {
        case .issue: issued(&fields, request)
        case .renew: renewed(&fields)
        case .revoke: .acknowledged
        case .probe:
            if let text = fields.removeValue(forKey: "finding")?.string, let finding = ProbeFinding(rawValue: text) {
                .probed(finding)
            } else {
                violation("lacks `finding`: gone, present or impossible")
            }
        case .list: listed(&fields)
        }
    }

    private static func issued(_ fields: inout [String: ProviderValue], _ request: ProviderRequest) -> ProviderReply {
        guard let content = fields.removeValue(forKey: "content")?.string, !content.isEmpty else {
            return violation("lacks `content`")
        }
        guard let expires = instant(&fields) else { return violation("lacks a proper `expiresAt`") }
        let redaction = Redaction(content: content, known: known(request))
        var facts: [String: String] = [:]
        switch fields.removeValue(forKey: "describe") {
        case nil: break
        case .map(let values) where values.count <= 32:
            for (key, value) in values {
                guard let text = value.string else { return violation("has a `describe` that is not all strings") }
                facts[redaction.clean(key, limit: 60)] = redaction.clean(text)
            }
        default: return violation("has a wrong `describe`")
        }
        return .issued(IssuedCredential(content: Secret(Array(content.utf8)), expires: expires, facts: facts))
    }

    private static func renewed(_ fields: inout [String: ProviderValue]) -> ProviderReply {
        guard let expires = instant(&fields) else { return violation("lacks a proper `expiresAt`") }
        switch fields.removeValue(forKey: "content") {
        case nil: return .renewed(expires: expires, content: nil)
        case .string(let content) where !content.isEmpty:
            return .renewed(expires: expires, content: Secret(Array(content.utf8)))
        default: return violation("has a wrong `content`")
        }
    }

    private static func listed(_ fields: inout [String: ProviderValue]) -> ProviderReply {
        guard case .list(let values)? = fields.removeValue(forKey: "handles") else {
            return violation("lacks `handles`")
        }
        let handles = values.compactMap(\.string)
        guard handles.count == values.count else { return violation("has `handles` that are not all strings") }
        return .listed(handles: handles)
    }

    private static func failure(_ fields: inout [String: ProviderValue], _ request: ProviderRequest) -> ProviderReply {
        guard let name = fields.removeValue(forKey: "class")?.string, let kind = LeaseFailure.Class(rawValue: name)
        else { return violation("lacks `class`: transient, auth, permanent or gone") }
        guard let message = fields.removeValue(forKey: "message")?.string else { return violation("lacks `message`") }
        // A failed issue should hold no content; if it does, it must not come back through the message.
        let content = fields.removeValue(forKey: "content")?.string
        if let violation = unknownKey(fields) { return violation }
        let redaction = content.map { Redaction(content: $0, known: known(request)) } ?? Redaction()
        // A transient failure may have struck after the provider committed.
        let isDefinite = content == nil && kind != .transient && kind != .gone
        return .failed(LeaseFailure(kind, redaction.clean(message), isDefinite: isDefinite))
    }

    private static func instant(_ fields: inout [String: ProviderValue]) -> WallInstant? {
        fields.removeValue(forKey: "expiresAt")?.string.flatMap(WallInstant.init(rfc3339:))
    }

    /// What may appear in a reply although it is part of the content.
    private static func known(_ request: ProviderRequest) -> [String] {
        [request.handle, request.session, request.task, request.owner, request.instance, request.notAfter ?? ""]
            + ProviderValue.map(request.scope ?? [:]).strings + (request.settings?.strings ?? [])
    }

    private static func violation(_ what: String) -> ProviderReply {
        .failed(LeaseFailure(.permanent, "the provider's reply \(what)", isDefinite: false))
    }
}
