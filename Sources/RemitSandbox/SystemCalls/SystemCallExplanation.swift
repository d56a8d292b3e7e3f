// SPDX-License-Identifier: Apache-2.0
// "What happens to this call, and because of which line?": answered by running the very program that is loaded.

package import RemitKernel
package import RemitTask

/// A profile's compiled filter, and the lines that it was made of.
package struct SystemCallExplainer: Sendable {
    /// What a call gets, and why.
    package struct Answer: Hashable, Sendable {
        /// The name of the call; nothing for a number without one.
        package let name: String?
        package let number: UInt32
        package let arguments: [UInt64]
        /// What the program answers.
        package let verdict: FilterProgram.Verdict
        package let source: SystemCallSource
        /// Whether the kernel knows the answer without running the program.
        package let isAlwaysAllowed: Bool
    }

    /// The policy in lines.
    package let policy: SystemCallPolicy
    /// The program compiled from them.
    package let program: FilterProgram

    /// - Throws: ``SandboxError`` as ``SystemCallPolicy``, or when the filter cannot be compiled.
    package init(
        _ changes: ProfileSystemCalls, origins: [String: Origin] = [:], notify: Bool
    ) throws(SandboxError) {
        policy = try SystemCallPolicy(changes, origins: origins, notify: notify)
        do { program = try FilterProgram(try policy.filter.compiled()) } catch {
            throw SandboxError("cannot compile the system-call filter: \(error)")
        }
        index = Dictionary(grouping: policy.lines, by: \.rule.name)
    }

    private let index: [String: [SystemCallPolicy.Line]]

    /// What happens to a call by its number, and because of which line.
    ///
    /// - Throws: ``SandboxError`` when no line has the action that the program takes, which would be a defect.
    package func answer(_ number: UInt32, _ arguments: [UInt64] = []) throws(SandboxError) -> Answer {
        let call = FilterProgram.Call(number, arguments)
        let verdict = program.verdict(call)
        let name = Int32(exactly: number).flatMap { SystemCallNumbers.name(of: $0) }
        let line = line(name, call.arguments)
        guard Self.isForeign(number) ? verdict == .killProcess : line.action.verdict == verdict else {
            throw SandboxError("the filter answers \(verdict) to call \(number), which no line of the policy says")
        }
        return Answer(
            name: name, number: number, arguments: call.arguments, verdict: verdict,
            source: Self.isForeign(number) ? .arguments("numbers of x32 end the process") : line.source,
            isAlwaysAllowed: program.isAlwaysAllowed(number)
        )
    }

    /// Numbers from here on are the x32 interface's, which libseccomp's first instructions end the process for.
    private static func isForeign(_ number: UInt32) -> Bool {
        #if arch(x86_64)
        number >= 0x4000_0000 && number != .max
        #else
        false
        #endif
    }

    private func line(
        _ name: String?, _ arguments: [UInt64]
    ) -> (action: SystemCallAction, source: SystemCallSource) {
        if let name {
            if let line = index[name]?.first(where: { $0.rule.holds(arguments) }) {
                return (line.rule.action, line.source)
            }
            if let line = policy.fallbacks.first(where: { $0.rule.name == name }) {
                return (line.rule.action, line.source)
            }
            if let why = SystemCallTable.absent[name] { return (.refuse(.notImplemented), .absent(why)) }
        }
        return (.refuse(.notImplemented), .unlisted)
    }
}

extension SystemCallAction {
    /// The action as a program answers it.
    var verdict: FilterProgram.Verdict {
        switch self {
        case .allow: .allow
        case .refuse(let errno): .error(UInt16(truncatingIfNeeded: errno.code))
        case .kill: .killProcess
        case .notify: .notify
        }
    }
}

extension SystemCallAction: CustomStringConvertible {
    /// `allow`, `notify`, `kill`, or the name of the error.
    package var description: String { verdict.description }
}

extension SystemCallSource: CustomStringConvertible {
    /// One line, such as "profile `strict`, line 12: deny `@keyring`".
    package var description: String {
        switch self {
        case .profile(let word, let list, let origin):
            origin.map { "profile \($0.profile), line \($0.line): \(list) \(word)" } ?? "the profile: \(list) \(word)"
        case .floor(let group): "the floor, \(group): refused in every session"
        case .group(let group): "built in, \(group)"
        case .arguments(let why): "built-in rule: \(why)"
        case .absent(let why): "in no session: \(why)"
        case .unlisted: "on no list"
        }
    }

    /// The kind of line, for machines.
    package var kind: String {
        switch self {
        case .profile: "profile"
        case .floor: "floor"
        case .group: "group"
        case .arguments: "rule"
        case .absent: "absent"
        case .unlisted: "unlisted"
        }
    }
}
