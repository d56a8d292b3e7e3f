// SPDX-License-Identifier: Apache-2.0
// A proof as a table and as JSON.

internal import RemitJournal
internal import RemitKernel

enum ProofView {
    static func show(_ report: ProofReport) {
        var table = Table(columns: ["PROBE", "TRIES TO", "RESULT", "STOPPED BY", "ERRNO"])
        for (probe, result) in report.probes {
            let why = result.why.map { " (\($0))" } ?? ""
            table.rows.append([
                probe.name, probe.attempt, result.outcome.rawValue + why, result.layer ?? "-", result.stop ?? "-",
            ])
        }
        Output.table(table)
        Output.write("\n")
        var canaries = Table(columns: ["CANARY", "STATE"])
        for canary in report.canaries { canaries.rows.append([canary.name, canary.touch ?? "untouched"]) }
        Output.table(canaries)
        Output.write("\n\(summary(report))\n")
    }

    private static func summary(_ report: ProofReport) -> String {
        let all = report.probes.map(\.result.outcome)
        func count(_ outcome: ProbeResult.Outcome) -> Int { all.filter { $0 == outcome }.count }
        var parts = ["\(count(.stopped)) of \(all.count) attempts stopped"]
        for (outcome, text) in [
            (ProbeResult.Outcome.through, "GOT THROUGH"), (.unexpected, "failed unexpectedly"), (.killed, "killed"),
            (.silent, "without a result"), (.absent, "absent from this kernel"), (.skipped, "skipped"),
        ] where count(outcome) > 0 {
            parts.append("\(count(outcome)) \(text)")
        }
        let touched = report.canaries.filter { $0.touch != nil }.count
        parts.append(touched == 0 ? "\(report.canaries.count) canaries untouched" : "\(touched) canaries TOUCHED")
        let tenths = report.duration.nanoseconds / 100_000_000
        return parts.joined(separator: ", ") + "; \(report.sessions) sessions, \(tenths / 10).\(tenths % 10) s"
    }

    static func json(_ report: ProofReport) -> JSONValue {
        [
            "proved": .bool(!report.isBroken && !report.isIncomplete),
            "sessions": .integer(report.sessions),
            "milliseconds": .integer(Int(report.duration.nanoseconds / 1_000_000)),
            "probes": .array(
                report.probes.map { probe, result in
                    [
                        "probe": .string(probe.name), "attempt": .string(probe.attempt),
                        "result": .string(result.outcome.rawValue), "layer": .optional(result.layer),
                        "errno": .optional(result.stop), "why": .optional(result.why),
                        "microseconds": .optional(result.microseconds),
                    ]
                }),
            "canaries": .array(
                report.canaries.map { ["name": .string($0.name), "touched": .optional($0.touch)] }),
        ]
    }
}
