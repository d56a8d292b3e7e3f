// SPDX-License-Identifier: Apache-2.0
// What tests of profiles came to, as a table, as JSON and as JUnit XML.

internal import RemitJournal
internal import RemitKernel
internal import RemitTask

/// What became of one test.
struct ProfileTestResult {
    let test: ProfileTest
    let verdict: ProfileTestVerdict
    var milliseconds = 0
    /// What it wrote.
    var output = ""

    init(_ test: ProfileTest, _ verdict: ProfileTestVerdict) {
        self.test = test
        self.verdict = verdict
    }

    /// `passed`, `failed` or `skipped`.
    var word: String {
        switch verdict {
        case .passed: "passed"
        case .failed: "failed"
        case .skipped: "skipped"
        }
    }

    /// The layer that decided, where one had to, and the test is passed.
    var layer: String? {
        if case .passed(let ground?) = verdict { ground.layer.rawValue } else { nil }
    }

    /// What speaks for that layer, or why the test is not passed.
    var why: String? {
        switch verdict {
        case .passed(let ground): ground?.evidence
        case .failed(let reason), .skipped(let reason): reason
        }
    }
}

/// What a run of tests came to.
struct ProfileTestReport {
    /// The tests of one profile.
    struct Suite {
        let suite: ProfileTestSuite
        /// Why no session starts under it here.
        let obstacle: String?
        let results: [ProfileTestResult]

        func count(_ word: String) -> Int { results.count { $0.word == word } }
    }

    /// A log keeps this much of what a test wrote, from its end.
    private static let outputLimit = 4096

    let suites: [Suite]
    let duration: Duration

    var failures: Int { suites.reduce(0) { $0 + $1.count("failed") } }

    // MARK: a table

    func showTable() {
        for suite in suites {
            Output.write("\(Terminal.printable(title(suite)))\n\n")
            var table = Table(columns: ["TEST", "FROM", "RESULT", "DECIDED BY", "WHY", "TIME"])
            for result in suite.results {
                table.rows.append([
                    Excerpt.of(result.test.name, limit: ProfileTest.nameLimit), result.test.origin?.description ?? "-",
                    result.word,
                    result.layer ?? "-", result.why ?? "-", "\(result.milliseconds) ms",
                ])
            }
            Output.table(table)
            Output.write("\n")
        }
        Output.write("\(summary)\n")
    }

    private func title(_ suite: Suite) -> String {
        let lineage = suite.suite.profile.lineage.dropFirst().map { ", which extends \($0)" }.joined()
        return "profile \(suite.suite.profile.name)\(suite.suite.file.map { " (\($0))" } ?? "")\(lineage)"
    }

    private var summary: String {
        let counts = ["passed", "failed", "skipped"].map { word in
            "\(suites.reduce(0) { $0 + $1.count(word) }) \(word)"
        }
        let tenths = duration.nanoseconds / 100_000_000
        return counts.joined(separator: ", ") + "; \(tenths / 10).\(tenths % 10) s"
    }

    // MARK: for machines

    var json: JSONValue {
        [
            "passed": .bool(failures == 0), "milliseconds": .integer(Int(duration.nanoseconds / 1_000_000)),
            "profiles": .array(
                suites.map { suite in
                    [
                        "profile": .string(suite.suite.profile.name), "file": .optional(suite.suite.file),
                        "obstacle": .optional(suite.obstacle), "passed": .integer(suite.count("passed")),
                        "failed": .integer(suite.count("failed")), "skipped": .integer(suite.count("skipped")),
                        "tests": .array(suite.results.map(Self.json)),
                    ]
                }),
        ]
    }

    private static func json(_ result: ProfileTestResult) -> JSONValue {
        [
            "name": .string(result.test.name), "origin": .optional(result.test.origin?.description),
            "result": .string(result.word), "layer": .optional(result.layer), "why": .optional(result.why),
            "milliseconds": .integer(result.milliseconds),
        ]
    }

    var junit: JUnitReport {
        JUnitReport(
            suites: suites.map { suite in
                JUnitReport.Suite(
                    name: suite.suite.profile.name, cases: suite.results.map { Self.junit($0, of: suite.suite) })
            })
    }

    private static func junit(_ result: ProfileTestResult, of suite: ProfileTestSuite) -> JUnitReport.Case {
        let outcome: JUnitReport.Case.Outcome
        switch result.verdict {
        case .passed: outcome = .passed
        case .failed(let reason): outcome = .failed(reason)
        case .skipped(let reason): outcome = .skipped(reason)
        }
        // Only of a test that failed: what others wrote is of no use, and may be long.
        let output = result.word == "failed" ? String(result.output.suffix(outputLimit)) : ""
        let source = result.test.origin.flatMap { suite.sources[$0.profile] }
        return JUnitReport.Case(
            name: result.test.name, file: source ?? result.test.origin.map { "\($0.profile).yaml" },
            line: result.test.origin?.line, milliseconds: result.milliseconds, outcome: outcome, output: output)
    }
}
