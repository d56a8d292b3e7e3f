// SPDX-License-Identifier: Apache-2.0
// Everything a test may touch, in one directory of its own: no test sees the state, the configuration or the home of
// whoever runs the tests, or of another test.

internal import Foundation
internal import Glibc

/// An installation of remit with nothing in it, a workspace, and a home with a secret.
package final class Playground {
    /// The directory that holds all of it.
    package let base: String
    /// A number nobody else uses, to recognise processes by; fit for `sleep`.
    package let marker: String
    /// What no agent may ever see.
    package let canary: String
    /// What is started as `remit`: the binary under test, or a copy of it among other programs than it came with.
    package var program = Playground.binary
    /// The environment of every command, complete.
    package var environment: [String: String]

    package var state: String { base + "/state" }
    package var runtime: String { base + "/run" }
    package var configurationFile: String { base + "/config/config.yaml" }
    package var home: String { base + "/home" }
    package var workspace: String { base + "/work" }
    package var scratch: String { base + "/scratch" }

    private var count = 0

    /// - Throws: ``TestingError`` when the directory cannot be made.
    package init() throws {
        // A socket's path has 107 bytes at most, so this stays short.
        var template = Array("/tmp/rmt.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw TestingError("mkdtemp: \(errorText(errno))") }
        base = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        marker = "4\(UInt32.random(in: 10_000_000...99_999_999))\(getpid())"
        canary = "canary-\(UUID().uuidString.lowercased())"
        environment = [:]
        for directory in [state, runtime, base + "/config/profiles", home + "/.ssh", workspace, scratch] {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        }
        environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "REMIT_STATE_DIR": state,
            "REMIT_RUNTIME_DIR": runtime, "REMIT_CONFIG": configurationFile, "REMIT_CONFIG_DIR": base + "/config",
            "TERM": "dumb", "CANARY": canary,
            "REMIT_TEST_PATIENCE": "\(patience)",
        ]
        try write("apiVersion: remit/v1\nkind: Configuration\n", to: configurationFile)
        try write(canary + "\n", to: home + "/.ssh/id_ed25519")
        try write(canary + "\n", to: base + "/secret.txt")
    }

    /// Kills what is left of the test, and removes its directory.
    package func tearDown() {
        // A guard that still reaps names its session only.
        ProcessTable.kill(marked: [marker, base] + sessions)
        if (try? FileManager.default.removeItem(atPath: base)) != nil { return }
        // An agent may have left directories nobody can enter, or trees too deep to name.
        for (program, arguments) in [("/bin/chmod", ["-R", "u+rwx", base]), ("/bin/rm", ["-rf", "--", base])] {
            _ = (try? Program(program, arguments).start())?.wait(within: .seconds(20))
        }
    }

    // MARK: files

    /// Writes a file, making its directory where it is missing.
    package func write(_ text: String, to path: String) throws {
        try write(Array(text.utf8), to: path)
    }

    /// Writes a file, making its directory where it is missing.
    package func write(_ bytes: [UInt8], to path: String) throws {
        let url = URL(filePath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    /// A path in the scratch directory that was not used before.
    package func freshPath(_ name: String) -> String {
        count += 1
        return "\(scratch)/\(count)-\(name)"
    }

    /// The operator's configuration, without its first two lines.
    package func configure(_ text: String) throws {
        try write("apiVersion: remit/v1\nkind: Configuration\n" + text, to: configurationFile)
    }

    /// A task file, without its first two lines.
    ///
    /// - Returns: its path.
    package func task(_ text: String, name: String = "task.yaml") throws -> String {
        let path = freshPath(name)
        try write("apiVersion: remit/v1\nkind: Task\n" + text, to: path)
        return path
    }

    /// What remains on disk of a session.
    package func sessionDirectory(_ session: String) -> String { "\(state)/sessions/\(session)" }

    /// The ids of every session that has a directory.
    package var sessions: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: state + "/sessions")) ?? []).sorted()
    }

    // MARK: commands

    /// The binary under test.
    package static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["REMIT_BINARY"], !path.isEmpty { return path }
        return packageRoot + "/.build/release/remit"
    }()

    /// Where Package.swift is.
    package static let packageRoot: String = {
        if let root = ProcessInfo.processInfo.environment["REMIT_PACKAGE_ROOT"], !root.isEmpty { return root }
        var url = URL(filePath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url.path
    }()

    /// Whether the binary is there.
    package static var hasBinary: Bool { FileManager.default.isExecutableFile(atPath: binary) }

    /// Starts `remit` with these arguments.
    package func start(
        _ arguments: [String], input: Program.Stream = .nothing, output: Program.Stream? = nil,
        errors: Program.Stream? = nil, status: Bool = true
    ) throws -> RunningCommand {
        var program = Program(self.program, arguments, environment: environment)
        let files = CommandFiles(
            output: freshPath("stdout"), errors: freshPath("stderr"), status: freshPath("status")
        )
        program.streams = [0: input, 1: output ?? .write(files.output), 2: errors ?? .write(files.errors)]
        if status { program.streams[3] = .write(files.status) }
        return RunningCommand(process: try program.start(), files: files, marker: marker)
    }

    /// Runs `remit` with these arguments to its end.
    package func remit(
        _ arguments: String..., input: Program.Stream = .nothing, within limit: Duration = .seconds(15)
    ) throws -> CommandResult {
        try remit(arguments, input: input, within: limit)
    }

    /// Runs `remit` with these arguments to its end; what takes longer than `limit` is killed, and says so.
    package func remit(
        _ arguments: [String], input: Program.Stream = .nothing, within limit: Duration = .seconds(15)
    ) throws -> CommandResult {
        try start(arguments, input: input).finish(within: limit)
    }

    /// Runs a shell command line to its end, with `remit` as `$REMIT`.
    package func shell(_ line: String, within limit: Duration = .seconds(15)) throws -> CommandResult {
        var program = Program("/bin/sh", ["-c", line], environment: environment)
        program.environment["REMIT"] = self.program
        let files = CommandFiles(
            output: freshPath("stdout"), errors: freshPath("stderr"), status: freshPath("status")
        )
        program.streams = [0: .nothing, 1: .write(files.output), 2: .write(files.errors)]
        return RunningCommand(process: try program.start(), files: files, marker: marker).finish(within: limit)
    }

    /// The processes that carry the marker and are not remit's own.
    package var agents: [ProcessTable.Entry] { ProcessTable.agents(marked: marker, binary: Self.binary) }
}
