// SPDX-License-Identifier: Apache-2.0
// What an observed session did and was refused: kept for whoever asked for the observation, and refusals in the journal.

internal import RemitJournal
internal import RemitSandbox

extension Supervisor {
    /// Refusals that are recorded one by one; how many more there were is said at the end.
    private static let recordLimit = 512

    func observed(_ observation: Observation) {
        observations.append(observation)
        guard observation.isRefused else { return }
        refusedObservations += 1
        guard refusedObservations <= Self.recordLimit else { return }
        let opinion = observation.opinions.first { $0.say == .denies }
        record(
            "session.observed",
            [
                "act": .string(observation.act.rawValue), "call": .string(observation.call),
                "path": .optional(observation.path), "outcome": .string(observation.outcome.rawValue),
                "layer": .optional(opinion?.layer), "detail": .optional(opinion?.detail),
                "line": .optional(opinion?.line?.path),
            ])
    }

    /// What was not looked at, or not recorded: an explanation that leaves something out says so.
    func recordObservation() {
        guard let lost = sandbox?.observationsLost else { return }
        record(
            "session.observation",
            [
                "seen": .integer(observations.count), "refused": .integer(refusedObservations),
                "unrecorded": .integer(max(0, refusedObservations - Self.recordLimit)), "lost": .integer(lost),
            ])
    }
}
