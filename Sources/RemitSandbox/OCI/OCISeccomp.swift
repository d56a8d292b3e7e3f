// SPDX-License-Identifier: Apache-2.0
// The system-call policy of container engines: the `seccomp` section of the OCI runtime specification, and Docker's
// profile files, which add conditions about capabilities, architectures and kernels to it.

/// A container engine's system-call policy as written.
package struct OCISeccomp: Hashable, Sendable {
    /// What a rule does with a call.
    enum Action: String, Hashable, Sendable {
        case allow = "SCMP_ACT_ALLOW"
        case error = "SCMP_ACT_ERRNO"
        case kill = "SCMP_ACT_KILL"
        case killThread = "SCMP_ACT_KILL_THREAD"
        case killProcess = "SCMP_ACT_KILL_PROCESS"
        case trap = "SCMP_ACT_TRAP"
        case trace = "SCMP_ACT_TRACE"
        case log = "SCMP_ACT_LOG"
        case notify = "SCMP_ACT_NOTIFY"

        /// Whether a call that gets it is made.
        var lets: Bool { self == .allow || self == .log }
    }

    /// How an argument is compared.
    enum Comparison: String, Hashable, Sendable, CaseIterable {
        case equal = "SCMP_CMP_EQ"
        case notEqual = "SCMP_CMP_NE"
        case less = "SCMP_CMP_LT"
        case lessOrEqual = "SCMP_CMP_LE"
        case greater = "SCMP_CMP_GT"
        case greaterOrEqual = "SCMP_CMP_GE"
        case maskedEqual = "SCMP_CMP_MASKED_EQ"
    }

    /// A condition about one argument.
    struct Argument: Hashable, Sendable {
        var index: Int
        var value: UInt64
        var valueTwo: UInt64
        var comparison: Comparison
    }

    /// When a rule counts.
    struct Condition: Hashable, Sendable {
        var capabilities: [String] = []
        var architectures: [String] = []
        var minimumKernel: String?

        var isEmpty: Bool { capabilities.isEmpty && architectures.isEmpty && minimumKernel == nil }
    }

    /// One rule for several calls.
    struct Rule: Hashable, Sendable {
        var names: [String]
        var action: Action
        var error: Int?
        var arguments: [Argument] = []
        var includes = Condition()
        var excludes = Condition()
    }

    var defaultAction: Action
    var defaultError: Int?
    /// Architectures named, those beside a native one in an architecture map included.
    var architectures: [String] = []
    var flags: [String] = []
    /// Whether calls go to another program that decides.
    var hasListener = false
    var rules: [Rule] = []
}

/// Why a file is no policy of that kind, and where.
package struct OCIError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The place as a path of members, such as `syscalls[3].args[0].op`.
    package let path: String
    package let reason: String

    package var description: String { path.isEmpty ? reason : "`\(path)` \(reason)" }
}
