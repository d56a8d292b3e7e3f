// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import RemitGate
internal import RemitJournal
internal import RemitNetwork

/// What the agent may read about its session at `http://remit.internal/v1/remit`: what it may reach and what is left.
struct RemitService {
    /// The name it is reached by.
    static let host = "remit.internal"

    private let session: JSONValue

    /// - Parameter text: what the supervisor tells of the session, as JSON.
    init(_ text: String) {
        session = (try? JSONValue(parsing: Array(text.utf8))) ?? .object([:])
    }

    /// Whether a connection is for the service.
    static func isMeant(by gate: GateConnection) -> Bool {
        if gate.via == .service { return true }
        if case .name(let name) = gate.destination { return name.text == host }
        return false
    }

    /// The answer to a request.
    func response(to request: HTTPRequestHead, core: InspectorCore) -> (head: HTTPResponseHead, body: ByteBuffer) {
        guard request.path == "/v1/remit" else {
            return Refusal("path", "there is `/v1/remit` only", status: 404).response
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            return Refusal("method", "it can only be read", status: 405).response
        }
        var members: [String: JSONValue] = [:]
        if case .object(let told) = session { members = told }
        members["network"] = .array(core.policy.layers.map(Self.json))
        members["budgets"] = .array(core.meter.entries.map(Self.json))
        return Refusal.json(.object(members), status: 200)
    }

    private static func json(_ layer: EgressLayer) -> JSONValue {
        .object([
            "layer": .string(layer.name),
            "allow": .array(layer.rules.filter { !$0.isDenial }.map(json)),
            "deny": .array(layer.rules.filter(\.isDenial).map(json)),
            "otherwise": .string(layer.isOpen ? "allowed" : "denied"),
        ])
    }

    private static func json(_ rule: EgressRule) -> JSONValue {
        var members: [String: JSONValue] = [
            "host": .string("\(rule.host)"), "ports": .array(rule.ports.sorted().map { .integer(Int($0)) }),
        ]
        if let http = rule.http {
            if !http.methods.isEmpty { members["methods"] = .strings(http.methods.sorted()) }
            if !http.paths.isEmpty { members["paths"] = .strings(http.paths.map { "\($0)" }) }
            if let limit = http.maxBody { members["maxBody"] = .integer(Int(clamping: limit)) }
        }
        if rule.allowsClearText { members["clearText"] = .bool(true) }
        return .object(members)
    }

    private static func json(_ budget: (entry: BudgetLedger.Entry, used: UInt64, limit: UInt64)) -> JSONValue {
        let left = budget.limit - min(budget.used, budget.limit)
        return .object([
            "counts": .string(budget.entry.dimension.rawValue), "host": .optional(budget.entry.host),
            "limit": .integer(Int(clamping: budget.limit)), "used": .integer(Int(clamping: budget.used)),
            "left": .integer(Int(clamping: left)),
        ])
    }
}
