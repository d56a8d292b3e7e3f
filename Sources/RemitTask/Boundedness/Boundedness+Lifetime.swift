// SPDX-License-Identifier: Apache-2.0
// Whether what the agent may use is narrow, and whether it ends.

extension Boundedness {
    /// Longer than a working day and the night after it is not one task.
    static let longestDeadline = TimeSpan.seconds(24 * 3600)

    static func credentials(_ task: TaskSpecification, _ configuration: Configuration) -> [Finding] {
        if task.credentials.isEmpty {
            return [Finding(aspect: .credentials, grade: .bounded, reason: "none are asked for", advice: nil)]
        }
        let findings = task.credentials.flatMap { request in
            // What the gate adds to requests is bounded by those, and the agent holds nothing worth keeping.
            configuration.provider(named: request.provider)?.kind == .secret ? [] : credential(request)
        }
        if !findings.isEmpty { return findings }
        let count = task.credentials.count
        let reason = count == 1 ? "the one asked for has a scope" : "each of the \(count) asked for has a scope"
        return [Finding(aspect: .credentials, grade: .bounded, reason: reason, advice: nil)]
    }

    private static func credential(_ request: CredentialRequest) -> [Finding] {
        let isToken = request.provider == ProviderKind.sessionToken.rawValue
        let scope = isToken ? "{audience: https://orders.example.com}" : "{tables: [orders], privileges: [SELECT]}"
        let advice = """
            credentials:
              - name: \(request.name)
                provider: \(request.provider)
                scope: \(scope)
            """
        func finding(_ grade: Grade, _ reason: String) -> Finding {
            Finding(aspect: .credentials, grade: grade, reason: reason, advice: advice)
        }
        if request.scope.isEmpty {
            return [finding(.missing, "`\(request.name)` has no scope: it would be good for everything")]
        }
        var findings: [Finding] = []
        for (key, value) in request.scope.sorted(by: { $0.key < $1.key }) {
            let key = Excerpt.of(key)
            guard let wide = value.values.first(where: isWildcard) else { continue }
            let grade: Grade =
                request.scope.values.allSatisfy { $0.values.contains(where: isWildcard) } ? .missing : .weak
            findings.append(
                finding(grade, "`\(request.name)` asks for `\(key): \(Excerpt.of(wide))`, which is everything"))
        }
        if case .environment(let variable) = request.expose {
            findings.append(
                Finding(
                    aspect: .credentials, grade: .weak,
                    reason: "`\(request.name)` is put into `\(variable)`, which every child process inherits",
                    advice: "expose: file"
                )
            )
        }
        return findings
    }

    private static func isWildcard(_ text: String) -> Bool {
        text.contains("*") || text == "%"
            || ["all", "any", "all privileges", "admin", "superuser"].contains(text.lowercased())
    }

    static func lifetime(_ task: TaskSpecification, _ configuration: Configuration) -> [Finding] {
        func finding(_ grade: Grade, _ reason: String, _ advice: String?) -> Finding {
            Finding(aspect: .lifetime, grade: grade, reason: reason, advice: advice)
        }
        guard let deadline = task.deadline else {
            return [finding(.missing, "it has no deadline: it may never end", "deadline: 30m")]
        }
        var findings: [Finding] = []
        if deadline > longestDeadline {
            findings.append(finding(.weak, "a deadline of `\(deadline)` is above `\(longestDeadline)`", "deadline: 8h"))
        }
        if let idle = task.idle, idle > deadline {
            findings.append(finding(.weak, "`idle: \(idle)` is longer than the deadline of `\(deadline)`", "idle: 5m"))
        }
        for request in task.credentials {
            // A secret of the operator's is not issued again and again: its use ends with the session.
            if configuration.provider(named: request.provider)?.kind == .secret { continue }
            guard let ttl = request.ttl else {
                let lifetime = CredentialRequest.defaultLifetime
                let reason = "`\(request.name)` has no ttl: each issue would last the default of `\(lifetime)`"
                findings.append(finding(.weak, reason, "ttl: \(lifetime)"))
                continue
            }
            if ttl > deadline {
                let reason = "`\(request.name)` lasts `\(ttl)`, longer than the deadline of `\(deadline)`"
                findings.append(finding(.weak, reason, "ttl: \(min(deadline, CredentialRequest.defaultLifetime))"))
            }
        }
        return findings.isEmpty ? [finding(.bounded, "it ends after `\(deadline)`", nil)] : findings
    }
}
