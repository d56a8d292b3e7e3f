// SPDX-License-Identifier: Apache-2.0
// Whether one source's rules stay within another's, decided on the rules alone.

extension EgressLayer {
    /// What a rule asks for beyond this layer, as one clause; nothing when it stays within.
    ///
    /// Each port must be covered by one rule of the layer as a whole, for rules that add up cannot be told apart from
    /// rules that leave a gap. A rule that is denied entirely asks for something that it can never have.
    package func excess(of rule: EgressRule) -> String? {
        for denial in rules where denial.isDenial && denial.http == nil && denial.host.covers(rule.host) {
            if denial.ports.isEmpty || rule.ports.isSubset(of: denial.ports) { return "\(denial.label) denies it" }
        }
        if isOpen { return nil }
        let hosts = allowing.filter { $0.host.covers(rule.host) }
        if hosts.isEmpty { return "no rule names the host" }
        for port in rule.ports.sorted() {
            let candidates = hosts.filter { $0.applies(to: port) }
            if candidates.isEmpty { return "no rule names port \(port)" }
            if candidates.contains(where: { $0.covers(rule, on: port) }) { continue }
            return candidates.compactMap { $0.obstacle(to: rule) }.first ?? "no single rule allows all of it"
        }
        return nil
    }
}

extension EgressRule {
    /// What this rule, which names the host, does not allow of another.
    fileprivate func obstacle(to other: EgressRule) -> String? {
        if let http, !http.covers(other.http) {
            return other.http == nil ? "requests must be restricted as \(label) does" : "\(label) allows fewer requests"
        }
        if other.allowsClearText, !allowsClearText { return "\(label) does not allow clear text" }
        if other.opaque > opaque {
            return opaque == .never
                ? "\(label) allows HTTP and TLS only" : "\(label) has the server name of TLS checked"
        }
        if other.sni == .optional, sni == .required { return "\(label) requires the server name" }
        let opened = addresses + hostNetworks
        return other.addresses.first { wanted in !opened.contains { $0.contains(wanted) } }
            .map { "\(label) does not open \($0)" }
    }
}
