// SPDX-License-Identifier: Apache-2.0

internal import RemitNetwork
internal import RemitSandbox
internal import RemitTask

extension SandboxNetwork {
    /// What has to be inside a sandbox for the gate to serve a plan.
    init(_ plan: NetworkPlan) {
        let allowed = plan.policy.layers.filter { !$0.isOpen }.flatMap(\.rules).filter { !$0.isDenial }
        let named = allowed.compactMap { rule in if case .network(let network) = rule.host { network } else { nil } }
        self.init(ports: plan.policy.ports, named: Set(named), hasAuthority: plan.mayReadRequests)
    }
}

extension NetworkPlan {
    /// Some connection will be read, so that the session signs for its host.
    var mayReadRequests: Bool {
        policy.layers.contains { layer in layer.rules.contains { $0.http != nil } } || !bindings.isEmpty
            || budgets.session.needsRequests || budgets.hosts.contains { $0.budget.needsRequests }
    }
}
