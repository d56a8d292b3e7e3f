// SPDX-License-Identifier: Apache-2.0
// The tests that a profile has of itself.

extension Shapes {
    static let test = ObjectShape(
        "test",
        [
            .optional("name", .freeText),
            .required("run", .freeText),
            .optional("requires", .list(.text(pattern: ProgramName.pattern), atLeast: 0)),
            .optional("outside", .list(.text(pattern: ProgramName.pattern), atLeast: 0)),
            .optional("enforced", .list(words(Layer.self), atLeast: 0)),
            .optional("without", .list(words(Layer.self), atLeast: 1)),
            .optional("paths", .list(absolute, atLeast: 0)),
            .optional("environment", .map(keys: VariableName.pattern, .freeText)),
            .optional("files", .map(keys: RelativePath.pattern, .freeText)),
            .optional("task", .object(testRequest)),
            .optional("tty", .boolean),
            .optional("deadline", .timeSpan),
            .optional("exit", .integer(exitRange)),
            .optional("prints", .freeText),
            .optional("refused", .object(refusal)),
        ])

    static let testRequest = ObjectShape(
        "task of a test",
        [
            .optional("workspace", words(AccessMode.self)),
            .optional("limits", .object(limits)),
            .optional("network", .object(network)),
        ])

    static let refusal = ObjectShape(
        "refusal",
        [
            .required("by", words(DecidingLayer.self)),
            .optional("exit", .integer(1...255)),
            .optional("saying", .freeText),
            .optional("call", .text(pattern: callPattern)),
        ])

    static let exitRange = 0...255
    static let callPattern = "^[a-z_][a-z0-9_]{0,63}$"
}

/// Names of programs, looked for on the search path.
enum ProgramName {
    static let pattern = "^[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}$"

    static func problem(_ text: String) -> String? {
        if text.utf8.count > 64 { return "is longer than 64 characters" }
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                continue
            case UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"): if index > 0 { continue }
            default: break
            }
            return "is not the name of a program"
        }
        return nil
    }
}

extension ValueReader {
    /// A test, or one for each layer that it is to be tried without; their origin is the caller's to add.
    func profileTests() throws(FileError) -> [ProfileTest] {
        let object = try object(Shapes.test)
        let test = try profileTest(object)
        guard let without = object.optional("without") else { return [test] }
        var tests: [ProfileTest] = []
        for item in try without.items(atLeast: 1) {
            var one = test
            let layer: Layer = try item.choice()
            one.without = layer
            one.name += ": \(layer.rawValue)"
            tests.append(one)
        }
        return tests
    }

    private func profileTest(_ object: ObjectReader) throws(FileError) -> ProfileTest {
        let script = try object.required("run")
        var test = ProfileTest(run: try script.text(.block))
        if test.run.allSatisfy(\.isWhitespace) { throw script.refuse("is empty") }
        if test.run.utf8.count > ProfileTest.scriptLimit {
            throw script.refuse(
                "is longer than \(ProfileTest.scriptLimit) bytes", hint: "put it into a file of the test's `files`")
        }
        test.name = try name(of: object, script: test.run)
        test.requires = try object.optional("requires")?.uniqueTexts(checkedBy: ProgramName.problem) ?? []
        test.outside = try object.optional("outside")?.uniqueTexts(checkedBy: ProgramName.problem) ?? []
        for item in try object.optional("enforced")?.items() ?? [] { test.enforced.append(try item.choice()) }
        test.paths = try object.optional("paths")?.uniqueTexts(checkedBy: AbsolutePath.problem) ?? []
        test.environment = try object.optional("environment")?.variables() ?? [:]
        test.files = try object.optional("files")?.texts(keys: RelativePath.problem, .block) ?? [:]
        if let request = object.optional("task") { test.task = try request.testRequest() }
        test.terminal = try object.optional("tty")?.boolean() ?? false
        test.deadline = try object.optional("deadline")?.timeSpan() ?? ProfileTest.standardDeadline
        test.expectation = try expectation(object)
        return test
    }

    private func name(of object: ObjectReader, script: String) throws(FileError) -> String {
        if let value = object.optional("name") {
            let name = try value.text()
            if name.utf8.count > ProfileTest.nameLimit {
                throw value.refuse("is longer than \(ProfileTest.nameLimit) bytes")
            }
            return name
        }
        let lines = script.split(separator: "\n").map { $0.replacing("\t", with: " ") }
        let first = lines.first { !$0.allSatisfy(\.isWhitespace) } ?? ""
        guard first.utf8.count <= ProfileTest.nameLimit else {
            throw refuse("needs a `name`: its first line is longer than \(ProfileTest.nameLimit) bytes")
        }
        return String(first.drop(while: \.isWhitespace))
    }

    private func testRequest() throws(FileError) -> ProfileTest.Request {
        let object = try object(Shapes.testRequest)
        return ProfileTest.Request(
            workspace: try object.optional("workspace")?.choice(),
            limits: try object.optional("limits")?.limits() ?? Limits(),
            network: try object.optional("network")?.networkRules() ?? NetworkRules()
        )
    }

    private func expectation(_ object: ObjectReader) throws(FileError) -> ProfileTest.Expectation {
        let exit = object.optional("exit")
        let prints = object.optional("prints")
        guard let refused = object.optional("refused") else {
            return .works(exit: try exit?.integer(in: Shapes.exitRange) ?? 0, prints: try prints?.text())
        }
        for (key, value) in [("exit", exit), ("prints", prints)] {
            guard let value else { continue }
            throw value.refuse("is about what works, but the test is `refused`", hint: "write `refused.\(key)`")
        }
        let details = try refused.object(Shapes.refusal)
        let by: DecidingLayer = try details.required("by").choice()
        let call = details.optional("call")
        let refusal = ProfileTest.Refusal(
            by: by, exit: try details.optional("exit")?.integer(in: 1...255),
            saying: try details.optional("saying")?.text(), call: try call?.text(checkedBy: SystemCallName.problem))
        if let call {
            if by != .seccomp { throw call.refuse("is about the filter, but \(by.rawValue) is to decide") }
            if refusal.call?.hasPrefix("@") == true { throw call.refuse("is a group, and one call is wanted") }
        }
        return .refused(refusal)
    }
}
