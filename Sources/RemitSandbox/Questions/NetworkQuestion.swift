// SPDX-License-Identifier: Apache-2.0
// "May it reach that?", answered by the very policy that the gate decides by.

package import RemitNetwork

/// A host that somebody asks about, and how it would be reached.
package struct NetworkQuestion: Sendable {
    package let subject: String
    package let destination: Destination
    package let port: UInt16
    /// The request, where one was asked about: its method, and its path as it would be sent.
    package let request: (method: String, path: String)?
    package let isTLS: Bool

    /// Why a text names no host.
    package struct Refusal: Error, Hashable {
        package let description: String
    }

    /// Reads `host`, `host:port`, an address, or a URL of http or https.
    ///
    /// - Parameter method: the method of a request; nothing asks about the connection alone, or, with a path, about GET.
    package init(_ text: String, method: String?) throws(Refusal) {
        subject = text
        var rest = Substring(text)
        var path: String?
        var isTLS = true
        if let range = text.firstRange(of: "://") {
            switch text[..<range.lowerBound].lowercased() {
            case "https": isTLS = true
            case "http": isTLS = false
            default: throw Refusal(description: "is a URL of neither `http` nor `https`")
            }
            rest = text[range.upperBound...]
            path = "/"
        }
        if let slash = rest.firstIndex(of: "/") {
            guard path != nil else {
                throw Refusal(description: "has a path and no scheme: write `https://` in front, for a request")
            }
            path = String(rest[slash...].prefix { $0 != "?" && $0 != "#" })
            rest = rest[..<slash]
        }
        do {
            let authority: Authority
            if let address = IPAddress(String(rest)) {
                authority = Authority(.address(address.unmapped), port: nil)
            } else {
                authority = try Authority(parsing: rest.utf8)
            }
            destination = authority.destination
            port = authority.port ?? (isTLS ? 443 : 80)
        } catch {
            throw Refusal(description: error.description)
        }
        if let method, method.isEmpty || !method.utf8.allSatisfy({ (65...90).contains($0) || $0 == 45 }) {
            throw Refusal(description: "has a method that is none: `\(method)`")
        }
        request = path == nil && method == nil ? nil : (method ?? "GET", path ?? "/")
        self.isTLS = isTLS
    }

    /// What a policy says, step by step as a connection goes: the name, the connection, the request.
    ///
    /// - Parameter fixed: addresses that the operator's configuration gives for the name.
    package func answer(by policy: EgressPolicy, fixed: [IPAddress] = []) -> Answer {
        let resolved = Authority(destination, port: port).description
        func answer(_ opinions: [Opinion]) -> Answer { Answer(subject, resolved: resolved, opinions) }
        if policy.isEmpty {
            let none = Opinion(
                "egress", .denies, "the session has no network: the task allows none", line: .task("network.allow"))
            return answer([none])
        }
        var opinions: [Opinion] = []
        if case .name(let name) = destination {
            opinions.append(Self.opinion("name", policy.lookup(name)))
        }
        switch policy.connection(to: destination, port: port) {
        case .denied(let denial): opinions.append(Self.opinion("connection", denial))
        case .allowed(let rule, let inspect):
            let read = inspect ? ", and its requests are read" : ""
            opinions.append(
                Opinion("egress", .allows, "connection: port \(port) of it\(read)", line: .rule(rule.label)))
            opinions += fixed.map { Self.opinion("address \($0)", policy.address($0, for: rule)) }
            if !isTLS, !rule.allowsClearText {
                opinions.append(Opinion("egress", .denies, "connection: HTTP without TLS, which no rule allows"))
            }
            if let request, inspect || rule.http != nil { opinions.append(ask(policy, request)) }
        }
        return answer(opinions)
    }

    private func ask(_ policy: EgressPolicy, _ request: (method: String, path: String)) -> Opinion {
        let facts = HTTPRequestFacts(
            destination: destination, port: port, method: request.method, rawPath: request.path, isTLS: isTLS)
        switch policy.request(facts) {
        case .denied(let denial): return Self.opinion("request", denial)
        case .allowed(let rule, let limit):
            let body = limit.map { ", with a body of at most \($0) bytes" } ?? ""
            return Opinion(
                "egress", .allows, "request: \(request.method) \(request.path)\(body)", line: .rule(rule))
        }
    }

    private static func opinion(_ step: String, _ verdict: EgressVerdict) -> Opinion {
        switch verdict {
        case .allowed(let rule): Opinion("egress", .allows, "\(step): a rule names it", line: .rule(rule))
        case .denied(let denial): opinion(step, denial)
        }
    }

    private static func opinion(_ step: String, _ denial: EgressDenial) -> Opinion {
        Opinion("egress", .denies, "\(step): \(denial)", line: .rule(denial.rule))
    }
}
