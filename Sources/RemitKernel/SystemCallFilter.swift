// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import CSeccomp
internal import Glibc

/// What happens to a system call.
package enum SystemCallAction: Hashable, Sendable {
    case allow
    case refuse(Errno)
    case kill
    /// The supervisor is told, and decides.
    case notify

    fileprivate var code: UInt32 {
        switch self {
        case .allow: seccomp_action_allow()
        case .refuse(let errno): seccomp_action_errno(UInt16(truncatingIfNeeded: errno.code))
        case .kill: seccomp_action_kill()
        case .notify: seccomp_action_notify()
        }
    }
}

/// One rule: the action for a call whose arguments satisfy every condition.
package struct SystemCallRule: Hashable, Sendable {
    /// `argument & mask == value`. The kernel truncates 32-bit arguments and a filter does not, so a test has a mask of
    /// at most 32 bits: neither a longer one nor any other comparison can be written.
    package struct Condition: Hashable, Sendable {
        package let argument: UInt32
        package let mask: UInt64
        package let value: UInt64

        /// - Parameter argument: 0 to 5.
        package init(argument: UInt32, mask: UInt32 = 0xffff_ffff, value: UInt32) {
            self.argument = argument
            self.mask = UInt64(mask)
            self.value = UInt64(value)
        }

        /// Whether a call with these arguments satisfies it.
        package func holds(_ arguments: [UInt64]) -> Bool {
            arguments.indices.contains(Int(argument)) && arguments[Int(argument)] & mask == value
        }
    }

    package let name: String
    package let action: SystemCallAction
    package let conditions: [Condition]

    package init(_ name: String, _ action: SystemCallAction, when conditions: [Condition] = []) {
        self.name = name
        self.action = action
        self.conditions = conditions
    }

    /// The same rule with another action.
    package func with(_ action: SystemCallAction) -> SystemCallRule {
        SystemCallRule(name, action, when: conditions)
    }

    /// Whether a call of that name with these arguments satisfies every condition.
    package func holds(_ arguments: [UInt64]) -> Bool { conditions.allSatisfy { $0.holds(arguments) } }
}

/// A system-call policy: rules, and what happens to every call that none of them names.
package struct SystemCallFilter: Hashable, Sendable {
    package var rules: [SystemCallRule]
    package var fallback: SystemCallAction
    /// What happens to a call by this name when none of its rules holds, instead of ``fallback``.
    package var fallbacks: [String: SystemCallAction]

    package init(
        rules: [SystemCallRule], fallback: SystemCallAction, fallbacks: [String: SystemCallAction] = [:]
    ) {
        self.rules = rules
        self.fallback = fallback
        self.fallbacks = fallbacks
    }

    /// Why a filter could not be compiled.
    package struct CompileError: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// The number of a system call on this machine, or `nil` where it has none by that name.
    package static func number(of name: String) -> Int32? { SystemCallNumbers.number(of: name) }

    /// Compiles to classic BPF by libseccomp, for the native architecture only; any other one is killed.
    ///
    /// libseccomp has one fallback for a whole filter. A call with one of its own gets a filter of its own, put behind
    /// the others; the program starts with a look at the number, which leads to the right one. Each of them looks at the
    /// architecture first, and their jumps are relative, so they can be put anywhere.
    ///
    /// - Returns: instructions of 8 bytes, ready for seccomp(2).
    /// - Throws: ``CompileError`` for a name libseccomp does not know or a rule it refuses.
    package func compiled() throws(CompileError) -> [UInt8] {
        let sections = sections
        let programs = try sections.map { (section) throws(CompileError) in
            try section.export(.program)
        }
        guard let main = programs.first, programs.count > 1 else { return programs.first ?? [] }
        // BPF_LD | BPF_W | BPF_ABS the number; then for each section BPF_JMP | BPF_JEQ | BPF_K and BPF_JMP | BPF_JA,
        // as a conditional jump reaches no further than 255 instructions.
        var program = Self.instruction(0x20, 0, 0, 0)
        var distance = (programs.count - 1) * 2 + main.count / 8
        for (section, body) in zip(sections, programs).dropFirst() {
            distance -= 2
            program += Self.instruction(0x15, 0, 1, UInt32(bitPattern: section.number))
            program += Self.instruction(0x05, 0, 0, UInt32(distance))
            distance += body.count / 8
        }
        return program + programs.joined()
    }

    /// The policy as libseccomp's pseudo filter code, section by section.
    ///
    /// - Throws: as ``compiled()``.
    package func pseudoCode() throws(CompileError) -> String {
        var text = ""
        for section in sections {
            let code = try section.export(.pseudoCode)
            text += section.title + String(decoding: code, as: UTF8.self)
        }
        return text
    }

    private static func instruction(_ code: UInt8, _ whenTrue: UInt8, _ whenFalse: UInt8, _ constant: UInt32) -> [UInt8]
    {
        [code, 0, whenTrue, whenFalse] + (0..<4).map { UInt8(truncatingIfNeeded: constant >> (8 * $0)) }
    }

    /// The whole policy but the calls with fallbacks of their own, and then one section for each of those.
    private var sections: [FilterSection] {
        let own = fallbacks.keys.sorted().compactMap { name in
            fallbacks[name].flatMap { action in
                Self.number(of: name).map { FilterSection(name: name, number: $0, fallback: action) }
            }
        }
        var main = FilterSection(name: nil, number: -1, fallback: fallback)
        main.rules = rules.filter { fallbacks[$0.name] == nil }
        let byName = Dictionary(grouping: rules, by: \.name)
        return [main]
            + own.map { section in
                var section = section
                section.rules = byName[section.name ?? ""] ?? []
                return section
            }
    }
}

/// What libseccomp compiles at once: rules with one fallback.
private struct FilterSection {
    typealias CompileError = SystemCallFilter.CompileError

    /// What libseccomp writes.
    enum Form { case program, pseudoCode }

    /// The one call that this is about; nothing for the section of all others.
    let name: String?
    let number: Int32
    let fallback: SystemCallAction
    var rules: [SystemCallRule] = []

    var title: String { name.map { "#\n# only for \($0), number \(number)\n" } ?? "" }

    /// Adds every rule, and lets libseccomp write the result into a file of its own.
    func export(_ form: Form) throws(CompileError) -> [UInt8] {
        // What this kernel knows is known already (`HostSupport`). libseccomp would try it out by seccomp(2), which fails
        // where somebody asks from inside a session.
        try require(seccomp_api_set(6), "take every action for known")
        guard let context = unsafe seccomp_init(fallback.code) else {
            throw CompileError(description: "cannot make a system-call filter")
        }
        defer { unsafe seccomp_release(context) }
        // no_new_privs is a step of its own; a call of another architecture ends the process, not the thread.
        try require(unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0), "set no_new_privs aside")
        try require(unsafe seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, seccomp_action_kill()), "set the action")
        try require(unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), "choose the binary tree")
        for rule in rules where rule.action != fallback {
            guard let number = SystemCallNumbers.number(of: rule.name) else {
                throw CompileError(description: "unknown system call `\(rule.name)`")
            }
            let arguments = rule.conditions.map {
                scmp_arg_cmp(arg: $0.argument, op: SCMP_CMP_MASKED_EQ, datum_a: $0.mask, datum_b: $0.value)
            }
            try require(
                unsafe seccomp_rule_exact(context, rule.action.code, number, arguments, UInt32(arguments.count)),
                "add a rule for `\(rule.name)`"
            )
        }
        return try read { number in
            switch form {
            case .program: unsafe seccomp_export_bpf(context, number)
            case .pseudoCode: unsafe seccomp_export_pfc(context, number)
            }
        }
    }

    private func require(_ result: Int32, _ action: String) throws(CompileError) {
        if result < 0 { throw CompileError(description: "\(action): \(Errno(code: -result))") }
    }

    private func read(_ write: (CInt) -> CInt) throws(CompileError) -> [UInt8] {
        do {
            let memory = OwnedDescriptor(
                adopting: try check("make a memory file") { unsafe linux_memfd_create("filter", 1) }
            )
            let number = memory.number
            let result = write(number)
            if result < 0 { throw SystemCallError("export the filter", Errno(code: -result)) }
            try check("rewind the filter") { lseek(number, 0, SEEK_SET) }
            return try FileSystem.readAll(number, limit: 4 << 20, name: "filter")
        } catch {
            throw CompileError(description: "\(error)")
        }
    }
}
