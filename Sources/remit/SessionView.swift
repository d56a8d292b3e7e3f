// SPDX-License-Identifier: Apache-2.0
// A session as rows and as JSON.

internal import RemitJournal
internal import RemitKernel
internal import RemitLeases
internal import RemitSession

enum SessionView {
    static func time(_ moment: Moment?) -> String {
        guard let text = moment?.wall.rfc3339 else { return "-" }
        return String(text.prefix(19)) + "Z"
    }

    static func json(_ record: SessionRecord) -> JSONValue {
        let history = record.history
        return [
            "session": .string(record.session), "task": .string(history.task), "owner": .string(history.owner),
            "state": .string(record.state.rawValue), "reason": .optional(record.reason?.rawValue),
            "started": .optional(history.admitted?.wall.rfc3339),
            "ended": .optional(history.lastProcessDead?.wall.rfc3339),
            "exit": exit(history.exit),
            "change": .string(record.review.rawValue),
        ]
    }

    static func exit(_ exit: AgentExit) -> JSONValue {
        switch exit {
        case .code(let code): .integer(code)
        case .signal(let signal): .integer(128 + signal)
        case .unknown: .null
        }
    }

    private static func moments(_ history: SessionHistory) -> [(String, Moment?)] {
        [
            ("admitted", history.admitted), ("launched", history.launched), ("started", history.started),
            ("endDecided", history.endDecided), ("fenced", history.fenced),
            ("lastProcessDead", history.lastProcessDead), ("revoked", history.revoked),
            ("verified", history.verified), ("sealed", history.sealed),
        ]
    }

    static func details(_ record: SessionRecord) -> JSONValue {
        let history = record.history
        guard case .object(var members) = json(record) else { return .null }
        members["intent"] = .string(history.intent)
        members["ticket"] = .optional(history.ticket)
        members["profile"] = .string(history.profile)
        members["command"] = .strings(history.command)
        members["workspace"] = .optional(history.workspace)
        members["workspaceMode"] = .optional(history.workspaceMode)
        members["changes"] = history.changes?.json ?? .null
        members["taskDigest"] = .string(history.taskDigest)
        members["profileDigest"] = .optional(history.profileDigest)
        members["planDigest"] = .optional(history.planDigest)
        members["detail"] = .optional(history.detail)
        members["denials"] = .object(history.denials.mapValues { .integer($0) })
        members["limitsReached"] = .strings(history.limitsReached)
        members["resources"] = history.resources.json
        members["egress"] = history.egress?.json ?? .null
        members["processesLeft"] = .optional(history.processesLeft)
        members["journal"] = .string("\(record.verdict)")
        members["pids"] = [
            "supervisor": .optional(history.supervisor.map { Int($0.pid) }),
            "init": .optional(history.initProcess.map { Int($0.pid) }),
        ]
        members["cgroup"] = .optional(history.cgroup)
        members["layers"] = .array(
            history.layers.map {
                ["name": .string($0.name), "state": .string($0.state.rawValue), "detail": .string($0.detail)]
            }
        )
        members["degradedAllowed"] = .strings(history.degradedAllowed)
        members["leases"] = .array(record.leases.map(lease))
        members["times"] = .object(
            Dictionary(
                moments(history).map {
                    (
                        $0,
                        $1.map {
                            ["wall": .string($0.wall.rfc3339), "boot": .integer(Int(clamping: $0.boot.nanoseconds))]
                        } ?? .null
                    )
                }
            ) { $1 }
        )
        return .object(members)
    }

    private static func lease(_ lease: Lease) -> JSONValue {
        [
            "id": .string(lease.identifier), "name": .string(lease.name), "provider": .string(lease.provider),
            "handle": .string(lease.handle), "state": .string(lease.state.rawValue),
            "agentHeld": .bool(lease.isAgentHeld), "issued": .optional(lease.issuedAt?.wall.rfc3339),
            "expires": .optional(lease.expires?.wall.rfc3339), "verifiedBy": .optional(lease.verifiedBy),
            "attempts": .integer(lease.attempts), "lastMessage": .optional(lease.lastMessage),
        ]
    }

    static func rows(_ record: SessionRecord) -> [[String]] {
        let history = record.history
        var rows = [
            ["session", record.session], ["task", history.task], ["intent", history.intent],
            ["owner", history.owner], ["ticket", history.ticket ?? "-"], ["profile", history.profile],
            ["command", history.command.joined(separator: " ")], ["workspace", history.workspace ?? "-"],
            ["state", record.state.rawValue], ["reason", record.reason?.rawValue ?? "-"],
            ["detail", history.detail ?? "-"], ["exit", exit(history.exit).canonicalText],
            ["processes left", history.processesLeft.map(String.init) ?? "-"],
            ["task digest", history.taskDigest], ["plan digest", history.planDigest ?? "-"],
            ["journal", "\(record.verdict)"],
        ]
        if let changes = history.changes {
            rows.append(["change", "\(record.review.rawValue): \(ReceiptView.words(changes))"])
        }
        for layer in history.layers {
            rows.append(["layer \(layer.name)", "\(layer.state.rawValue): \(layer.detail)"])
        }
        for lease in record.leases {
            let proof = lease.verifiedBy.map { ", verified by \($0)" } ?? ""
            let held = lease.isPlaceholder ? ", placeholder" : lease.isAgentHeld ? ", agent-held" : ""
            rows.append([
                "lease \(lease.name)", "\(lease.state.rawValue)\(proof)\(held), \(lease.handle) at \(lease.provider)",
            ])
        }
        for (call, count) in history.denials.sorted(by: { $0.key < $1.key }) {
            rows.append(["denied \(call)", "\(count)"])
        }
        if !history.limitsReached.isEmpty {
            rows.append(["limits reached", history.limitsReached.joined(separator: ", ")])
        }
        rows += ReceiptView.rows(history.resources)
        if let egress = history.egress { rows += ReceiptView.rows(egress) }
        for (name, moment) in moments(history) where moment != nil { rows.append([name, moment?.wall.rfc3339 ?? "-"]) }
        return rows
    }
}
