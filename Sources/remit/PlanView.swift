// SPDX-License-Identifier: Apache-2.0

internal import RemitGate
internal import RemitJournal
internal import RemitKernel
internal import RemitNetwork
internal import RemitSandbox
internal import RemitSession
internal import RemitTask

/// What `remit run --dry-run` shows: the launch plan step by step, and which layer will hold by what.
struct PlanView {
    private let admitted: AdmittedSession

    init(_ admitted: AdmittedSession) { self.admitted = admitted }

    func show(_ format: Format) {
        switch format {
        case .json:
            Output.json([
                "task": .string(admitted.task.name), "profile": .string(admitted.profile.name),
                "taskDigest": .string(admitted.taskDigest), "profileDigest": .string(admitted.profileDigest),
                "planDigest": .string(admitted.planDigest), "command": .strings(admitted.sandbox.command),
                "environment": .strings(admitted.plan.launch.environment),
                "user": .integer(Int(admitted.plan.identity.user)),
                "group": .integer(Int(admitted.plan.identity.group)),
                "setup": .strings(admitted.plan.launch.setup.map(\.description)),
                "agent": .strings(admitted.plan.launch.agent.map(\.description)),
                "network": network,
                "layers": LayerView.json(admitted.enforcement),
            ])
        case .table:
            Output.write("task     \(Terminal.printable(admitted.task.name)), profile \(admitted.profile.name)\n")
            let identity = admitted.plan.identity
            Output.write("agent    uid 1000 inside, uid \(identity.user) gid \(identity.group) on the host\n\nset-up\n")
            for (index, step) in admitted.plan.launch.setup.enumerated() {
                Output.write("  \(index + 1). \(Terminal.printable(step.description))\n")
            }
            Output.write("\nagent's process\n")
            for (index, step) in admitted.plan.launch.agent.enumerated() {
                Output.write("  \(index + 1). \(Terminal.printable(step.description))\n")
            }
            showNetwork()
            Output.write("\nenforcement\n")
            Output.table(LayerView.table(admitted.enforcement))
        }
    }
}

extension PlanView {
    /// What may be reached: every rule of every source, in the order in which they take away from each other.
    private var network: JSONValue {
        guard admitted.network.isNeeded else { return .null }
        let plan = admitted.network
        return [
            "policy": plan.policy.json, "tripwire": .string(plan.tripwire.rawValue),
            "ports": .array(plan.policy.ports.sorted().map { .integer(Int($0)) }),
            "secrets": .array(
                plan.bindings.map {
                    ["credential": .string($0.lease), "host": .string($0.hosts.description)]
                }),
        ]
    }

    private func showNetwork() {
        guard admitted.network.isNeeded else { return Output.write("\nnetwork\n  none\n") }
        Output.write("\nnetwork\n")
        for layer in admitted.network.policy.layers {
            for rule in layer.rules {
                let ports =
                    rule.ports.isEmpty ? "every port" : rule.ports.sorted().map { "\($0)" }.joined(separator: ",")
                let read = rule.http == nil ? "" : ", requests are read"
                let verb = rule.isDenial ? "deny" : "allow"
                Output.write("  \(verb) \(rule.host) on \(ports)\(read) (\(Terminal.printable(rule.label)))\n")
            }
        }
        for binding in admitted.network.bindings {
            Output.write("  add `\(binding.lease)` to requests to \(binding.hosts); the agent holds a placeholder\n")
        }
    }
}

/// Layers as a table or as JSON; `doctor` shows the same.
enum LayerView {
    static func table(_ plan: EnforcementPlan) -> Table {
        var table = Table(columns: ["LAYER", "STATE", "REQUIRED", "HOW"])
        for layer in plan.layers {
            let required = layer.required ? (layer.excused ? "excused" : "yes") : "no"
            table.rows.append([layer.layer.rawValue, layer.state.rawValue, required, layer.detail])
        }
        return table
    }

    static func json(_ plan: EnforcementPlan) -> JSONValue {
        .array(
            plan.layers.map {
                [
                    "name": .string($0.layer.rawValue), "state": .string($0.state.rawValue),
                    "required": .bool($0.required), "excused": .bool($0.excused), "detail": .string($0.detail),
                ]
            }
        )
    }
}
