// SPDX-License-Identifier: Apache-2.0
// A task's own rules and secrets, and where each was written.

internal import RemitNetwork

struct NetworkSource {
    let task: TaskSpecification
    let file: DecodedFile<TaskSpecification>?

    /// The task's rules.
    func layer(_ configuration: Configuration) throws(FileError) -> EgressLayer {
        var rules: [EgressRule] = []
        for (list, entries) in [("allow", task.network.allow ?? []), ("deny", task.network.deny)] {
            for (index, entry) in entries.enumerated() {
                guard let own = entry.rules(configuration, label: label(list, index), isDenial: list == "deny") else {
                    throw refuse(
                        at: "network.\(list)[\(index)]", entry.unknownGroup(configuration),
                        hint: "groups are shipped, or configured by the operator of this host"
                    )
                }
                rules += own
            }
        }
        return EgressLayer(name: "the task", rules: rules)
    }

    /// Refuses a rule of the task that reaches further than a bound.
    func check(_ configuration: Configuration, against bound: EgressLayer) throws(FileError) {
        for (index, entry) in (task.network.allow ?? []).enumerated() {
            for rule in entry.rules(configuration, label: "", isDenial: false) ?? [] {
                guard let excess = bound.excess(of: rule) else { continue }
                throw refuse(
                    at: "network.allow[\(index)]",
                    "\(label("allow", index)): `\(rule.host)` exceeds what \(bound.name) allows: \(excess)",
                    hint: "ask for less, or ask the operator of this host"
                )
            }
        }
    }

    /// Where the task's secrets are added: what their providers say, narrowed.
    func bindings(_ configuration: Configuration) throws(FileError) -> [SecretBinding] {
        var result: [SecretBinding] = []
        for (index, request) in task.credentials.enumerated() {
            guard let secret = configuration.provider(named: request.provider)?.secret else { continue }
            let all = secret.injections.map { $0.binding(lease: request.name) }
            guard let narrowing = request.inject else {
                result += all
                continue
            }
            let left = all.compactMap(narrowing.applied)
            guard !left.isEmpty else {
                throw refuse(
                    at: "credentials[\(index)].inject",
                    "`credentials[\(index)].inject` asks for more than provider `\(request.provider)` allows",
                    hint: "it may only narrow hosts, ports, methods and paths of the provider's"
                )
            }
            result += left
        }
        return result
    }

    /// What the command line added follows what the file has.
    private func label(_ list: String, _ index: Int) -> String {
        let name = file.map { String($0.file.split(separator: "/").last ?? "task") } ?? "task"
        if list == "allow", index >= (file?.value.network.allow?.count ?? 0), let added = task.network.allow?[index] {
            return "--allow-host \(added)"
        }
        return "\(name): network.\(list)[\(index)]"
    }

    private func refuse(at path: String, _ message: String, hint: String) -> FileError {
        file?.error(at: path, message, hint: hint)
            ?? FileError(file: "", line: 0, column: 0, message: message, hint: hint)
    }
}
