// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting

/// A file of Tests/CLITests/Resources, as text.
func resource(_ name: String) throws -> String {
    try String(contentsOf: Bundle.module.bundleURL.appending(path: "Resources/\(name)"), encoding: .utf8)
}

/// The path of a file of Tests/CLITests/Resources.
func resourcePath(_ name: String) -> String { Bundle.module.bundleURL.appending(path: "Resources/\(name)").path }

/// A credential's minute on a machine of the usual speed (``patience``): five at most, no provider's here live longer.
let minute = "\(min(patience, 5))m"

/// As many rounds of a race as are run here of so many: a part where REMIT_TEST_ROUNDS says so, two at least.
func rounds(_ usual: Int) -> Int {
    let part = ProcessInfo.processInfo.environment["REMIT_TEST_ROUNDS"].flatMap { Double($0) } ?? 1
    return max(2, Int(Double(usual) * part))
}

/// Whether the tests run as root.
let isRoot = geteuid() == 0

/// Text as a YAML double-quoted scalar.
func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
}

/// A list of strings in YAML's flow style.
func flow(_ texts: [String]) -> String { "[" + texts.map(quoted).joined(separator: ", ") + "]" }

/// Says what a test has measured, for the table of what ran where: scripts/test finds it in the log.
func figure(_ name: String, _ value: JSON? = nil) {
    let members = (value?.members ?? [:]).sorted { $0.key < $1.key }.compactMap { name, value in
        value.integer.map { "\(name) \($0)" }
    }
    print("figure: \(name)\(members.isEmpty ? "" : ": ")\(members.joined(separator: ", "))")
}

extension Playground {
    /// A task that is bounded in every aspect and runs `script` with sh(1).
    func boundedTask(_ script: String, credentials: String = "", more: String = "") throws -> String {
        try task(
            """
            name: fix-orders
            intent: Fix the rounding error in orders.py and write the totals to report.json
            owner: alice@example.com
            deadline: \(30 * patience)s
            workspace: {path: \(quoted(workspace)), mode: write}
            command: \(flow(["sh", "-c", script]))
            \(credentials)
            \(more.isEmpty ? "outcome: {artifacts: [report.json]}" : more)

            """
        )
    }

    /// Reaps what supervisors left: the first command that finishes it, or the last that did not.
    ///
    /// One does natively. A provider has ten seconds for it, and what a start reaps has three: a machine that is slower
    /// (``patience``) than that comes to its end in several.
    func reap() throws -> CommandResult {
        var result = try remit(["reap"], within: .seconds(30))
        for _ in 1..<patience where result.exit != 0 { result = try remit(["reap"], within: .seconds(30)) }
        return result
    }

    /// What `remit inspect` says of a session.
    func inspect(_ session: String) throws -> JSON { try remit("inspect", session, "--format", "json").json() }

    /// The predicate of a session's receipt.
    func receipt(_ session: String) throws -> JSON {
        try remit("receipt", "show", session, "--format", "json").json()["predicate"]
    }

    /// The session's line of `remit ps -a`.
    func listed(_ session: String) throws -> JSON {
        let list = try remit("ps", "-a", "--format", "json").json().list ?? []
        return list.first { $0["session"].text == session } ?? .null
    }
}
