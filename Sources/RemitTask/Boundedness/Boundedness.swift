// SPDX-License-Identifier: Apache-2.0
// Is this task small enough to be somebody's remit? The verdict of `remit check`.

/// The verdict on a task: for each aspect, how well it is bounded, why, and what to write.
package struct Boundedness: Hashable, Sendable, Codable {
    /// What a task must bound.
    package enum Aspect: String, Hashable, Sendable, Codable, CaseIterable {
        case intent, workspace, outcome, credentials, network, lifetime, owner
    }

    /// How well an aspect is bounded, from worst to best.
    package enum Grade: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
        /// Not at all: a task that asks for credentials is refused.
        case missing
        /// Said, but too widely.
        case weak
        /// Said, and checkable.
        case bounded

        /// Missing is less than weak, and weak less than bounded.
        package static func < (left: Grade, right: Grade) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    /// One judgement.
    package struct Finding: Hashable, Sendable, Codable {
        /// What is judged.
        package let aspect: Aspect
        /// How well it is bounded.
        package let grade: Grade
        /// Why: lower case, one line.
        package let reason: String
        /// YAML to put into the task file; nothing where the aspect is bounded.
        package let advice: String?
    }

    /// The findings in the order of `Aspect`, at least one for each.
    package let findings: [Finding]

    /// Judges a task.
    ///
    /// - Parameters:
    ///   - task: The task as its file says it.
    ///   - directory: The absolute path of the folder that a relative workspace is meant from.
    ///   - home: The home directory of the caller, where there is one.
    ///   - configuration: The operator's, which says of which credentials the agent holds placeholders only.
    package init(
        task: TaskSpecification, directory: String = "/", home: String? = nil, configuration: Configuration = .standard
    ) {
        findings =
            Self.intent(task) + Self.workspace(task, directory: directory, home: home) + Self.outcome(task)
            + Self.credentials(task, configuration) + Self.network(task) + Self.lifetime(task, configuration)
            + Self.owner(task)
    }

    /// Whether nothing is missing.
    package var isBounded: Bool { findings.allSatisfy { $0.grade != .missing } }

    /// The worst grade of an aspect.
    package func grade(of aspect: Aspect) -> Grade {
        findings.filter { $0.aspect == aspect }.map(\.grade).min() ?? .missing
    }
}
