// SPDX-License-Identifier: Apache-2.0

/// Why something was denied, and by which rule.
package struct EgressDenial: Hashable, Sendable {
    /// Why.
    package enum Reason: Hashable, Sendable {
        /// No rule names the host.
        case host
        /// Rules name the host, and none of them the port.
        case port
        /// A rule denies it.
        case rule
        /// Rules name the host, and none of them the method.
        case method
        /// Rules name the host and the method, and none of them the path.
        case path
        /// The path cannot be compared with rules.
        case ambiguousPath(RequestPathError)
        /// The body is larger than any rule allows.
        case body
        /// HTTP without TLS, which no rule allows.
        case clearText
        /// The address is special, and no rule opens it.
        case address(AddressScope)
        /// The address is one of this host's own, and no rule opens it.
        case ownAddress
    }

    /// Why.
    package let reason: Reason
    /// The label of the rule that denied, or the name of the layer that has no rule for it.
    package let rule: String

    /// Makes a denial.
    package init(_ reason: Reason, by rule: String) {
        self.reason = reason
        self.rule = rule
    }
}

extension EgressDenial: CustomStringConvertible {
    /// One clause: `no rule of the task names the host`.
    package var description: String {
        switch reason {
        case .host: "no rule of \(rule) names the host"
        case .port: "no rule of \(rule) names the port"
        case .rule: "denied by \(rule)"
        case .method: "no rule of \(rule) names the method"
        case .path: "no rule of \(rule) names the path"
        case .ambiguousPath(let error): "the path \(error), and \(rule) has rules about paths"
        case .body: "the body is larger than \(rule) allows"
        case .clearText: "no rule of \(rule) allows HTTP without TLS"
        case .address(let scope): "the address is special (\(scope.rawValue)), and \(rule) does not open it"
        case .ownAddress: "the address is this host's own, and \(rule) does not open it"
        }
    }

    /// The reason as one word, for records and machine-readable answers.
    package var code: String {
        switch reason {
        case .host: "host"
        case .port: "port"
        case .rule: "rule"
        case .method: "method"
        case .path: "path"
        case .ambiguousPath: "ambiguous-path"
        case .body: "body"
        case .clearText: "clear-text"
        case .address, .ownAddress: "address"
        }
    }
}
