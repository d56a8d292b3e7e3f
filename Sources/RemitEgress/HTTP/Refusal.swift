// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import RemitJournal
internal import RemitNetwork

/// An answer of the gate's own, in place of the host's: why not, for people and for machines.
struct Refusal {
    /// What kind of answer it is.
    enum Kind: String {
        case denied = "remit_denied"
        case budget = "remit_budget_exhausted"
        case malformed = "remit_malformed_request"
        case upstream = "remit_upstream_error"
    }

    let kind: Kind
    /// One word.
    let reason: String
    /// One clause.
    let message: String
    let status: Int
    /// The label of the rule that denied.
    var rule: String?
    /// The budget that is used up.
    var budget: BudgetLedger.Entry?

    init(_ reason: String, _ message: String, status: Int, type kind: Kind = .denied) {
        self.kind = kind
        self.reason = reason
        self.message = message
        self.status = status
    }

    init(_ denial: EgressDenial) {
        self.init(denial.code, denial.description, status: denial.reason == .body ? 413 : 403)
        rule = denial.rule
    }

    init(_ finding: Finding) {
        let (reason, message) =
            switch finding.reason {
            case .unbound:
                ("placeholder", "a placeholder of \(finding.lease) is not bound to this place: \(finding.place)")
            case .fenced: ("fenced", "the lease of \(finding.lease) has ended")
            case .signature(let why): ("signature", "the request cannot be signed again: \(why)")
            }
        self.init(reason, message, status: 403)
    }

    init(exhausted entry: BudgetLedger.Entry) {
        let owner = entry.host.map { "of \($0)" } ?? "of the session"
        self.init("budget", "the budget \(owner) has no \(entry.dimension.rawValue) left", status: 429, type: .budget)
        budget = entry
    }

    static func malformed(_ reason: String, status: Int) -> Refusal {
        Refusal(reason, "the request is malformed", status: status, type: .malformed)
    }

    /// The answer: `{"error":{"type":…,"reason":…,"message":…}}`, which clients of model APIs show to people.
    var response: (head: HTTPResponseHead, body: ByteBuffer) {
        var error: [String: JSONValue] = [
            "type": .string(kind.rawValue), "reason": .string(reason), "message": .string(message),
        ]
        error["rule"] = rule.map(JSONValue.string)
        error["dimension"] = budget.map { .string($0.dimension.rawValue) }
        error["host"] = budget?.host.map(JSONValue.string)
        return Self.json(.object(["error": .object(error)]), status: status)
    }

    /// An answer of JSON that nobody stores.
    static func json(_ value: JSONValue, status: Int) -> (head: HTTPResponseHead, body: ByteBuffer) {
        let body = ByteBuffer(bytes: value.canonicalBytes + [0x0A])
        let fields = HeaderFields([("content-type", "application/json"), ("cache-control", "no-store")])
        return (HTTPResponseHead(status: status, fields: fields, length: body.readableBytes), body)
    }
}
