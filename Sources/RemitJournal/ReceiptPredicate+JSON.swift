// SPDX-License-Identifier: Apache-2.0
// The predicate as JSON: every member is always there, `null` where there is nothing to say.

internal import RemitKernel

extension ReceiptPredicate {
    /// The predicate as a JSON object.
    package var json: JSONValue {
        [
            "session": .string(session), "task": .string(task), "owner": .string(owner), "intent": .string(intent),
            "ticket": .optional(ticket), "reason": .string(reason.rawValue), "exit": exit.json,
            "taskDigest": .string(taskDigest), "planDigest": .optional(planDigest),
            "profileDigest": .optional(profileDigest),
            "journal": ["head": .string(journal.hash), "count": .integer(journal.count)],
            "layers": .array(layers.map(\.json)), "proof": proof?.json ?? .null,
            "degradedAllowed": .strings(degradedAllowed),
            "leases": .array(leases.map(\.json)), "denials": .object(denials.mapValues(JSONValue.integer)),
            "outcome": outcome.json, "times": times.json, "processesLeft": .optional(processesLeft),
            "limitsReached": .strings(limitsReached), "resources": resources.json,
            "egress": egress?.json ?? .null, "changes": changes?.json ?? .null,
        ]
    }

    /// Reads a predicate.
    ///
    /// - Throws: at the first member that is missing, unknown, or not of its kind.
    package init(_ value: JSONValue, path: String = "predicate") throws(ReceiptProblem) {
        var reader = try MemberReader(value, path)
        var journal = try reader.object("journal")
        let head = JournalHead(hash: try journal.digest("head"), count: try journal.integer("count"))
        try journal.finish()
        self.init(
            session: try reader.text("session"), task: try reader.text("task"), owner: try reader.text("owner"),
            intent: try reader.text("intent"), ticket: try reader.optionalText("ticket"),
            reason: try reader.choice("reason"), exit: try AgentExit(reader.object("exit")),
            taskDigest: try reader.digest("taskDigest"), planDigest: try reader.optionalDigest("planDigest"),
            profileDigest: try reader.optionalDigest("profileDigest"), journal: head,
            times: try ReceiptTimes(reader.object("times")),
            processesLeft: try reader.optionalInteger("processesLeft")
        )
        layers = try reader.list("layers", ReceiptLayer.init)
        proof = try reader.optional("proof") { (reader, name) throws(ReceiptProblem) in
            try ReceiptProof(reader.object(name))
        }
        degradedAllowed = try reader.texts("degradedAllowed")
        leases = try reader.list("leases", ReceiptLease.init)
        denials = try reader.counts("denials")
        outcome = try ReceiptOutcome(reader.object("outcome"))
        limitsReached = try reader.texts("limitsReached")
        // Receipts of earlier versions have none.
        if reader.has("resources") {
            resources = try ReceiptResources(reader.counts("resources"), reader.place("resources"))
        }
        // Receipts of earlier versions have no such member.
        if reader.has("changes") {
            changes = try reader.optional("changes") { (reader, name) throws(ReceiptProblem) in
                try ReceiptChanges(reader.object(name))
            }
        }
        if reader.has("egress") {
            egress = try reader.optional("egress") { (reader, name) throws(ReceiptProblem) in
                try ReceiptEgress(reader.object(name))
            }
        }
        try reader.finish()
    }
}

extension AgentExit {
    fileprivate var json: JSONValue {
        switch self {
        case .code(let code): ["code": .integer(code), "signal": nil]
        case .signal(let signal): ["code": nil, "signal": .integer(signal)]
        case .unknown: ["code": nil, "signal": nil]
        }
    }

    fileprivate init(_ given: MemberReader) throws(ReceiptProblem) {
        var reader = given
        switch (try reader.optionalInteger("code"), try reader.optionalInteger("signal")) {
        case (let code?, nil): self = .code(code)
        case (nil, let signal?): self = .signal(signal)
        case (nil, nil): self = .unknown
        case (_?, _?): throw reader.refuse("signal", "an exit status as well")
        }
        try reader.finish()
    }
}

extension ReceiptLayer {
    fileprivate var json: JSONValue {
        ["name": .string(name), "state": .string(state.rawValue), "detail": .string(detail)]
    }

    fileprivate init(_ value: JSONValue, _ path: String) throws(ReceiptProblem) {
        var reader = try MemberReader(value, path)
        self.init(
            name: try reader.text("name"), state: try reader.choice("state"), detail: try reader.text("detail")
        )
        try reader.finish()
    }
}

extension ReceiptProof {
    fileprivate var json: JSONValue { ["held": .strings(held), "nanoseconds": .integer(nanoseconds)] }

    fileprivate init(_ given: MemberReader) throws(ReceiptProblem) {
        var reader = given
        self.init(held: try reader.texts("held"), nanoseconds: try reader.integer("nanoseconds"))
        try reader.finish()
    }
}

extension ReceiptLease {
    fileprivate var json: JSONValue {
        [
            "id": .string(id), "name": .string(name), "provider": .string(provider), "handle": .string(handle),
            "exposure": .string(exposure.rawValue), "state": .string(state),
            "issuedAt": .optional(issuedAt?.rfc3339), "expiresAt": .optional(expiresAt?.rfc3339),
            "revokedAt": .optional(revokedAt?.rfc3339), "verifiedBy": .optional(verifiedBy),
        ]
    }

    fileprivate init(_ value: JSONValue, _ path: String) throws(ReceiptProblem) {
        var reader = try MemberReader(value, path)
        self.init(
            id: try reader.text("id"), name: try reader.text("name"), provider: try reader.text("provider"),
            handle: try reader.text("handle"), exposure: try reader.choice("exposure"),
            state: try reader.text("state"), issuedAt: try reader.optionalTime("issuedAt"),
            expiresAt: try reader.optionalTime("expiresAt"), revokedAt: try reader.optionalTime("revokedAt"),
            verifiedBy: try reader.optionalText("verifiedBy")
        )
        try reader.finish()
    }
}

extension ReceiptOutcome {
    fileprivate var json: JSONValue {
        [
            "state": .string(state.rawValue), "details": .strings(details),
            "artifacts": .array(artifacts.map { ["path": .string($0.path), "sha256": .string($0.digest)] }),
        ]
    }

    fileprivate init(_ given: MemberReader) throws(ReceiptProblem) {
        var reader = given
        self.init(
            state: try reader.choice("state"), details: try reader.texts("details"),
            artifacts: try reader.list("artifacts") { (value, path) throws(ReceiptProblem) in
                var reader = try MemberReader(value, path)
                let artifact = Artifact(path: try reader.text("path"), digest: try reader.digest("sha256"))
                try reader.finish()
                return artifact
            }
        )
        try reader.finish()
    }
}

extension Moment {
    fileprivate var json: JSONValue {
        ["time": .string(wall.rfc3339), "boot": .integer(Int(clamping: boot.nanoseconds))]
    }
}

extension ReceiptTimes {
    fileprivate var json: JSONValue {
        [
            "admitted": admitted.json, "launched": launched?.json ?? .null, "endDecided": endDecided?.json ?? .null,
            "fenced": fenced?.json ?? .null, "lastProcessDead": lastProcessDead?.json ?? .null,
            "revoked": revoked?.json ?? .null, "verified": verified?.json ?? .null, "sealed": sealed.json,
        ]
    }

    fileprivate init(_ given: MemberReader) throws(ReceiptProblem) {
        var reader = given
        self.init(admitted: try reader.moment("admitted"), sealed: try reader.moment("sealed"))
        launched = try reader.optionalMoment("launched")
        endDecided = try reader.optionalMoment("endDecided")
        fenced = try reader.optionalMoment("fenced")
        lastProcessDead = try reader.optionalMoment("lastProcessDead")
        revoked = try reader.optionalMoment("revoked")
        verified = try reader.optionalMoment("verified")
        try reader.finish()
    }
}
