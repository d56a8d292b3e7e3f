// SPDX-License-Identifier: Apache-2.0
// From what the operator, the profile and the task say to what the session's gate is told. Nothing is resolved or opened.

package import RemitNetwork

/// What a session may reach, with which secrets, how much of it, and what it is told on the way.
package struct NetworkPlan: Hashable, Sendable {
    /// What may be reached.
    package let policy: EgressPolicy
    /// How much of it.
    package let budgets: BudgetPlan
    /// What models cost.
    package let prices: PriceTable
    /// Where secrets are added, by credential.
    package let bindings: [SecretBinding]
    /// What a placeholder in the wrong place leads to.
    package let tripwire: TripwireAction
    /// Addresses of names that count before any resolver's.
    package let hosts: [HostName: [IPAddress]]
    /// How hosts are verified.
    package let trust: UpstreamTrust

    /// Whether the session has a network at all: without one it needs no gate.
    package var isNeeded: Bool { !policy.isEmpty }

    /// The plan of a session without a network.
    package static let none = NetworkPlan(
        policy: .none, budgets: BudgetPlan(), prices: PriceTable(), bindings: [], tripwire: .block,
        hosts: [:], trust: UpstreamTrust()
    )

    /// Resolves groups, and checks that the task asks for no more than its profile and the operator allow.
    ///
    /// - Parameters:
    ///   - task: The task, with what the command line added at the end of `network.allow`.
    ///   - file: The task's file, for errors that point into it.
    ///   - profile: The resolved profile.
    ///   - configuration: The operator's configuration, which has accepted the task's providers.
    /// - Throws: `FileError` at what exceeds a bound, names a group that is not there, or asks for a secret too widely.
    package static func resolve(
        task: TaskSpecification, file: DecodedFile<TaskSpecification>?, profile: Profile, configuration: Configuration
    ) throws(FileError) -> NetworkPlan {
        let source = NetworkSource(task: task, file: file)
        let own = try source.layer(configuration)
        let bounds = [
            try configuration.network.bound(name: "the configuration", configuration) { list, index in
                "configuration: network.\(list)[\(index)]"
            },
            try profile.network.bound(name: "profile `\(profile.name)`", configuration) { list, index in
                let entry = (list == "allow" ? profile.network.allow ?? [] : profile.network.deny)[index]
                let origin = profile.origins["network.\(list).\(entry)"]
                return "profile \(origin?.description ?? profile.name): \(entry)"
            },
        ].compactMap { $0 }
        for bound in bounds { try source.check(configuration, against: bound) }
        let actions = [configuration.network.tripwire, profile.network.tripwire, task.network.tripwire]
        return NetworkPlan(
            policy: task.network.allow == nil ? .none : EgressPolicy(layers: bounds + [own]),
            budgets: task.budget,
            prices: configuration.prices,
            bindings: try source.bindings(configuration),
            tripwire: actions.contains(.end) ? .end : .block,
            hosts: configuration.hosts,
            trust: configuration.trust
        )
    }
}

extension NetworkRules {
    /// The rules as a bound for others; nothing when they bound nothing.
    fileprivate func bound(
        name: String, _ configuration: Configuration, label: (String, Int) -> String
    ) throws(FileError) -> EgressLayer? {
        guard allow != nil || !deny.isEmpty else { return nil }
        var rules: [EgressRule] = []
        for (list, entries) in [("allow", allow ?? []), ("deny", deny)] {
            for (index, entry) in entries.enumerated() {
                let label = label(list, index)
                guard let resolved = entry.rules(configuration, label: label, isDenial: list == "deny") else {
                    throw FileError(
                        file: "", line: 0, column: 0, message: "\(label): \(entry.unknownGroup(configuration))",
                        hint: "groups are shipped, or configured by the operator of this host"
                    )
                }
                rules += resolved
            }
        }
        return EgressLayer(name: name, rules: rules, isOpen: allow == nil)
    }
}

extension NetworkEntry {
    /// The rules that an item stands for; nothing for a group that is not there.
    func rules(_ configuration: Configuration, label: String, isDenial: Bool) -> [EgressRule]? {
        switch self {
        case .rule(let rule): [rule.egressRule(label: label, isDenial: isDenial)]
        case .group(let name):
            configuration.group(named: name)?.map {
                $0.egressRule(label: "\(label) (\(name))", isDenial: isDenial)
            }
        }
    }

    /// What is wrong with an item that has no rules.
    func unknownGroup(_ configuration: Configuration) -> String {
        guard case .group(let name) = self else { return "no rule" }
        return "unknown group `\(Excerpt.of(name))`\(Spelling.ending(for: name, among: configuration.groupNames))"
    }
}
