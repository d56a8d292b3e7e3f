// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

extension NetworkEntry {
    /// The rule of a narrowing, which takes away what its host is not about, or with `isDenial` what it is about, and
    /// decides nothing else; nothing for a group.
    ///
    /// - Parameter ports: those that are meant where the item names none.
    package func narrowing(isDenial: Bool, ports: Set<UInt16>) -> EgressRule? {
        guard case .rule(let rule) = self else { return nil }
        let everywhere = [IPAddress.v4(0), .v6(high: 0, low: 0)].compactMap { Network($0, prefix: 0) }
        return EgressRule(
            label: "remit narrow \(rule.host)", host: rule.host,
            ports: rule.ports.map(Set.init) ?? (isDenial ? [] : ports), allowsClearText: !isDenial,
            opaque: isDenial ? .never : .always, sni: isDenial ? .required : .optional,
            addresses: isDenial ? [] : everywhere,
            isDenial: isDenial
        )
    }
}
