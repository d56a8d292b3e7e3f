// SPDX-License-Identifier: Apache-2.0

internal import RemitJournal
package import RemitNetwork

/// Why a connection was not made, for records and for clients that can be told.
package struct ConnectionRefusal: Error, Hashable, Sendable {
    /// One word.
    package let code: String
    /// One clause.
    package let reason: String
    /// The label of the rule that denied, or of the rule that allowed what then failed.
    package let rule: String
    /// Whether it was not allowed, rather than not possible.
    package let isDenial: Bool

    /// Refusals that no rule is the cause of.
    package static let gate = "the gate"

    package init(_ code: String, _ reason: String, rule: String = ConnectionRefusal.gate, isDenial: Bool = true) {
        self.code = code
        self.reason = reason
        self.rule = rule
        self.isDenial = isDenial
    }

    package init(_ denial: EgressDenial) { self.init(denial.code, "\(denial)", rule: denial.rule) }

    package init(_ error: UpstreamError, rule: String) {
        self.init(error.code, error.reason, rule: rule, isDenial: error.isDenial)
    }

    /// The status that a client of HTTP gets.
    var status: Int {
        switch code {
        case "budget": 429
        case "malformed": 400
        case "timeout": 504
        case "unresolved", "refused", "unreachable": 502
        case "busy", "fenced", "limit": 503
        default: isDenial ? 403 : 502
        }
    }

    /// The answer to CONNECT: `Proxy-Status` (RFC 9209) for machines, and JSON in the form of the gate's other refusals.
    func response() -> [UInt8] {
        let error: [String: JSONValue] = [
            "type": isDenial ? "remit_denied" : "remit_upstream_error", "reason": .string(code),
            "message": .string(reason), "rule": .string(rule),
        ]
        let body = JSONValue.object(["error": .object(error)]).canonicalBytes + [UInt8(ascii: "\n")]
        let head = [
            "HTTP/1.1 \(status) \(Self.phrase(status))", "Proxy-Status: remit; error=\(proxyError); details=\(details)",
            "Content-Type: application/json", "Content-Length: \(body.count)", "Cache-Control: no-store",
            "Connection: close",
        ]
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }

    /// The answer to a request of SOCKS.
    var socksReply: SocksRequest.Reply {
        switch code {
        case "timeout": .expired
        case "refused": .refused
        case "unresolved", "unreachable": .hostUnreachable
        default: isDenial ? .notAllowed : .failure
        }
    }

    /// RFC 9209 section 2.3.
    private var proxyError: String {
        switch code {
        case "timeout": "connection_timeout"
        case "unresolved": "dns_error"
        case "refused": "connection_refused"
        case "unreachable": "destination_ip_unroutable"
        case "address": "destination_ip_prohibited"
        case "busy", "limit", "budget": "connection_limit_reached"
        case "malformed": "http_request_error"
        default: isDenial ? "http_request_denied" : "destination_unavailable"
        }
    }

    /// A string of RFC 9651: visible ASCII, its quotes escaped.
    private var details: String {
        let escaped = reason.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case " "..."~": "\(scalar)"
            default: "?"
            }
        }
        return "\"\(escaped.joined())\""
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 429: "Too Many Requests"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Error"
        }
    }
}
