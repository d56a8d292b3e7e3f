// SPDX-License-Identifier: Apache-2.0
// A container engine's policy as changes to Remit's own table.

internal import RemitKernel
package import RemitTask

/// What of a container engine's policy a profile can say, and a report of what it cannot.
///
/// Never wider than the policy and never wider than the floor: a call is added only where the policy allows it whatever
/// its arguments, and taken away where the policy refuses it. Where the policy looks at arguments, Remit's own rules
/// about them stay, and the report says so.
package struct OCIImport: Hashable, Sendable {
    /// One thing that was not taken over as it was.
    package struct Finding: Hashable, Sendable {
        package enum Kind: String, Hashable, Sendable, CaseIterable {
            /// The policy allows what Remit refuses in every session: refused.
            case weaker
            /// The policy looks closer than Remit does: look at it.
            case stricter
            /// A profile has no words for it.
            case inexpressible
            /// It has no meaning on this machine.
            case skipped
        }

        package let kind: Kind
        package let what: String
    }

    package private(set) var changes = ProfileSystemCalls()
    package private(set) var findings: [Finding] = []

    private let policy: OCISeccomp
    private var rules: [String: [OCISeccomp.Rule]] = [:]
    /// Names by what is to be said of them.
    private var notes: [Note: Set<String>] = [:]

    private struct Note: Hashable {
        let kind: Finding.Kind
        let text: String
    }

    /// - Parameters:
    ///   - kernel: this host's version, for rules that count from one on.
    ///   - Throws: ``OCIError`` for a policy of other architectures.
    package init(_ policy: OCISeccomp, kernel: String) throws(OCIError) {
        self.policy = policy
        try lookAtWhole()
        for rule in policy.rules where counts(rule, kernel) {
            for name in Set(rule.names) { rules[name, default: []].append(rule) }
        }
        for name in rules.keys.sorted() where SystemCallNumbers.number(of: name) == nil {
            note(.skipped, "no call of this machine", SystemCallNumbers.isKnown(name) ? name : Excerpt.of(name))
        }
        for name in SystemCallNumbers.names { decide(name) }
        changes.allow.sort()
        changes.deny = Self.folded(Set(changes.deny))
        findings += notes.sorted { ($0.key.kind.rawValue, $0.key.text) < ($1.key.kind.rawValue, $1.key.text) }
            .map { Finding(kind: $0.key.kind, what: "\($0.key.text): \($0.value.sorted().joined(separator: " "))") }
        notes = [:]
    }

    private mutating func note(_ kind: Finding.Kind, _ text: String, _ name: String) {
        notes[Note(kind: kind, text: text), default: []].insert(name)
    }

    // MARK: the whole

    #if arch(x86_64)
    private static let native = ["SCMP_ARCH_X86_64", "amd64", "x86_64"]
    #else
    private static let native = ["SCMP_ARCH_AARCH64", "arm64", "aarch64"]
    #endif

    private mutating func lookAtWhole() throws(OCIError) {
        if !policy.architectures.isEmpty, !policy.architectures.contains(where: Self.native.contains) {
            throw OCIError(path: "architectures", reason: "has no `\(Self.native[0])`: it is for other machines")
        }
        // An architecture map lists every machine; only the ones that can run here are a matter.
        let foreign = policy.architectures.filter { ["SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_ARM"].contains($0) }
        if !foreign.isEmpty {
            let names = Set(foreign).sorted().joined(separator: " ")
            findings.append(Finding(kind: .weaker, what: "other interfaces end the process here: \(names)"))
        }
        if policy.defaultAction.lets {
            findings.append(
                Finding(
                    kind: .weaker,
                    what: "`defaultAction` lets pass what is on no list: Remit's own table is the list instead"))
        }
        for flag in policy.flags {
            let kind: Finding.Kind = flag == "SECCOMP_FILTER_FLAG_SPEC_ALLOW" ? .weaker : .inexpressible
            findings.append(Finding(kind: kind, what: "the flag `\(Excerpt.of(flag))`"))
        }
        if policy.hasListener {
            findings.append(Finding(kind: .inexpressible, what: "`listenerPath`: calls decided by another program"))
        }
    }

    /// Whether a rule counts for an agent: it has no capability, and this machine's architecture and kernel.
    private mutating func counts(_ rule: OCISeccomp.Rule, _ kernel: String) -> Bool {
        func isNew(_ minimum: String) -> Bool {
            guard let here = KernelVersion(kernel), let wanted = KernelVersion(minimum) else { return false }
            return here >= wanted
        }
        if !rule.includes.capabilities.isEmpty {
            for name in rule.names where rule.action.lets && !SystemCallTable.plain.contains(name) {
                guard SystemCallNumbers.number(of: name) != nil else { continue }
                note(.weaker, "allowed with a capability, of which an agent has none", name)
            }
            return false
        }
        if !rule.includes.architectures.isEmpty, !rule.includes.architectures.contains(where: Self.native.contains) {
            return false
        }
        if let minimum = rule.includes.minimumKernel, !isNew(minimum) { return false }
        if rule.excludes.architectures.contains(where: Self.native.contains) { return false }
        if let minimum = rule.excludes.minimumKernel, isNew(minimum) { return false }
        return true
    }

    // MARK: one call

    private mutating func decide(_ name: String) {
        let own = rules[name] ?? []
        let unconditional = own.filter(\.arguments.isEmpty)
        // As libseccomp has it, a rule without conditions takes the place of those with some.
        let action = (unconditional.last ?? (own.isEmpty ? nil : own.last))?.action ?? policy.defaultAction
        for rule in own where rule.action == .log { note(.inexpressible, "allowed and logged, here only allowed", name) }
        if unconditional.isEmpty, own.contains(where: { $0.action.lets }) { return look(at: name, own) }
        if unconditional.isEmpty, !own.isEmpty {
            // Refused by some arguments, and otherwise as everything.
            note(.inexpressible, "refused by their arguments: Remit's own rules hold instead", name)
            if policy.defaultAction.lets { return }
        }
        let lets = unconditional.isEmpty ? policy.defaultAction.lets : action.lets
        if lets { return allow(name, isNamed: !own.isEmpty) }
        refuse(name, unconditional.last)
    }

    private mutating func allow(_ name: String, isNamed: Bool) {
        if SystemCallTable.plain.contains(name) { return }
        // What is allowed only because nothing names it was reported as a whole.
        guard isNamed else { return }
        if SystemCallTable.forbidden.contains(name) {
            note(.weaker, "on Remit's floor, refused", name)
        } else if let why = SystemCallTable.absent[name] {
            note(.weaker, "in no session (\(why))", name)
        } else if SystemCallTable.conditional.contains(name) {
            note(.weaker, "allowed with any arguments, here only by Remit's own rules", name)
        } else {
            changes.allow.append(name)
        }
    }

    private mutating func refuse(_ name: String, _ rule: OCISeccomp.Rule?) {
        let action = rule?.action ?? policy.defaultAction
        let error = rule?.error ?? policy.defaultError
        let isOpen = SystemCallTable.plain.contains(name) || SystemCallTable.conditional.contains(name)
        // What does not exist here anyway is named only where the policy says that it is refused.
        let isNamed = rule?.action == .error && error ?? 1 == 1 && !SystemCallTable.forbidden.contains(name)
        guard isOpen || isNamed else { return }
        changes.deny.append(name)
        if action != .error {
            note(.inexpressible, "refused by \(action.rawValue), here by EPERM", name)
        } else if let error, error != 1, rule != nil {
            note(.inexpressible, "refused with \(ErrorName.of(UInt16(error))), here with EPERM", name)
        }
    }

    /// A call that is allowed by its arguments.
    private mutating func look(at name: String, _ own: [OCISeccomp.Rule]) {
        for argument in own.flatMap(\.arguments) where argument.comparison != .maskedEqual {
            note(.inexpressible, "compared by \(argument.comparison.rawValue), which is no masked equality", name)
        }
        let theirs = Set(own.filter { $0.action.lets }.map { Set($0.arguments.compactMap(\.condition)) })
        let rules = SystemCallTable.argumentRules.filter { $0.rule.name == name && $0.rule.action == .allow }
        if theirs == Set(rules.map { Set($0.rule.conditions) }) { return }
        if SystemCallTable.conditional.contains(name) {
            note(.inexpressible, "allowed by other arguments: Remit's own rules hold instead", name)
        } else if SystemCallTable.plain.contains(name) {
            note(.stricter, "allowed by their arguments only, here with any: deny them if that is too much", name)
        } else if SystemCallTable.forbidden.contains(name) || SystemCallTable.absent[name] != nil {
            note(.weaker, "on Remit's floor, refused", name)
        } else {
            note(.inexpressible, "allowed by their arguments: not taken over", name)
        }
    }

    /// A list of names with a group in place of the names that it stands for.
    private static func folded(_ names: Set<String>) -> [String] {
        var (rest, groups) = (names, [String]())
        let allowed = SystemCallTable.plain.union(SystemCallTable.conditional)
        for group in SystemCallGroup.all.sorted(by: { $0.calls.count > $1.calls.count }) {
            // Denying a group takes away what the table allows of it, and that only.
            let held = Set(group.calls).intersection(allowed)
            guard held.count > 2, held.isSubset(of: names), !held.isDisjoint(with: rest) else { continue }
            groups.append(group.name)
            rest.subtract(held)
        }
        return groups.sorted() + rest.sorted()
    }
}

extension OCISeccomp.Argument {
    /// The condition as Remit has it, where it is one.
    var condition: SystemCallRule.Condition? {
        guard comparison == .maskedEqual, let mask = UInt32(exactly: value), let value = UInt32(exactly: valueTwo) else {
            return nil
        }
        return SystemCallRule.Condition(argument: UInt32(index), mask: mask, value: value)
    }
}
