// SPDX-License-Identifier: Apache-2.0
// The rules of one source. A look-up costs one hash of the name per label of it, and one of the address per prefix length
// in use, however many rules there are.

/// The rules of one source: the operator's configuration, the profile, the task, or a narrowing of the session.
package struct EgressLayer: Sendable {
    /// What the source is called in denials: `the task`.
    package let name: String
    /// Its rules, as written.
    package let rules: [EgressRule]
    /// Whether what no rule denies is allowed: a source that only denies bounds nothing else.
    package let isOpen: Bool

    private var exact: [HostName: [Int]] = [:]
    private var subdomains: [HostName: [Int]] = [:]
    private var everyName: [Int] = []
    private var networks: [Network: [Int]] = [:]
    private var prefixes: [Bool: [Int]] = [:]
    private var denied: [Int] = []

    /// Makes a layer of rules; an open one may hold denials only.
    package init(name: String, rules: [EgressRule], isOpen: Bool = false) {
        self.name = name
        self.rules = rules
        self.isOpen = isOpen
        for (index, rule) in rules.enumerated() {
            switch rule.host {
            case .any: everyName.append(index)
            case .exact(let host): exact[host, default: []].append(index)
            case .subdomains(let host): subdomains[host, default: []].append(index)
            case .network(let network):
                networks[network, default: []].append(index)
                prefixes[network.base.isVersion6, default: []].append(network.prefix)
                if rule.isDenial { denied.append(index) }
            }
        }
        prefixes = prefixes.mapValues { Array(Set($0)).sorted() }
    }

    /// The rules about a destination in the order they were written.
    func rules(for destination: Destination) -> [EgressRule] {
        var found: [Int] = []
        switch destination {
        case .name(let name):
            found = everyName + (exact[name] ?? [])
            var ancestor = subdomains.isEmpty ? nil : name.parent
            while let base = ancestor {
                found += subdomains[base] ?? []
                ancestor = base.parent
            }
        case .address(let address): found = indices(containing: address.unmapped)
        }
        return found.sorted().map { rules[$0] }
    }

    /// The denial of a range that an address lies in, by any of its forms and on any port.
    func denial(of address: IPAddress, port: UInt16?) -> EgressRule? {
        guard !denied.isEmpty else { return nil }
        let forms = address.canonical == address ? [address] : [address, address.canonical, address.unmapped]
        for form in forms {
            for index in indices(containing: form) where rules[index].isDenial && rules[index].http == nil {
                if port.map(rules[index].applies) ?? rules[index].ports.isEmpty { return rules[index] }
            }
        }
        return nil
    }

    private func indices(containing address: IPAddress) -> [Int] {
        (prefixes[address.isVersion6] ?? []).flatMap { prefix in
            Network(address, prefix: prefix).flatMap { networks[$0] } ?? []
        }
    }
}

extension EgressLayer: Hashable {
    /// By name, rules and openness; the rest follows from them.
    package static func == (left: EgressLayer, right: EgressLayer) -> Bool {
        left.name == right.name && left.isOpen == right.isOpen && left.rules == right.rules
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(rules)
    }
}
