// SPDX-License-Identifier: Apache-2.0

import RemitTask
import Testing

@Suite struct ProfileTestTests {
    static func decode(_ tests: String) throws -> [ProfileTest] {
        let (catalogue, cleanUp) = try ProfileTests.catalogue(["own": "tests:\n" + tests])
        defer { cleanUp() }
        return try catalogue.resolve("own").tests
    }

    @Test func `a test is decoded with what it takes when it does not say`() throws {
        let tests = try Self.decode(
            "  - run: cat /etc/shadow\n    refused: {by: mounts}\n  - run: |\n\n      ls\n      pwd\n")
        #expect(tests.map(\.name) == ["cat /etc/shadow", "ls"])
        #expect(tests[0].expectation == .refused(ProfileTest.Refusal(by: .mounts)))
        #expect(tests[1].expectation == .works(exit: 0, prints: nil))
        #expect(tests[1].run == "\nls\npwd\n" && tests[1].deadline == ProfileTest.standardDeadline)
        #expect(tests[0].origin == Origin(profile: "own", line: 5) && tests[1].origin?.line == 7)
    }

    @Test func `a test is one for each layer that the host is taken to lack`() throws {
        let tests = try Self.decode(
            "  - {name: refused, run: x, without: [landlock, seccomp], refused: {by: admission}}\n")
        #expect(tests.map(\.name) == ["refused: landlock", "refused: seccomp"])
        #expect(tests.map(\.without) == [.landlock, .seccomp])
    }

    @Test func `a derived profile has its parent's tests, and replaces them by name`() throws {
        let (catalogue, cleanUp) = try ProfileTests.catalogue([
            "parent": "tests:\n  - {name: one, run: a}\n  - {name: two, run: b}\n",
            "child": "extends: parent\ntests:\n  - {name: three, run: c}\n  - {name: one, run: d}\n",
        ])
        defer { cleanUp() }
        let profile = try catalogue.resolve("child")
        #expect(profile.tests.map(\.name) == ["one", "two", "three"])
        #expect(profile.tests.map(\.run) == ["d", "b", "c"])
        #expect(profile.tests.map(\.origin?.profile) == ["child", "parent", "child"])
    }

    @Test func `tests change nothing that a session is given`() throws {
        let (catalogue, cleanUp) = try ProfileTests.catalogue(["own": "extends: base\ntests: [{run: a}]\n"])
        defer { cleanUp() }
        let with = try catalogue.resolve("own")
        var without = with
        without.tests = []
        #expect(!with.tests.isEmpty && with.canonicalJSON() == without.canonicalJSON())
    }

    @Test func `the tests of built-in profiles are read for who wants them only`() throws {
        #expect(try ProfileCatalogue().resolve("coding").tests.isEmpty)
        let catalogue = ProfileCatalogue(tests: true)
        for (name, text, tests) in BuiltInProfiles.texts {
            #expect(tests.hasPrefix("tests:\n") && !text.contains("\ntests:"), "\(name)")
            let profile = try catalogue.resolve(name)
            for test in profile.tests {
                let origin = try #require(test.origin)
                let whole = try #require(BuiltInProfiles.texts.first { $0.name == origin.profile })
                let line = (whole.text + whole.tests).split(separator: "\n", omittingEmptySubsequences: false)[
                    origin.line - 1]
                #expect(line.hasPrefix("  - "), "\(name): \(test.name): \(line)")
            }
        }
    }

    @Test func `where a path of a session lies on the host`() {
        let filesystem = ProfileFilesystem(
            binds: [Bind(source: "/usr"), Bind(source: "/srv/x", target: "/usr/local")],
            links: ["/bin": "usr/bin", "/loop": "/loop/more", "/far": "/nowhere"])
        #expect(filesystem.hostPath(of: "/bin/sh") == "/usr/bin/sh")
        #expect(filesystem.hostPath(of: "/usr/local/bin/x") == "/srv/x/bin/x")
        #expect(filesystem.hostPath(of: "/usr") == "/usr" && filesystem.hostPath(of: "/usrlocal") == nil)
        #expect(filesystem.hostPath(of: "/loop/x") == nil && filesystem.hostPath(of: "/far/x") == nil)
    }
}

@Suite struct ProfileEvidenceTests {
    private func refused(_ refusal: ProfileTest.Refusal) -> ProfileTest {
        ProfileTest(run: "x", expectation: .refused(refusal))
    }

    private func word(_ verdict: ProfileTestVerdict) -> String {
        switch verdict {
        case .passed(let ground): ground?.layer.rawValue ?? "passed"
        case .failed(let reason): reason
        case .skipped(let reason): "skipped: \(reason)"
        }
    }

    @Test(arguments: [
        ("Read-only file system", DecidingLayer.mounts), ("No such file or directory", .mounts),
        ("No space left on device", .volumes), ("Too many open files", .openFileLimit),
        ("Network is unreachable", .namespaces), ("Function not implemented", .seccomp),
        ("Permission denied", .permissions), ("Operation not permitted", .capabilities),
        ("Cannot allocate memory", .memoryLimit), ("sh: 1: Cannot fork", .processLimit),
    ])
    func `an error's text speaks for a layer`(text: String, layer: DecidingLayer) {
        let evidence = ProfileEvidence(status: 1, diagnostics: "cat: \(text)\n")
        #expect(word(refused(.init(by: layer)).verdict(evidence)) == layer.rawValue)
        for other in DecidingLayer.allCases where other != layer && !(text == "Permission denied" && other == .mounts) {
            #expect(word(refused(.init(by: other)).verdict(evidence)).contains("must refuse it, and"))
        }
    }

    @Test func `a record of the session's speaks for a layer, whatever the program said`() {
        var evidence = ProfileEvidence(status: 1)
        evidence.denials = ["ptrace": 2]
        #expect(word(refused(.init(by: .seccomp)).verdict(evidence)) == "seccomp")
        #expect(word(refused(.init(by: .seccomp, call: "ptrace")).verdict(evidence)) == "seccomp")
        #expect(word(refused(.init(by: .seccomp, call: "mount")).verdict(evidence)).contains("nothing says"))
        evidence.filterAnswer = "EPERM"
        #expect(word(refused(.init(by: .seccomp, call: "mount")).verdict(evidence)) == "seccomp")
        evidence = ProfileEvidence(status: 137, limitsReached: ["memory"])
        #expect(word(refused(.init(by: .memoryLimit)).verdict(evidence)) == "limits.memory")
        evidence = ProfileEvidence(status: 1, hostsRefused: ["example.com"])
        #expect(word(refused(.init(by: .egress)).verdict(evidence)) == "egress")
        evidence = ProfileEvidence(status: 1, withheld: ["TOKEN"])
        #expect(word(refused(.init(by: .environment)).verdict(evidence)) == "environment")
        evidence = ProfileEvidence(status: 1, diagnostics: "Permission denied", enforced: [.landlock])
        #expect(word(refused(.init(by: .landlock)).verdict(evidence)) == "landlock")
        evidence.enforced = []
        #expect(word(refused(.init(by: .landlock)).verdict(evidence)).contains("what speaks is for permissions"))
    }

    @Test func `nothing that did not start was refused by a layer of a session`() {
        var evidence = ProfileEvidence(status: 126, diagnostics: "error: no such file: No such file or directory")
        evidence.started = false
        #expect(word(refused(.init(by: .admission)).verdict(evidence)) == "admission")
        #expect(word(refused(.init(by: .mounts)).verdict(evidence)).contains("nothing was started"))
        evidence.status = 64
        #expect(word(refused(.init(by: .admission)).verdict(evidence)).contains("nothing says which layer"))
    }

    @Test func `what succeeds, says something else or ends otherwise is not refused`() {
        let test = refused(.init(by: .mounts, exit: 2, saying: "No such file"))
        let text = "No such file or directory"
        #expect(word(test.verdict(ProfileEvidence(status: 0, output: text))).contains("it succeeded"))
        #expect(word(test.verdict(ProfileEvidence(status: 1, output: text))).contains("with status 2"))
        #expect(word(test.verdict(ProfileEvidence(status: 2, output: "other"))).contains("it must say"))
        #expect(word(test.verdict(ProfileEvidence(status: 124, output: text))).contains("deadline"))
        #expect(word(test.verdict(ProfileEvidence(status: 2, output: text))) == "mounts")
    }

    @Test func `what works ends as it must and prints what it must`() {
        var test = ProfileTest(run: "x", expectation: .works(exit: 3, prints: "text"))
        #expect(word(test.verdict(ProfileEvidence(status: 3, output: "a text"))) == "passed")
        #expect(word(test.verdict(ProfileEvidence(status: 3, diagnostics: "a text"))).contains("printed nothing"))
        let failed = word(test.verdict(ProfileEvidence(status: 0, output: "text", diagnostics: "\u{1B}[2Jgone\n")))
        #expect(failed.contains("with status 3") && failed.contains("gone") && !failed.contains("\u{1B}"))
        test.enforced = [.cgroup]
        var evidence = ProfileEvidence(status: 3, output: "text")
        evidence.missing = [.cgroup: "none here"]
        #expect(word(test.verdict(evidence)) == "skipped: `cgroup` is not enforced here: none here")
    }
}

@Suite struct JUnitReportTests {
    @Test func `names and outputs cannot break the document, nor drive a terminal`() {
        let hostile = "]]></failure>\u{0}\u{1B}[2J\u{9B}\u{202E}<!-- & \"'\n\u{FFFE}"
        let test = JUnitReport.Case(
            name: hostile, file: hostile, line: 7, milliseconds: 61_005, outcome: .failed(hostile), output: hostile)
        let text = JUnitReport(suites: [.init(name: hostile, cases: [test])]).text
        let escaped =
            "]]&gt;&lt;/failure&gt;\u{FFFD}\u{FFFD}[2J\u{FFFD}\u{FFFD}&lt;!-- &amp; &quot;&apos;&#10;\u{FFFD}"
        #expect(JUnitReport.escaped(hostile) == escaped)
        #expect(text.contains("<testcase classname=\"\(escaped)\" name=\"\(escaped)\" file=\"\(escaped)\" line=\"7\""))
        #expect(text.contains("time=\"61.005\"") && text.contains("<system-out>\(escaped)</system-out>"))
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 32 && $0.value != 0x9B })
    }

    @Test func `counts are of the suite and of all`() {
        func test(_ outcome: JUnitReport.Case.Outcome) -> JUnitReport.Case {
            JUnitReport.Case(name: "n", file: nil, line: nil, milliseconds: 1, outcome: outcome)
        }
        let text = JUnitReport(suites: [
            .init(name: "a", cases: [test(.passed), test(.failed("why"))]),
            .init(name: "b", cases: [test(.skipped("no"))]),
        ]).text
        #expect(text.contains("<testsuites tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"0.003\">"))
        #expect(
            text.contains("<testsuite name=\"b\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\" time=\"0.001\">")
        )
        #expect(text.contains("name=\"n\" time=\"0.001\"/>") && text.contains("<skipped message=\"no\"/>"))
    }
}
