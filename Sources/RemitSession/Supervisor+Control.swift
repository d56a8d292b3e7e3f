// SPDX-License-Identifier: Apache-2.0
// What a live session answers on its control socket, and what its first record says.

internal import RemitIdentity
internal import RemitJournal
internal import RemitKernel
internal import RemitLeases
internal import RemitSandbox
internal import RemitTask

extension Supervisor {
    func answer(_ request: ControlRequest, _ reply: @escaping (ControlResponse) -> Void) {
        switch (request.method, request.path) {
        case ("GET", "/session"):
            reply(ControlResponse(200, json: liveState.canonicalBytes))
        case ("GET", "/posture"):
            reply(postureAnswer)
        case ("POST", "/kill"):
            guard let body = request.body.isEmpty ? [:] : try? JSONValue(parsing: request.body), body.members != nil
            else {
                return reply(ControlResponse(400, json: Array(#"{"error":"not a JSON object"}"#.utf8)))
            }
            let now = body["now"]?.flag ?? false
            waiters.append(reply)
            if machine.reason == nil { feed(.end(.killed, "remit kill")) }
            if now {
                if sandbox?.hasEnded == false { sandbox?.kill() }
                feed(.hurry)
            }
        case ("POST", "/narrow"): reply(narrowAnswer(request))
        case ("POST", "/introspect"):
            let token = Self.formValue("token", in: request.body) ?? []
            let response = isFenced ? nil : desk?.registry.introspect(token)
            reply(ControlResponse(200, json: (response ?? .inactive).json))
        case ("GET", "/jwks"):
            reply(
                ControlResponse(
                    200, json: isFenced ? Self.emptyKeys : desk?.registry.identity.jwks() ?? Self.emptyKeys,
                    contentType: "application/jwk-set+json"
                )
            )
        case (_, "/session"), (_, "/posture"), (_, "/kill"), (_, "/narrow"), (_, "/introspect"), (_, "/jwks"),
            (_, "/attach"):
            reply(ControlResponse(405, json: Array(#"{"error":"method not allowed"}"#.utf8)))
        default:
            reply(ControlResponse(404, json: Array(#"{"error":"not found"}"#.utf8)))
        }
    }

    private static let emptyKeys = Array(#"{"keys":[]}"#.utf8)

    private var liveState: JSONValue {
        [
            "session": .string(session), "phase": .string("\(machine.phase)"),
            "reason": .optional(machine.reason?.rawValue),
            "leases": .array(
                (keeper?.leases ?? []).map { ["name": .string($0.name), "state": .string($0.state.rawValue)] }
            ),
            "egress": egressState, "terminal": terminalDesk?.state ?? .null,
        ]
    }

    /// One value of an `application/x-www-form-urlencoded` body.
    static func formValue(_ name: String, in body: [UInt8]) -> [UInt8]? {
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, Array(parts[0]) == Array(name.utf8) else { continue }
            return percentDecoded(parts[1])
        }
        return nil
    }

    private static func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            switch text[index] {
            case UInt8(ascii: "%"):
                guard index + 2 < text.endIndex else { return nil }
                let digits = String(decoding: text[index + 1...index + 2], as: UTF8.self)
                guard digits.allSatisfy(\.isHexDigit), let byte = UInt8(digits, radix: 16) else { return nil }
                result.append(byte)
                index += 3
            case UInt8(ascii: "+"):
                result.append(UInt8(ascii: " "))
                index += 1
            default:
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    var admissionRecord: JSONValue {
        let task = admitted.task
        var body: [String: JSONValue] = [
            "task": .string(task.name),
            "owner": .string(task.owner ?? CurrentProcess.account?.name ?? "uid \(CurrentProcess.userID)"),
            "intent": .string(task.intent ?? ""),
            "profile": .string(admitted.profile.name),
            "command": .strings(admitted.sandbox.command),
            "taskDigest": .string(admitted.taskDigest),
            "profileDigest": .string(admitted.profileDigest),
            "planDigest": .string(admitted.planDigest),
            "hasOutcome": .bool(task.outcome != nil),
            "layers": .array(
                admitted.enforcement.layers.map {
                    [
                        "name": .string($0.layer.rawValue), "state": .string($0.state.rawValue),
                        "detail": .string($0.detail),
                    ]
                }
            ),
            "degradedAllowed": .strings(admitted.excused.map(\.rawValue).sorted()),
            "epoch": 1,
            "bootIdentifier": .string(BootInstant.bootIdentifier),
            "supervisor": Self.process(CurrentProcess.pid),
            "init": Self.process(sandbox?.initPID ?? 0),
        ]
        if let path = options.configurationFile { body["configuration"] = .string(path) }
        if let ticket = task.ticket { body["ticket"] = .string(ticket) }
        if let deadline = task.deadline { body["deadlineMilliseconds"] = .integer(Int(deadline.milliseconds)) }
        if let workspace = admitted.sandbox.workspace {
            body["workspace"] = .string(workspace.path)
            body["workspaceMode"] = .string(workspace.mode.rawValue)
            if let allowed = task.outcome?.changed { body["allowedChanges"] = .strings(allowed.map(\.text)) }
        }
        if let cgroup = sandbox?.cgroup {
            body["cgroup"] = .string(cgroup.path)
            body["controllers"] = .object(cgroup.controllerPaths.mapValues { .string($0) })
        }
        return .object(body)
    }

    /// What an explanation of the session starts from: what it could know, and where each line of it stands on this host.
    var descriptionRecord: JSONValue {
        [
            "description": admitted.description.json(admitted.enforcement),
            "files": .object(admitted.files.mapValues { .string($0) }), "taskFile": .optional(admitted.taskFile),
            "withheld": .strings(admitted.withheld), "observed": .bool(admitted.sandbox.isObserved),
        ]
    }

    private static func process(_ pid: Int32) -> JSONValue {
        guard let identity = ProcessIdentity(pid: pid) else { return .null }
        return ["pid": .integer(Int(pid)), "startTicks": .integer(Int(clamping: identity.startTicks))]
    }
}
