// SPDX-License-Identifier: Apache-2.0
// A launch needs a few calls after its filter is loaded: it hands the filter's listener to the supervisor, and says what
// the proof found. Where a profile takes these calls away, they go last, by a second filter.

package import RemitKernel
internal import RemitTask

extension SystemCallTable {
    /// What a launch calls between the filter and the agent's program, and cannot do without: sending the listener,
    /// saying what was proved, looking at the file that proves Landlock.
    static let launchCalls: Set<String> = ["sendmsg", "sendto", "stat", "newfstatat"]

    /// Whether a profile takes one of them away.
    static func deniesLaunch(_ changes: ProfileSystemCalls) -> Bool {
        if changes.deny.isEmpty { return false }
        return launchCalls.contains { name in
            changes.deny.contains(name)
                || !changes.allow.contains(name)
                    && changes.deny.contains { SystemCallGroup.named($0)?.calls.contains(name) == true }
        }
    }
}

extension SystemCallPolicy {
    /// The filters of a launch: one, or two when the profile takes a call away that the launch itself needs.
    ///
    /// Both together answer as ``filter`` does: of two filters the stricter answer counts. The first one leaves the way
    /// open for the second, and the second closes it; no program of the agent's runs in between. What the second one
    /// refuses is not reported, for it has no listener.
    package var stages: [SystemCallFilter] {
        // What is reported to be looked at is allowed: only a refusal has to wait.
        let late = lines.filter { line in
            SystemCallTable.launchCalls.contains(line.rule.name) && line.rule.action != .allow
                && line.rule.action != .notify
        }
        guard !late.isEmpty else { return [filter] }
        let names = Set(late.map(\.rule.name))
        var first = filter
        first.rules.removeAll { names.contains($0.name) || $0.name == "seccomp" }
        first.rules += names.sorted().map { SystemCallRule($0, .allow) }
        // SECCOMP_SET_MODE_FILTER without flags, and so without a listener.
        first.rules.append(
            SystemCallRule(
                "seccomp", .allow, when: [.init(argument: 0, value: 1), .init(argument: 1, value: 0)]))
        first.fallbacks["seccomp"] = .refuse(.notPermitted)
        let second = SystemCallFilter(
            rules: late.map(\.rule) + [SystemCallRule("seccomp", .refuse(.notPermitted))], fallback: .allow)
        return [first, second]
    }
}
