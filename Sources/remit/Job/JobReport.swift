// SPDX-License-Identifier: Apache-2.0

internal import RemitTask

/// The files that a CI service reads after a job.
enum JobReport {
    /// JUnit's XML, as GitLab, Jenkins and others read it: how the session ended, whether its outcome was met, and what was
    /// refused, each as one test.
    static func junit(_ result: JobResult) -> String {
        let milliseconds = Int((result.seconds * 1000).rounded())
        func test(_ name: String, _ failure: String?, _ output: [String] = [], took: Int = 0) -> JUnitReport.Case {
            JUnitReport.Case(
                name: name, file: nil, line: nil, milliseconds: took,
                outcome: failure.map { .failed($0, title: result.title) } ?? .passed,
                output: output.joined(separator: "\n"))
        }
        let ending = result.findings.first?.text ?? result.title
        var cases = [test("the session ends well", result.isGood ? nil : ending, took: milliseconds)]
        if let isMet = result.isOutcomeMet {
            let details = result.outcomeDetails
            cases.append(test("the outcome is met", isMet ? nil : details.joined(separator: "\n"), details))
        }
        let refused = result.findings.dropFirst().filter { $0.level == .warning }.map { "\($0.title): \($0.text)" }
        cases.append(
            test("nothing is done that ends it", result.isStruck ? refused.joined(separator: "\n") : nil, refused))
        let suite = JUnitReport.Suite(name: "remit", cases: cases, properties: result.facts)
        return JUnitReport(suites: [suite]).text
    }

    /// A summary in GitHub's Markdown.
    static func markdown(_ result: JobResult) -> String {
        var text = "\n### remit: \(JobEscaping.markdown(result.title))\n\n| | |\n|---|---|\n"
        for (name, value) in result.facts {
            text += "| \(JobEscaping.markdown(name)) | \(JobEscaping.markdown(value)) |\n"
        }
        let findings = result.findings.filter { $0.level != .notice }
        if !findings.isEmpty { text += "\n" }
        for finding in findings {
            text += "- **\(JobEscaping.markdown(finding.title))**: \(JobEscaping.markdown(finding.text))\n"
        }
        return text + "\n"
    }
}
