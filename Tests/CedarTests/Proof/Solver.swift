// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// An SMT solver of the host.
struct Solver: Sendable, CustomTestStringConvertible {
    let path: String
    let arguments: [String]

    var testDescription: String { path }

    /// The solvers that there are.
    static let installed: [Solver] = [
        Solver(path: "/usr/bin/z3", arguments: ["-in"]),
        Solver(path: "/usr/bin/cvc5", arguments: ["--lang=smt2", "-"]),
    ].filter { FileManager.default.isExecutableFile(atPath: $0.path) }

    /// Whether there are any, and what to say where there aren't.
    static var condition: ConditionTrait { .enabled("neither z3 nor cvc5 is installed") { !installed.isEmpty } }

    /// What the solver writes when it is given a script.
    func run(_ script: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["--signal=KILL", "20", path] + arguments
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        // The script may be larger than a pipe holds, and the solver may write before it has read all of it.
        let writer = Thread {
            try? input.fileHandleForWriting.write(contentsOf: Data(script.utf8))
            try? input.fileHandleForWriting.close()
        }
        writer.start()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
