// SPDX-License-Identifier: Apache-2.0

/// The files that a CI service reads after a job.
enum JobReport {
    /// JUnit's XML, as GitLab, Jenkins and others read it: how the session ended, whether its outcome was met, and what was
    /// refused, each as one test.
    static func junit(_ result: JobResult) -> String {
        var cases: [(name: String, failure: String?, output: [String])] = []
        let ending = result.findings.first?.text ?? result.title
        cases.append(("the session ends well", result.isGood ? nil : ending, []))
        if let isMet = result.isOutcomeMet {
            cases.append(
                (
                    "the outcome is met", isMet ? nil : result.outcomeDetails.joined(separator: "\n"),
                    result.outcomeDetails
                )
            )
        }
        let refused = result.findings.dropFirst().filter { $0.level == .warning }.map { "\($0.title): \($0.text)" }
        cases.append(("nothing is done that ends it", result.isStruck ? refused.joined(separator: "\n") : nil, refused))
        let failures = cases.count { $0.failure != nil }
        let seconds = "\((result.seconds * 1000).rounded() / 1000)"
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        text += "<testsuites>\n<testsuite name=\"remit\" tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"0\""
        text += " skipped=\"0\" time=\"\(seconds)\">\n<properties>\n"
        for (name, value) in result.facts {
            text += "<property name=\"\(JobEscaping.xml(name))\" value=\"\(JobEscaping.xml(value))\"/>\n"
        }
        text += "</properties>\n"
        for (index, test) in cases.enumerated() {
            text += "<testcase classname=\"remit\" name=\"\(JobEscaping.xml(test.name))\""
            text += " time=\"\(index == 0 ? seconds : "0")\">\n"
            if let failure = test.failure {
                text += "<failure message=\"\(JobEscaping.xml(result.title))\">\(JobEscaping.xml(failure))</failure>\n"
            }
            if !test.output.isEmpty {
                text += "<system-out>\(JobEscaping.xml(test.output.joined(separator: "\n")))</system-out>\n"
            }
            text += "</testcase>\n"
        }
        return text + "</testsuite>\n</testsuites>\n"
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
