// SPDX-License-Identifier: Apache-2.0
// A profile's system-call policy, line by line, each with the reason it is there.

package import RemitKernel
package import RemitTask

/// Why a line of a policy is there.
package enum SystemCallSource: Hashable, Sendable {
    /// A word of a profile: the name of a call, or of a group that holds it.
    case profile(word: String, list: String, origin: Origin?)
    /// The floor, and the group of it that holds the call.
    case floor(group: String)
    /// The built-in table, and the group of it that holds the call.
    case group(String)
    /// A built-in rule about arguments.
    case arguments(String)
    /// A call that does not exist in any session, and why.
    case absent(String)
    /// No line at all.
    case unlisted
}

/// The built-in table with a profile's changes, as lines that say where they come from.
///
/// The more specific word decides: the name of a call over a group that holds it, and of two groups the one that
/// denies. A denied group takes away what would be allowed; what does not exist stays so, for programs to fall back.
package struct SystemCallPolicy: Sendable {
    /// One rule and its reason.
    package struct Line: Hashable, Sendable {
        package let rule: SystemCallRule
        package let source: SystemCallSource
    }

    /// At most one line of these holds for any call and arguments, or several with the same action.
    package internal(set) var lines: [Line]
    /// What happens to a call by this name when none of its lines holds.
    package let fallbacks: [Line]

    /// - Parameters:
    ///   - origins: where a profile's values were written.
    ///   - notify: refused calls are reported to the supervisor, which refuses and counts them.
    /// - Throws: ``SandboxError`` for a name this machine does not have, or one that no profile may allow.
    package init(
        _ changes: ProfileSystemCalls, origins: [String: Origin] = [:], notify: Bool
    ) throws(SandboxError) {
        try SystemCallTable.check(changes, origins: origins)
        let refusal: SystemCallAction = notify ? .notify : .refuse(.notPermitted)
        let words = Words(changes, origins)
        var lines: [Line] = []
        var denied: Set<String> = []
        var floor: [Line] = []
        for name in SystemCallTable.forbidden.sorted() {
            let source = SystemCallSource.floor(group: Self.group(of: name, "@floor"))
            let isHarmless = SystemCallTable.harmless.contains(name)
            let line = Line(rule: SystemCallRule(name, isHarmless ? .refuse(.notPermitted) : refusal), source: source)
            guard notify, let condition = SystemCallTable.harmlessArguments[name] else {
                lines.append(line)
                continue
            }
            lines.append(Line(rule: SystemCallRule(name, .refuse(.notPermitted), when: [condition]), source: source))
            floor.append(line)
        }
        let built = SystemCallTable.plain.union(SystemCallTable.conditional)
        for name in built.union(words.names).subtracting(SystemCallTable.forbidden).sorted() {
            guard SystemCallNumbers.number(of: name) != nil else { continue }
            switch words.decision(name, isBuiltIn: built.contains(name)) {
            case .deny(let source):
                denied.insert(name)
                let isLate = SystemCallTable.launchCalls.contains(name)
                let action = isLate ? .refuse(.notPermitted) : refusal
                lines.append(Line(rule: SystemCallRule(name, action), source: source))
            case .allow(let source) where !SystemCallTable.conditional.contains(name):
                lines.append(Line(rule: SystemCallRule(name, .allow), source: source))
            case nil where SystemCallTable.plain.contains(name):
                let source = SystemCallSource.group(Self.group(of: name, "@built-in"))
                lines.append(Line(rule: SystemCallRule(name, .allow), source: source))
            default: break
            }
        }
        let known = { (line: Line) in
            !denied.contains(line.rule.name) && SystemCallNumbers.number(of: line.rule.name) != nil
        }
        let arguments = SystemCallTable.argumentRules.map { line in
            line.isCounted ? Line(rule: line.rule.with(refusal), source: .arguments(line.why)) : line.policyLine
        }
        self.lines = lines + arguments.filter(known)
        fallbacks = SystemCallTable.argumentFallbacks.map(\.policyLine).filter(known) + floor.filter(known)
    }

    /// The rules alone.
    package var filter: SystemCallFilter {
        SystemCallFilter(
            rules: lines.map(\.rule), fallback: .refuse(.notImplemented),
            fallbacks: Dictionary(uniqueKeysWithValues: fallbacks.map { ($0.rule.name, $0.rule.action) })
        )
    }

    /// The group directly within `root` that holds a call, or `root` where it names the call itself.
    private static func group(of name: String, _ root: String) -> String { owners[root]?[name] ?? root }

    private static let owners = Dictionary(
        uniqueKeysWithValues: ["@floor", "@built-in"].map { ($0, owners(within: $0)) }
    )

    private static func owners(within root: String) -> [String: String] {
        var result: [String: String] = [:]
        for member in SystemCallGroup.named(root)?.members ?? [] {
            guard let group = SystemCallGroup.named(member) else { continue }
            let inner = group.members.contains(where: SystemCallGroup.isGroup) ? owners(within: member) : [:]
            for call in group.calls where result[call] == nil || result[call] == "@system-service" {
                result[call] = inner[call] ?? member
            }
        }
        return result
    }
}

/// A profile's words, taken apart into names.
private struct Words {
    enum Decision {
        case allow(SystemCallSource)
        case deny(SystemCallSource)
    }

    private var allowed: [String: SystemCallSource] = [:]
    private var denied: [String: SystemCallSource] = [:]
    private var groupAllowed: [String: SystemCallSource] = [:]
    private var groupDenied: [String: SystemCallSource] = [:]

    init(_ changes: ProfileSystemCalls, _ origins: [String: Origin]) {
        (allowed, groupAllowed) = Self.split(changes.allow, "allow", origins)
        (denied, groupDenied) = Self.split(changes.deny, "deny", origins)
    }

    /// Every name that some word holds.
    var names: Set<String> { Set(allowed.keys).union(denied.keys).union(groupAllowed.keys) }

    func decision(_ name: String, isBuiltIn: Bool) -> Decision? {
        if let source = denied[name] { return .deny(source) }
        if let source = allowed[name] { return .allow(source) }
        if let source = groupDenied[name] { return isBuiltIn || groupAllowed[name] != nil ? .deny(source) : nil }
        // What the table allows anyway is the table's.
        return isBuiltIn ? nil : groupAllowed[name].map { .allow($0) }
    }

    private static func split(
        _ words: [String], _ list: String, _ origins: [String: Origin]
    ) -> (names: [String: SystemCallSource], groups: [String: SystemCallSource]) {
        var (names, groups): ([String: SystemCallSource], [String: SystemCallSource]) = ([:], [:])
        for word in words {
            let source = SystemCallSource.profile(
                word: word, list: list, origin: origins["systemCalls.\(list).\(word)"])
            guard let group = SystemCallGroup.named(word) else {
                names[word] = source
                continue
            }
            for call in group.calls where groups[call] == nil { groups[call] = source }
        }
        return (names, groups)
    }
}
