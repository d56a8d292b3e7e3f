// SPDX-License-Identifier: Apache-2.0
// Whether what may be reached is narrow enough to be named.

internal import RemitNetwork

extension Boundedness {
    static func network(_ task: TaskSpecification) -> [Finding] {
        let findings = (task.network.allow ?? []).flatMap { entry in
            if case .rule(let rule) = entry { reach(of: rule) } else { [Finding]() }
        }
        if !findings.isEmpty { return findings }
        let count = task.network.allow?.count ?? 0
        let reason =
            count == 0
            ? "it reaches nothing"
            : count == 1 ? "what it reaches is named" : "each of the \(count) it reaches is named"
        return [Finding(aspect: .network, grade: .bounded, reason: reason, advice: nil)]
    }

    private static func reach(of rule: NetworkRule) -> [Finding] {
        let advice = "network: {allow: [api.example.com]}"
        func finding(_ grade: Grade, _ reason: String, _ advice: String = advice) -> Finding {
            Finding(aspect: .network, grade: grade, reason: reason, advice: advice)
        }
        var findings: [Finding] = []
        switch rule.host {
        case .any: findings.append(finding(.missing, "`*` is every host there is"))
        case .subdomains(let name) where name.isSingleLabel:
            findings.append(finding(.missing, "`*.\(name)` is every host of a whole top-level domain"))
        case .subdomains(let name) where isShared(name):
            findings.append(finding(.weak, "anybody may have a host below `\(name)`, also to take data there"))
        case .network(let network) where network.prefix < (network.base.isVersion6 ? 16 : 8):
            findings.append(finding(.missing, "`\(network)` is a large part of all addresses"))
        case .network(let network) where network.prefix < (network.base.isVersion6 ? 48 : 16):
            findings.append(
                finding(
                    .weak, "`\(network)` is many hosts that have nothing in common", "network: {allow: [192.0.2.0/28]}")
            )
        case .exact, .subdomains, .network: break
        }
        if let ports = rule.ports, ports.count > 16 {
            let advice = "network: {allow: [{host: api.example.com, ports: [443]}]}"
            findings.append(finding(.weak, "`\(rule.host)` on \(ports.count) ports is more than a service", advice))
        }
        if let metadata = rule.addresses.first(where: { $0.isSingle && $0.base.scope == .metadata }) {
            findings.append(finding(.weak, "`\(metadata)` hands out the credentials of the host's machine"))
        }
        return findings
    }

    /// Whether hosts below a name belong to whoever asks for one.
    private static func isShared(_ name: HostName) -> Bool {
        var suffix: HostName? = name
        while let current = suffix {
            if shared.contains(current.text) { return true }
            suffix = current.parent
        }
        return false
    }

    /// Where customers of clouds and of hosting services have their names. Below some of them a customer's own part may
    /// be named, and is then an exact host or a longer pattern: those are found as well, for the part says nothing of who
    /// has it.
    private static let shared: Set<String> = [
        "amazonaws.com", "azureedge.net", "azurefd.net", "azurewebsites.net", "blogspot.com", "cloudapp.azure.com",
        "cloudfront.net", "core.windows.net", "deno.dev", "digitaloceanspaces.com", "fastly.net", "firebaseapp.com",
        "fly.dev", "github.io", "githubusercontent.com", "gitlab.io", "googleapis.com", "googleusercontent.com",
        "herokuapp.com", "netlify.app", "ngrok.app", "ngrok.io", "onrender.com", "pages.dev", "r2.dev", "run.app",
        "sharepoint.com", "trycloudflare.com", "vercel.app", "web.app", "workers.dev",
    ]
}
