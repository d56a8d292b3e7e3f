// SPDX-License-Identifier: Apache-2.0
// The built-in system-call policy: what programs need, what is refused by name, and what no profile can open.
// An allowlist made of groups; a call that is on no list does not exist (ENOSYS), so that glibc and runtimes fall back.

package import RemitKernel
package import RemitTask

/// The built-in system-call policy, and how a profile changes it.
package enum SystemCallTable {
    /// The filter for a profile.
    ///
    /// - Parameter notify: refused calls are reported to the supervisor, which refuses and counts them.
    /// - Throws: ``SandboxError`` for a name this machine does not have, or one that no profile may allow.
    package static func filter(
        for changes: ProfileSystemCalls, origins: [String: Origin] = [:], notify: Bool
    ) throws(SandboxError) -> SystemCallFilter {
        try SystemCallPolicy(changes, origins: origins, notify: notify).filter
    }

    /// Allowed whatever their arguments, where no profile says otherwise: the kernel then needs no filter run for them.
    package static let plain: Set<String> = calls(of: "@built-in")
        .subtracting(forbidden).subtracting(absent.keys).subtracting(conditional)

    /// Known and refused in every session, whatever a profile says.
    package static let forbidden: Set<String> = calls(of: "@floor")

    /// Calls of which only the arguments can say whether they are allowed; see ``argumentRules``.
    package static let conditional: Set<String> = Set(argumentRules.map(\.rule.name))

    /// Calls that do not exist in a session, whatever a profile says, and why: programs have another way, which a
    /// filter can see.
    package static let absent: [String: String] = [
        "clone3": "its flags are in memory, where a filter cannot see them; programs fall back to clone",
        "openat2": "its mode is in memory, where a filter cannot see it; programs fall back to openat",
        "io_uring_setup": "operations through a ring pass no filter at all",
        "io_uring_enter": "operations through a ring pass no filter at all",
        "io_uring_register": "operations through a ring pass no filter at all",
    ]

    /// Refused, but no reason to suspect anyone: runtimes and libraries try them to see what there is.
    static let harmless: Set<String> = Set(
        SystemCallGroup.words(
            """
            adjtimex clock_adjtime file_setattr kcmp listmount lookup_dcookie mbind migrate_pages move_pages
            name_to_handle_at perf_event_open process_madvise seccomp set_mempolicy set_mempolicy_home_node statmount
            syslog vhangup vmsplice
            """
        )
    )

    /// Calls of the floor that are no reason to suspect anyone when they are made like this: PTRACE_TRACEME gives power
    /// over the caller only, and is where every debugger starts.
    static let harmlessArguments: [String: SystemCallRule.Condition] = ["ptrace": .init(argument: 0, value: 0)]

    /// Looks whether a profile's changes are ones it may make.
    ///
    /// - Throws: ``SandboxError`` for a name this machine does not have, or one that no profile may allow.
    static func check(_ changes: ProfileSystemCalls, origins: [String: Origin] = [:]) throws(SandboxError) {
        for (list, words) in [("allow", changes.allow), ("deny", changes.deny)] {
            for word in words where !exists(word) { throw unknown(word, origins["systemCalls.\(list).\(word)"]) }
        }
        for word in changes.allow {
            let place = at(origins["systemCalls.allow.\(word)"])
            guard let group = SystemCallGroup.named(word) else {
                if !mayAllow(word, changes) {
                    throw SandboxError("system call `\(word)` cannot be allowed by a profile\(place)", hint: Self.hint)
                }
                continue
            }
            let closed = group.calls.filter { forbidden.contains($0) || absent[$0] != nil }
            if closed.isEmpty { continue }
            let names = closed.map { "`\($0)`" }.joined(separator: ", ")
            throw SandboxError(
                "group `\(word)` cannot be allowed by a profile\(place): it holds \(names)",
                hint: "\(Self.hint); allow the other calls of the group by their names"
            )
        }
    }

    private static let hint = "it is part of the floor that holds in every session"

    /// The floor and what is absent stay closed. A call whose arguments decide is open as it is: to allow it by name
    /// means something only where the profile denies a group that holds it.
    private static func mayAllow(_ name: String, _ changes: ProfileSystemCalls) -> Bool {
        if forbidden.contains(name) || absent[name] != nil { return false }
        guard conditional.contains(name) else { return true }
        return changes.deny.contains { SystemCallGroup.named($0)?.calls.contains(name) == true }
    }

    private static func exists(_ word: String) -> Bool {
        SystemCallGroup.isGroup(word)
            ? SystemCallGroup.named(word) != nil : SystemCallNumbers.number(of: word) != nil
    }

    private static func unknown(_ word: String, _ origin: Origin?) -> SandboxError {
        if SystemCallGroup.isGroup(word) {
            let ending = Spelling.ending(for: word, among: SystemCallGroup.all.map(\.name))
            return SandboxError(
                "unknown group of system calls `\(word)` in the profile\(at(origin))\(ending)",
                hint: "`remit profile groups` shows all"
            )
        }
        let elsewhere = SystemCallNumbers.isKnown(word) ? ": another architecture has it" : ""
        let ending = elsewhere.isEmpty ? Spelling.ending(for: word, among: SystemCallNumbers.names) : elsewhere
        return SandboxError("unknown system call `\(word)` in the profile\(at(origin))\(ending)")
    }

    private static func at(_ origin: Origin?) -> String { origin.map { " (\($0))" } ?? "" }

    private static func calls(of group: String) -> Set<String> { Set(SystemCallGroup.named(group)?.calls ?? []) }
}
