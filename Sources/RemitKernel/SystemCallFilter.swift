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
    /// `argument & mask == value`. The kernel truncates 32-bit arguments and a filter does not, so a test of such an
    /// argument has a mask of at most 32 bits; no other comparison exists here.
    package struct Condition: Hashable, Sendable {
        package let argument: UInt32
        package let mask: UInt64
        package let value: UInt64

        package init(argument: UInt32, mask: UInt64 = 0xffff_ffff, value: UInt64) {
            self.argument = argument
            self.mask = mask
            self.value = value
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
}

/// A system-call policy: rules, and what happens to every call that none of them names.
package struct SystemCallFilter: Hashable, Sendable {
    package var rules: [SystemCallRule]
    package var fallback: SystemCallAction

    package init(rules: [SystemCallRule], fallback: SystemCallAction) {
        self.rules = rules
        self.fallback = fallback
    }

    /// Why a filter could not be compiled.
    package struct CompileError: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// The number of a system call on this machine, or `nil` where it has none by that name.
    package static func number(of name: String) -> Int32? {
        let number = unsafe seccomp_syscall_resolve_name(name)
        return number >= 0 ? number : nil
    }

    /// Compiles to classic BPF by libseccomp, for the native architecture only; any other one is killed.
    ///
    /// - Returns: instructions of 8 bytes, ready for seccomp(2).
    /// - Throws: ``CompileError`` for a name libseccomp does not know or a rule it refuses.
    package func compiled() throws(CompileError) -> [UInt8] {
        guard let context = unsafe seccomp_init(fallback.code) else {
            throw CompileError(description: "cannot make a system-call filter")
        }
        defer { unsafe seccomp_release(context) }
        // no_new_privs is a step of its own; a call of another architecture ends the process, not the thread.
        try require(unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0), "set no_new_privs aside")
        try require(unsafe seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, seccomp_action_kill()), "set the action")
        try require(unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), "choose the binary tree")
        for rule in rules where rule.action != fallback {
            guard let number = Self.number(of: rule.name) else {
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
        return try unsafe export(context)
    }

    private func require(_ result: Int32, _ action: String) throws(CompileError) {
        if result < 0 { throw CompileError(description: "\(action): \(Errno(code: -result))") }
    }

    private func export(_ context: scmp_filter_ctx) throws(CompileError) -> [UInt8] {
        do {
            let memory = OwnedDescriptor(
                adopting: try check("make a memory file") { unsafe linux_memfd_create("filter", 1) }
            )
            let number = memory.number
            let result = unsafe seccomp_export_bpf(context, number)
            if result < 0 { throw SystemCallError("export the filter", Errno(code: -result)) }
            try check("rewind the filter") { lseek(number, 0, SEEK_SET) }
            return try FileSystem.readAll(number, limit: 1 << 20, name: "filter")
        } catch {
            throw CompileError(description: "\(error)")
        }
    }
}
