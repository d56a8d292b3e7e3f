// SPDX-License-Identifier: Apache-2.0

internal import CLaunch

/// Something the agent's own process attempts in the finished sandbox, before the agent's program runs.
package enum ConfinementProbe: UInt32, Hashable, Sendable, CaseIterable {
    case authority, identity, filter, foreignCall, mount, userNamespace, trace, socket, landlock, readOutside
    case writeOutside, reach

    /// What getting through would mean, in words that follow "it was possible to".
    package var attempt: String {
        switch self {
        case .authority: "hold a capability or gain privilege"
        case .identity: "be another user"
        case .filter: "run without a system-call filter"
        case .foreignCall: "make a system call of another architecture"
        case .mount: "mount a file system"
        case .userNamespace: "make a user namespace"
        case .trace: "trace another process"
        case .socket: "make a socket of a forbidden family or protocol"
        case .landlock: "read a file that only Landlock closes"
        case .readOutside: "read what is the supervisor's"
        case .writeOutside: "write outside of the workspace"
        case .reach: "reach an address outside"
        }
    }

    /// As a journal and a receipt name it.
    package var name: String {
        switch self {
        case .authority: "authority"
        case .identity: "identity"
        case .filter: "filter"
        case .foreignCall: "foreign-call"
        case .mount: "mount"
        case .userNamespace: "user-namespace"
        case .trace: "trace"
        case .socket: "socket"
        case .landlock: "landlock"
        case .readOutside: "read-outside"
        case .writeOutside: "write-outside"
        case .reach: "reach"
        }
    }

    var bit: UInt32 { 1 << rawValue }

    /// The probes of a bit set, in the order they were made.
    static func all(in bits: UInt32) -> [ConfinementProbe] { allCases.filter { bits & $0.bit != 0 } }

    /// The C side and this one count the same probes.
    package static let isComplete = allCases.count == Int(LAUNCH_PROBES.rawValue)
}

/// What was proved about a sandbox from inside, before its agent ran.
package struct ConfinementProof: Hashable, Sendable {
    /// The probes that were refused, each as it has to be.
    package let held: [ConfinementProbe]
    /// What all of them took.
    package let nanoseconds: Int
}
