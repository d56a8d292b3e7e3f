// SPDX-License-Identifier: Apache-2.0

/// What a session may reach: what every layer allows, and none denies.
///
/// Within a layer the rules that allow add up, and one that denies beats them all. Layers only take away from each other:
/// the operator's, the profile's, the task's, and whatever narrowed the session since.
package struct EgressPolicy: Hashable, Sendable {
    /// The layers, the operator's first.
    package let layers: [EgressLayer]

    /// Makes a policy of layers; of none, it allows nothing.
    package init(layers: [EgressLayer]) { self.layers = layers }

    /// The policy that allows nothing.
    package static let none = EgressPolicy(layers: [])

    /// This policy, and on top of it another: what both allow.
    package func narrowed(by other: EgressPolicy) -> EgressPolicy {
        other.layers.isEmpty ? .none : EgressPolicy(layers: layers.isEmpty ? [] : layers + other.layers)
    }

    /// Whether some layer allows anything at all.
    package var isEmpty: Bool { layers.allSatisfy(\.isOpen) || layers.contains { !$0.isOpen && $0.allowing.isEmpty } }

    /// Every port on which some host may be reached.
    package var ports: Set<UInt16> {
        layers.filter { !$0.isOpen }.map { $0.allowing.reduce(into: Set()) { $0.formUnion($1.ports) } }
            .reduce(nil) { (all: Set<UInt16>?, next) in all?.intersection(next) ?? next } ?? []
    }

    /// Whether a name may be resolved: some port of it may be reached.
    package func lookup(_ name: HostName) -> EgressVerdict {
        var label: String?
        var ports: Set<UInt16>?
        for layer in layers {
            let rules = layer.rules(for: .name(name))
            if let denial = rules.first(where: { $0.isDenial && $0.http == nil && $0.ports.isEmpty }) {
                return .denied(EgressDenial(.rule, by: denial.label))
            }
            if layer.isOpen { continue }
            let allowing = rules.filter { !$0.isDenial }
            guard let first = allowing.first else { return .denied(EgressDenial(.host, by: layer.name)) }
            let own = allowing.reduce(into: Set<UInt16>()) { $0.formUnion($1.ports) }
            ports = ports?.intersection(own) ?? own
            guard ports?.isEmpty == false else { return .denied(EgressDenial(.port, by: layer.name)) }
            label = first.label
        }
        return label.map { .allowed(rule: $0) } ?? .denied(EgressDenial(.host, by: layers.last?.name ?? "nothing"))
    }

    /// Whether a connection may be made, and under which rule.
    package func connection(to destination: Destination, port: UInt16) -> ConnectionVerdict {
        var result: EgressRule?
        var inspect = false
        for layer in layers {
            let rules = layer.rules(for: destination)
            if let denial = rules.first(where: { $0.isDenial && $0.http == nil && $0.applies(to: port) }) {
                return .denied(EgressDenial(.rule, by: denial.label))
            }
            if case .address(let address) = destination, let denial = layer.denial(of: address, port: port) {
                return .denied(EgressDenial(.rule, by: denial.label))
            }
            inspect = inspect || rules.contains { $0.isDenial && $0.http != nil && $0.applies(to: port) }
            if layer.isOpen { continue }
            let allowing = rules.filter { !$0.isDenial }
            if allowing.isEmpty { return .denied(EgressDenial(.host, by: layer.name)) }
            let matching = allowing.filter { $0.applies(to: port) }
            guard let own = EgressRule(uniting: matching, on: port) else {
                return .denied(EgressDenial(.port, by: layer.name))
            }
            inspect = inspect || own.http != nil
            result = result?.intersected(with: own) ?? own
        }
        guard let result else { return .denied(EgressDenial(.host, by: layers.last?.name ?? "nothing")) }
        if case .address(let address) = destination, case .denied(let denial) = self.address(address, for: result) {
            return .denied(denial)
        }
        return .allowed(result, inspect: inspect)
    }

    /// Whether a connection that a rule allows may go to an address: the rule is that of ``connection(to:port:)``.
    package func address(_ address: IPAddress, for rule: EgressRule) -> EgressVerdict {
        for layer in layers {
            for port in rule.ports {
                guard let denial = layer.denial(of: address, port: port) else { continue }
                return .denied(EgressDenial(.rule, by: denial.label))
            }
        }
        let scope = address.scope
        guard scope == .global || rule.opens(address) else {
            return .denied(EgressDenial(.address(scope), by: rule.label))
        }
        return .allowed(rule: rule.label)
    }

    /// Whether a request may be made on a connection that was allowed.
    package func request(_ request: HTTPRequestFacts) -> RequestVerdict {
        var label: String?
        var limit: UInt64?
        let path = Result { () throws(RequestPathError) in try RequestPath(Array(request.rawPath.utf8)) }
        for layer in layers {
            let rules = layer.rules(for: request.destination).filter { $0.applies(to: request.port) }
            for rule in rules where rule.isDenial {
                switch rule.judge(request, path) {
                case nil: return .denied(EgressDenial(.rule, by: rule.label))
                // A path that hides what it means is not taken for one that is not denied.
                case .ambiguousPath(let error): return .denied(EgressDenial(.ambiguousPath(error), by: layer.name))
                default: continue
                }
            }
            if layer.isOpen { continue }
            var reason = EgressDenial.Reason.host
            var allowed: [EgressRule] = []
            for rule in rules where !rule.isDenial {
                if let obstacle = rule.judge(request, path) {
                    if obstacle.rank >= reason.rank { reason = obstacle }
                } else {
                    allowed.append(rule)
                }
            }
            guard let first = allowed.first else { return .denied(EgressDenial(reason, by: layer.name)) }
            label = first.label
            // Among rules that allow the same request the most generous one counts, among layers the least generous.
            let bodies = allowed.map { $0.http?.maxBody ?? .max }
            limit = min(limit ?? .max, bodies.max() ?? .max)
        }
        guard let label else { return .denied(EgressDenial(.host, by: layers.last?.name ?? "nothing")) }
        return .allowed(rule: label, maxBody: limit == .max ? nil : limit)
    }
}

extension EgressLayer {
    /// The rules that allow.
    var allowing: [EgressRule] { rules.filter { !$0.isDenial } }
}

extension EgressRule {
    /// What a request lacks to be one of this rule's; nothing when it is one.
    fileprivate func judge(
        _ request: HTTPRequestFacts, _ path: Result<RequestPath, RequestPathError>
    ) -> EgressDenial.Reason? {
        if !isDenial, !request.isTLS, !allowsClearText { return .clearText }
        guard let http else { return nil }
        if !http.methods.isEmpty, !http.methods.contains(request.method) { return .method }
        if !http.paths.isEmpty {
            switch path {
            case .failure(let error): return .ambiguousPath(error)
            case .success(let path): if !http.paths.contains(where: { $0.matches(path) }) { return .path }
            }
        }
        if !isDenial, let limit = http.maxBody, let length = request.declaredLength, length > limit { return .body }
        return nil
    }
}

extension EgressDenial.Reason {
    /// How near a rule came to allow a request: the nearest miss is the one worth telling.
    fileprivate var rank: Int {
        switch self {
        case .host, .port, .rule: 0
        case .address, .ownAddress, .clearText: 1
        case .method: 2
        case .path, .ambiguousPath: 3
        case .body: 4
        }
    }
}
