// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// Where a command's output goes.
package struct CommandFiles: Sendable {
    package let output: String
    package let errors: String
    package let status: String
}

/// How a command ended, and what it wrote.
package struct CommandResult: Sendable, CustomStringConvertible {
    /// Nil when it had to be killed for taking too long.
    package let termination: Termination?
    package let output: [UInt8]
    package let errors: String
    package let events: [JSON]
    package let elapsed: Duration

    /// The exit status; nil when it was killed by a signal, or took too long.
    package var exit: Int32? { if case .exited(let status)? = termination { status } else { nil } }
    package var text: String { String(decoding: output, as: UTF8.self) }
    package var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
    /// The session that `--status-fd 3` named.
    package var session: String? { events.first { $0["event"].text == "admitted" }?["session"].text }

    /// Standard output as JSON.
    ///
    /// - Throws: ``TestingError`` when it is not.
    package func json() throws -> JSON { try JSON.parse(output) }

    package var description: String {
        let end = termination?.description ?? "took too long"
        return "\(end) after \(elapsed); stdout \(text.prefix(1500)); stderr \(errors.prefix(1500))"
    }
}

/// A command that runs in the background.
package final class RunningCommand {
    private let process: ChildProcess
    private let files: CommandFiles
    private let marker: String
    private let began = ContinuousClock.now

    init(process: ChildProcess, files: CommandFiles, marker: String) {
        self.process = process
        self.files = files
        self.marker = marker
    }

    package var pid: Int32 { process.pid }

    /// Sends a signal, unless it has ended.
    package func signal(_ number: Int32) { process.signal(number) }

    /// What it wrote to standard output so far.
    package var output: [UInt8] { Array(FileManager.default.contents(atPath: files.output) ?? Data()) }
    /// What it wrote to standard error so far.
    package var errors: String {
        String(decoding: FileManager.default.contents(atPath: files.errors) ?? Data(), as: UTF8.self)
    }

    /// What it wrote to `--status-fd 3` so far; a line that is not JSON, or not whole, is left out.
    package var events: [JSON] {
        let text = String(decoding: FileManager.default.contents(atPath: files.status) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").compactMap { try? JSON.parse(Array($0.utf8)) }
    }

    /// Waits until `--status-fd 3` tells of an event.
    ///
    /// - Throws: ``TestingError`` when the command ends or the time is over first.
    @discardableResult
    package func waitForEvent(_ name: String, within limit: Duration = .seconds(10)) throws -> JSON {
        var found: JSON?
        var ended = false
        _ = eventually(within: limit) {
            // Looked at in this order, so that an event just before the end is not missed.
            ended = process.wait(within: .zero) != nil
            found = events.first { $0["event"].text == name }
            return found != nil || ended
        }
        guard let found else {
            throw TestingError(
                "no event `\(name)`\(ended ? " before the end" : ""); events \(events); stderr \(errors)")
        }
        return found
    }

    /// Waits until standard output contains a text.
    ///
    /// - Throws: ``TestingError`` when the command ends or the time is over first.
    package func waitForOutput(_ text: String, within limit: Duration = .seconds(10)) throws {
        var ended = false
        var found = false
        _ = eventually(within: limit) {
            ended = process.wait(within: .zero) != nil
            found = String(decoding: output, as: UTF8.self).contains(text)
            return found || ended
        }
        if !found {
            let seen = String(decoding: output.suffix(500), as: UTF8.self)
            throw TestingError(
                "`\(text)` was not printed\(ended ? " before the end" : ""): `\(seen)`; stderr \(errors)")
        }
    }

    /// The session's id.
    ///
    /// - Throws: ``TestingError`` when no session was admitted in time.
    package func session() throws -> String {
        guard let id = try waitForEvent("admitted")["session"].text else {
            throw TestingError("the event `admitted` names no session")
        }
        return id
    }

    /// Waits for the end; kills what takes too long.
    package func finish(within limit: Duration = .seconds(15)) -> CommandResult {
        let termination = process.wait(within: limit)
        let elapsed = began.duration(to: .now)
        if termination == nil {
            process.signal(SIGKILL)
            _ = process.wait(within: .seconds(5))
            ProcessTable.kill(marked: [marker])
        }
        return CommandResult(
            termination: termination, output: output, errors: errors, events: events, elapsed: elapsed
        )
    }
}
