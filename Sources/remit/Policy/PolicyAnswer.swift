// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cedar

/// Answers as JSON, and errors as people read them.
enum PolicyAnswer {
    /// `{"decision": "allow", "reason": ["policy0"], "errors": ["policy1"], "messages": ["error while …"]}`
    static func response(_ response: Response) -> JSONValue {
        .object([
            ("decision", .string(response.decision.rawValue)),
            ("reason", .array(response.reasons.map { .string(Array($0.utf8)) })),
            ("errors", .array(response.errors.map { .string(Array($0.policyID.utf8)) })),
            ("messages", .array(response.errors.map { .string("\($0)") })),
        ])
    }

    /// `{"valid": true, "findings": [{"severity": "warning", "rule": …, "policy": …, "message": …, "line": …, …}]}`
    static func findings(_ findings: [Finding]) -> JSONValue {
        .object([
            ("valid", .bool(!findings.contains { $0.severity == .error })),
            ("findings", .array(findings.map(finding))),
        ])
    }

    /// `{"error": "policies.cedar:1:9: expected …"}`
    static func error(_ diagnostic: Diagnostic) -> JSONValue {
        .object([("error", .string("\(diagnostic)"))])
    }

    private static func finding(_ finding: Finding) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("severity", .string(finding.severity.rawValue)), ("rule", .string(finding.rule.rawValue)),
        ]
        if let policy = finding.policy { members.append(("policy", .string(Array(policy.utf8)))) }
        members.append(("message", .string(finding.diagnostic.message)))
        if let hint = finding.diagnostic.hint { members.append(("hint", .string(hint))) }
        if let source = finding.diagnostic.source { members.append(("source", .string(source))) }
        if let position = finding.diagnostic.position {
            members.append(("line", .integer(Int64(position.line))))
            members.append(("column", .integer(Int64(position.column))))
        }
        return .object(members)
    }

    /// Runs what a subcommand does; what cannot be read ends it with the place and the line it is about.
    static func reporting(_ body: (inout PolicyReader) throws -> Void) throws {
        var reader = PolicyReader()
        do { try body(&reader) } catch let diagnostic as Diagnostic {
            guard let source = reader.lastSource, source.name == diagnostic.source else {
                throw Output.fail("\(diagnostic)", hint: diagnostic.hint, code: PolicyExit.malformed)
            }
            for (index, line) in diagnostic.rendered(in: source).split(separator: "\n").enumerated() {
                Output.write((index == 0 ? "error: " : "") + Terminal.printable(String(line)) + "\n", to: 2)
            }
            throw ExitCode(PolicyExit.malformed)
        }
    }

    static func write(_ value: JSONValue) {
        Output.write(JSONWriter.text(value, style: .indented) + "\n")
    }
}
