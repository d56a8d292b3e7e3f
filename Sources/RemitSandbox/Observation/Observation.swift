// SPDX-License-Identifier: Apache-2.0

/// Something that a process of an observed session did or tried, as it looked when it was about to.
package struct Observation: Hashable, Sendable {
    /// What will have become of it.
    package enum Outcome: String, Hashable, Sendable {
        case allowed
        /// There is nothing by that path, neither inside nor on the host.
        case absent
        /// There is nothing inside, and on the host there is.
        case hidden
        /// Some layer refuses it.
        case denied
    }

    package let act: ObservedAct
    /// The system call.
    package let call: String
    /// The path inside with links resolved, as far as there is something; nothing for a call about no path.
    package let path: String?
    /// The path as it was asked for, absolute.
    package let asked: String?
    package let outcome: Outcome
    /// What the layers say, where it was not allowed.
    package let opinions: [Opinion]
    /// It is a directory.
    package let isDirectory: Bool

    package init(
        _ act: ObservedAct, call: String, path: String?, asked: String? = nil, outcome: Outcome,
        opinions: [Opinion] = [],
        isDirectory: Bool = false
    ) {
        self.act = act
        self.call = call
        self.path = path
        self.asked = asked ?? path
        self.outcome = outcome
        self.opinions = opinions
        self.isDirectory = isDirectory
    }

    package var isRefused: Bool { outcome == .hidden || outcome == .denied }
}
