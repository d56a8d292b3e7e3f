// SPDX-License-Identifier: Apache-2.0
// What several rules come to for one connection: within a layer they add up, between layers they take away.

extension EgressRule {
    /// What rules of one layer that match a connection come to; nothing for none.
    ///
    /// Its `http` only says whether requests have to be read: where one of the rules does not ask for that, none need be.
    init?(uniting rules: [EgressRule], on port: UInt16) {
        guard let first = rules.first else { return nil }
        self = first
        ports = [port]
        http = rules.allSatisfy { $0.http != nil } ? first.http : nil
        allowsClearText = rules.contains(where: \.allowsClearText)
        opaque = rules.map(\.opaque).max() ?? .never
        sni = rules.contains { $0.sni == .optional } ? .optional : .required
        addresses = rules.flatMap { $0.addresses + $0.hostNetworks }
    }

    /// What this rule, of an outer layer, and one of an inner layer come to: labelled as the inner one.
    func intersected(with inner: EgressRule) -> EgressRule {
        var result = inner
        result.http = inner.http ?? http
        result.allowsClearText = allowsClearText && inner.allowsClearText
        result.opaque = min(opaque, inner.opaque)
        result.sni = sni == .required ? .required : inner.sni
        result.addresses = addresses.flatMap { own in
            inner.addresses.compactMap { theirs in
                guard let narrower = own.contains(theirs) ? theirs : theirs.contains(own) ? own : nil else {
                    return nil
                }
                // An address that hands out credentials must be named itself, by both.
                return narrower.isSingle && own != theirs && narrower.base.scope == .metadata ? nil : narrower
            }
        }
        return result
    }
}
