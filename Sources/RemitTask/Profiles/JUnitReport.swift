// SPDX-License-Identifier: Apache-2.0
// Results in the XML that continuous integration reads: the form of Ant's JUnit task, which all services take.

/// A report of test suites.
package struct JUnitReport: Sendable {
    /// One test.
    package struct Case: Sendable {
        /// What became of it.
        package enum Outcome: Sendable {
            /// As it must.
            case passed
            /// Why not, and in one line where that says something else.
            case failed(String, title: String? = nil)
            /// Why it was not run.
            case skipped(String)
        }

        /// Its name.
        package let name: String
        /// The file, where there is one, and the line it was written in.
        package let file: String?
        package let line: Int?
        /// How long it took, in milliseconds.
        package let milliseconds: Int
        /// What became of it.
        package let outcome: Outcome
        /// What it wrote.
        package let output: String

        /// Makes a test.
        package init(
            name: String, file: String?, line: Int?, milliseconds: Int, outcome: Outcome, output: String = ""
        ) {
            self.name = name
            self.file = file
            self.line = line
            self.milliseconds = milliseconds
            self.outcome = outcome
            self.output = output
        }
    }

    /// The tests of one thing.
    package struct Suite: Sendable {
        /// The thing.
        package let name: String
        /// Its tests.
        package let cases: [Case]
        /// What else there is to know, by name.
        package let properties: [(name: String, value: String)]

        /// Makes a suite.
        package init(name: String, cases: [Case], properties: [(name: String, value: String)] = []) {
            self.name = name
            self.cases = cases
            self.properties = properties
        }
    }

    /// What is reported.
    package let suites: [Suite]

    /// Makes a report.
    package init(suites: [Suite]) { self.suites = suites }

    /// The report as XML.
    package var text: String {
        let all = suites.flatMap(\.cases)
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites\(Self.counts(all))>\n"
        for suite in suites {
            xml += "  <testsuite name=\"\(Self.escaped(suite.name))\"\(Self.counts(suite.cases))>\n"
            if !suite.properties.isEmpty { xml += Self.text(suite.properties) }
            for test in suite.cases { xml += Self.text(test, of: suite.name) }
            xml += "  </testsuite>\n"
        }
        return xml + "</testsuites>\n"
    }

    private static func text(_ properties: [(name: String, value: String)]) -> String {
        let lines = properties.map { "      <property name=\"\(escaped($0.name))\" value=\"\(escaped($0.value))\"/>\n" }
        return "    <properties>\n" + lines.joined() + "    </properties>\n"
    }

    private static func text(_ test: Case, of suite: String) -> String {
        var head = "    <testcase classname=\"\(escaped(suite))\" name=\"\(escaped(test.name))\""
        if let file = test.file { head += " file=\"\(escaped(file))\"" }
        if let line = test.line { head += " line=\"\(line)\"" }
        head += " time=\"\(seconds(test.milliseconds))\""
        var body = ""
        switch test.outcome {
        case .passed: break
        case .failed(let reason, let title):
            body += "      <failure message=\"\(escaped(title ?? reason))\">\(escaped(reason))</failure>\n"
        case .skipped(let reason): body += "      <skipped message=\"\(escaped(reason))\"/>\n"
        }
        if !test.output.isEmpty { body += "      <system-out>\(escaped(test.output))</system-out>\n" }
        return body.isEmpty ? head + "/>\n" : head + ">\n" + body + "    </testcase>\n"
    }

    private static func counts(_ cases: [Case]) -> String {
        var (failures, skipped, time) = (0, 0, 0)
        for test in cases {
            time += test.milliseconds
            switch test.outcome {
            case .passed: break
            case .failed: failures += 1
            case .skipped: skipped += 1
            }
        }
        return " tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"0\" skipped=\"\(skipped)\""
            + " time=\"\(seconds(time))\""
    }

    private static func seconds(_ milliseconds: Int) -> String {
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }

    /// Text as XML takes it: five characters as entities, a line break in attributes as a reference, and what no XML
    /// document may hold, in whatever form, as the replacement character.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&apos;"
            case "\n": result += "&#10;"
            case "\t": result += "&#9;"
            default: result.unicodeScalars.append(isHarmless(scalar) ? scalar : "\u{FFFD}")
            }
        }
        return result
    }

    /// A log that prints the report must not have its terminal driven either.
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069: false
        // What is no character in any plane.
        default: scalar.value & 0xFFFE != 0xFFFE
        }
    }
}
