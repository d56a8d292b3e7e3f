// SPDX-License-Identifier: Apache-2.0
// A receipt in the words a person asks with: why did it end, what held, is the access gone, how long did it take.

internal import RemitJournal
internal import RemitKernel

enum ReceiptView {
    static func rows(_ receipt: ReceiptPredicate) -> [[String]] {
        var rows = [
            ["session", receipt.session], ["task", receipt.task], ["owner", receipt.owner], ["intent", receipt.intent],
            ["ticket", receipt.ticket ?? "-"], ["reason", receipt.reason.rawValue], ["exit", exit(receipt.exit)],
            ["outcome", ([receipt.outcome.state.rawValue] + receipt.outcome.details).joined(separator: "; ")],
            ["processes left", receipt.processesLeft.map(String.init) ?? "unknown"],
        ]
        for lease in receipt.leases {
            let proof = lease.verifiedBy.map { "verified by \($0)" } ?? "not verified"
            rows.append([
                "lease \(lease.name)",
                "\(lease.state), \(proof), \(lease.exposure.rawValue), \(lease.handle) at \(lease.provider)",
            ])
        }
        for (call, count) in receipt.denials.sorted(by: { $0.key < $1.key }) {
            rows.append(["denied \(call)", "\(count)"])
        }
        if !receipt.limitsReached.isEmpty {
            rows.append(["limits reached", receipt.limitsReached.joined(separator: ", ")])
        }
        rows += self.rows(receipt.resources)
        if let egress = receipt.egress { rows += self.rows(egress) }
        if let changes = receipt.changes { rows.append(["change", words(changes)]) }
        for layer in receipt.layers {
            rows.append(["layer \(layer.name)", "\(layer.state.rawValue): \(layer.detail)"])
        }
        if let proof = receipt.proof {
            let time = "\(proof.nanoseconds / 1000) microseconds"
            rows.append(["proved before the start", "\(proof.held.joined(separator: ", ")); \(time)"])
        }
        if !receipt.degradedAllowed.isEmpty {
            rows.append(["degraded allowed", receipt.degradedAllowed.joined(separator: ", ")])
        }
        rows += durations(receipt.times)
        rows += [
            ["admitted", receipt.times.admitted.wall.rfc3339], ["sealed", receipt.times.sealed.wall.rfc3339],
            ["task digest", receipt.taskDigest], ["profile digest", receipt.profileDigest ?? "-"],
            ["plan digest", receipt.planDigest ?? "-"],
            ["journal", "\(receipt.journal.count) records, head \(receipt.journal.hash)"],
        ]
        for artifact in receipt.outcome.artifacts { rows.append(["artifact \(artifact.path)", artifact.digest]) }
        return rows
    }

    /// What the session used, in the order in which people ask.
    static func rows(_ resources: ReceiptResources) -> [[String]] {
        ReceiptResource.allCases.compactMap { resource in
            guard let figure = resources.figures[resource] else { return nil }
            let words = resource.rawValue.reduce(into: "") { words, letter in
                words += letter.isUppercase ? " \(letter.lowercased())" : "\(letter)"
            }
            return [words, "\(figure)"]
        }
    }

    /// What it did in its network, the busiest host first.
    static func rows(_ egress: ReceiptEgress) -> [[String]] {
        let hosts = egress.hosts.sorted {
            ($1.value.bytesUp + $1.value.bytesDown, $0.key) < ($0.value.bytesUp + $0.value.bytesDown, $1.key)
        }
        var rows = hosts.map { host, count in
            let figures = [
                (count.connections, "connections"), (count.requests, "requests"), (count.bytesUp, "bytes up"),
                (count.bytesDown, "bytes down"), (count.denied, "denied"),
            ]
            let words = figures.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
            return ["host \(host)", words.isEmpty ? "asked for" : words]
        }
        for (lease, count) in egress.tripwires.sorted(by: { $0.key < $1.key }) {
            rows.append(["placeholder of \(lease)", "\(count) times where it is not bound"])
        }
        for (dimension, figure) in egress.usage.sorted(by: { $0.key < $1.key }) {
            rows.append(["used \(dimension)", "\(figure)"])
        }
        if let cut = egress.cut { rows.append(["cut by the fence", "\(cut) connections"]) }
        return rows
    }

    /// What was left over the workspace.
    static func words(_ changes: ReceiptChanges) -> String {
        if let problem = changes.problem { return "it could not be read: \(problem)" }
        if changes.isEmpty { return "nothing" }
        let counts = [(changes.added, "added"), (changes.modified, "modified"), (changes.deleted, "deleted")]
        let words = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        return "\(words); \(changes.bytes) bytes, digest \(changes.digest ?? "-")"
    }

    private static func exit(_ exit: AgentExit) -> String {
        switch exit {
        case .code(let code): "\(code)"
        case .signal(let signal): "signal \(signal)"
        case .unknown: "unknown"
        }
    }

    /// From the decision to end until each step was done.
    private static func durations(_ times: ReceiptTimes) -> [[String]] {
        guard let decided = times.endDecided else { return [] }
        let steps = [
            ("decision to fence", times.fenced), ("decision to last process dead", times.lastProcessDead),
            ("decision to verified revoked", times.verified),
        ]
        return steps.compactMap { name, moment in
            guard let moment, moment.boot >= decided.boot else { return nil }
            let microseconds = decided.boot.duration(to: moment.boot).nanoseconds / 1000
            return [name, "\(microseconds / 1000).\(String(1000 + microseconds % 1000).dropFirst()) ms"]
        }
    }
}
