// SPDX-License-Identifier: Apache-2.0
// What a session may know about itself: a file inside it, and beside its journal. It holds no secret, and nothing that an
// agent could not find out by trying.

internal import RemitGate
internal import RemitJournal
internal import RemitKernel
internal import RemitSandbox
internal import RemitTask

/// The description of a session: its task, its resolved profile with the origin of every value, its network.
package struct SessionDescription: Sendable {
    let session: String
    let task: TaskSpecification
    let profile: Profile
    let network: NetworkPlan
    let workspace: ApprovedWorkspace?
    let admitted: WallInstant

    /// Where it is inside.
    package static let path = "/" + SandboxPlan.Path.description

    /// Raised when a reader of an earlier one would misunderstand.
    package static let version = 1

    /// What every reader of a session's description may rely on, as JSON.
    func json(_ enforcement: EnforcementPlan) -> JSONValue {
        [
            "version": .integer(Self.version), "session": .string(session), "task": .string(task.name),
            "intent": .optional(task.intent), "profile": .string(profile.name), "lineage": .strings(profile.lineage),
            "workspace": workspace.map {
                ["path": .string("/" + SandboxPlan.Path.workspace), "mode": .string($0.mode.rawValue)]
            } ?? .null,
            "deadline": .optional(task.deadline.map { admitted.advanced(by: $0.duration).rfc3339 }),
            "values": .array(
                profile.explanation.map {
                    ["path": .string($0.path), "value": .string($0.value), "origin": .optional($0.origin?.description)]
                }),
            "systemCalls": [
                "allow": .strings(profile.systemCalls.allow), "deny": .strings(profile.systemCalls.deny),
            ],
            "network": network.isNeeded ? network.policy.json : .null,
            "credentials": .strings(task.credentials.map(\.name)),
            "layers": .array(
                enforcement.layers.map { ["name": .string($0.layer.rawValue), "state": .string($0.state.rawValue)] }),
        ]
    }
}
