// SPDX-License-Identifier: Apache-2.0
// The canonical form of what files say about the network, its budgets and its secrets.

internal import RemitNetwork

extension NetworkRules {
    var canonical: CanonicalJSON? { isEmpty ? nil : .object(values) }

    /// The operator's, with where hosts are and how they are verified.
    func canonical(with trust: UpstreamTrust, _ hosts: [HostName: [IPAddress]]) -> CanonicalJSON? {
        if isEmpty, trust == UpstreamTrust(), hosts.isEmpty { return nil }
        var values = values
        values["hosts"] = .map(
            [String: CanonicalJSON](uniqueKeysWithValues: hosts.map { ($0.key.text, .descriptions($0.value)) }))
        values["authorities"] = .texts(trust.authorities)
        values["clientCertificates"] = .list(
            trust.clientCertificates.map { item in
                .map([
                    "host": .string(item.host.description), "certificate": .string(item.certificate),
                    "key": .string(item.key),
                ])
            }
        )
        return .object(values)
    }

    private var values: [String: CanonicalJSON?] {
        [
            "allow": allow.map { .list($0.map(\.canonical)) }, "deny": .list(deny.map(\.canonical)),
            "tripwire": .text(tripwire?.rawValue),
        ]
    }
}

extension NetworkEntry {
    var canonical: CanonicalJSON {
        switch self {
        case .rule(let rule): rule.canonical
        case .group(let name): .map(["group": .string(name)])
        }
    }
}

extension NetworkRule {
    var canonical: CanonicalJSON {
        .object([
            "host": .string(host.description), "ports": .ports(ports), "http": http?.canonical,
            "clearText": .boolean(clearText), "opaque": opaque.map(CanonicalJSON.boolean), "sni": .string(sni.rawValue),
            // A list that says nothing is one that a file may not have.
            "addresses": addresses.isEmpty ? nil : .descriptions(addresses),
        ])
    }
}

extension HTTPRule {
    fileprivate var canonical: CanonicalJSON {
        .object([
            "methods": .texts(methods.sorted()), "paths": .descriptions(paths),
            "maxBody": maxBody.map { .string(ByteCount(bytes: $0).description) },
        ])
    }
}

extension BudgetPlan {
    var canonical: CanonicalJSON? {
        guard self != BudgetPlan() else { return nil }
        var values = session.values
        values["hosts"] = .list(
            hosts.map { .map($0.budget.values.merging(["host": .string($0.host.description)]) { $1 }) })
        return .map(values)
    }
}

extension Budget {
    fileprivate var values: [String: CanonicalJSON] {
        [String: CanonicalJSON](uniqueKeysWithValues: limits.map { ($0.key.rawValue, .amount($0.value)) })
    }
}

extension ModelPrice {
    var canonical: CanonicalJSON {
        .map([
            "input": .amount(input), "output": .amount(output), "cacheRead": .amount(cacheRead),
            "cacheWrite": .amount(cacheWrite),
        ])
    }
}

extension SecretSource {
    var canonical: CanonicalJSON {
        switch self {
        case .environment(let variable): .map(["env": .string(variable)])
        case .file(let path): .map(["file": .string(path)])
        case .command(let words): .map(["command": .texts(words)])
        case .systemdCredential(let name): .map(["systemdCredential": .string(name)])
        }
    }
}

extension SecretInjection {
    var canonical: CanonicalJSON {
        var values: [String: CanonicalJSON?] = [
            "host": .string(host.description), "ports": .ports(ports), "methods": .texts(methods.sorted()),
            "paths": .descriptions(paths), "clearText": .boolean(clearText),
        ]
        switch slot {
        case .header(let name): values["header"] = .string(name)
        case .basic: values["basic"] = .boolean(true)
        case .query(let name): values["query"] = .string(name)
        case .body: values["body"] = .boolean(true)
        case .sigV4(let scope):
            values["sigv4"] = .map([
                "services": .texts(scope.services.sorted()), "regions": .texts(scope.regions.sorted()),
            ])
        }
        return .object(values)
    }
}

extension InjectionNarrowing {
    var canonical: CanonicalJSON {
        .object([
            "host": .text(host), "ports": .ports(ports), "methods": methods.map { .texts($0.sorted()) },
            "paths": paths.map { .descriptions($0) },
        ])
    }
}

extension CanonicalJSON {
    fileprivate static func ports(_ ports: [UInt16]?) -> CanonicalJSON? {
        ports.map { .list($0.map { .integer(Int64($0)) }) }
    }

    fileprivate static func descriptions(_ values: [some CustomStringConvertible]) -> CanonicalJSON {
        .texts(values.map(\.description))
    }

    fileprivate static func amount(_ value: UInt64) -> CanonicalJSON { .integer(Int64(clamping: value)) }
}
