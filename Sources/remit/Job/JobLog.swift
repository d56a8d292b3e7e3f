// SPDX-License-Identifier: Apache-2.0
// remit run --format github|gitlab|junit, --summary.

internal import ArgumentParser
internal import CLinux
internal import Glibc
internal import RemitKernel
internal import RemitSession

/// What `remit run` shows, and for whom.
enum RunFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json, github, gitlab, junit

    /// The form of a plan; `nil` where it is for a job's log.
    var plan: Format? { Format(rawValue: rawValue) }
    /// Whether it goes into the log that the agent writes to as well.
    var sharesLog: Bool { self == .github || self == .gitlab }
}

/// A session in the log of a CI job.
///
/// The service reads that log line by line and obeys some: with GitHub, what an agent prints could set variables and paths of
/// later steps, or mask and end this one. So before anything of the agent or its task is printed the service is told to
/// obey nothing until it reads a token that nobody else knows, and standard error is made the same stream as standard output,
/// or the token could overtake what it guards.
final class JobLog {
    /// Opened before the agent starts, without following a link: afterwards its path may lead anywhere the agent likes.
    private struct File {
        let path: String
        let descriptor: DescriptorBox
    }

    private let format: RunFormat
    private let report: File?
    private let summary: File?
    private let token: String
    private let began = WallInstant.now
    private var isOpen = false

    /// - Throws: `ExitCode` when the options do not fit together.
    init(_ format: RunFormat, report: String?, summary: String?) throws {
        guard (format == .junit) == (report != nil) else {
            throw Output.fail(
                format == .junit ? "`--format junit` needs `--report FILE`" : "`--report` is for `--format junit`",
                code: 64)
        }
        self.format = format
        let step = CurrentProcess.variable("GITHUB_STEP_SUMMARY")
        let summary = summary ?? (format == .github ? step.flatMap { $0.isEmpty ? nil : $0 } : nil)
        self.report = try report.map { try Self.open($0, O_TRUNC) }
        self.summary = try summary.map { try Self.open($0, O_APPEND) }
        token = Random.identifier(26)
    }

    private static func open(_ path: String, _ mode: CInt) throws -> File {
        do {
            let file = try FileSystem.open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | mode, mode: 0o644)
            return File(path: path, descriptor: DescriptorBox(file))
        } catch {
            throw Output.fail("cannot write `\(path)`: \(error.errno)", code: 64)
        }
    }

    /// What is printed from here on is the agent's, and obeyed by nobody.
    func open(_ command: [String]) {
        isOpen = true
        switch format {
        case .github:
            dup2(1, 2)
            Output.write("::group::\(JobEscaping.commandData(Terminal.printable(heading(command))))\n")
            Output.write("::stop-commands::\(token)\n")
        case .gitlab:
            dup2(1, 2)
            let time = began.nanoseconds / 1_000_000_000
            Output.write("\u{1b}[0Ksection_start:\(time):remit_\(token)[collapsed=false]\r\u{1b}[0K")
            Output.write(JobEscaping.sectionless(Terminal.printable(heading(command))) + "\n")
        case .table, .json, .junit: break
        }
    }

    private func heading(_ command: [String]) -> String {
        "remit run \(command.first.map { String($0.prefix(200)) } ?? "")"
    }

    /// Says how it went, to everybody who is to know.
    func close(_ result: JobResult) {
        guard isOpen else { return }
        isOpen = false
        switch format {
        case .github:
            Output.write("::\(token)::\n::endgroup::\n")
            for finding in result.findings { Output.write(Self.command(finding)) }
        case .gitlab:
            let time = WallInstant.now.nanoseconds / 1_000_000_000
            Output.write("\u{1b}[0Ksection_end:\(time):remit_\(token)\r\u{1b}[0K\n")
            for finding in result.findings { Output.write(Self.line(finding)) }
        case .table, .json, .junit: break
        }
        if let report { write(JobReport.junit(result), to: report) }
        if let summary { write(JobReport.markdown(result), to: summary) }
    }

    private static func command(_ finding: JobResult.Finding) -> String {
        let name =
            switch finding.level {
            case .notice: "notice"
            case .warning: "warning"
            case .error: "error"
            }
        let title = JobEscaping.commandProperty(Terminal.printable(finding.title))
        return "::\(name) title=\(title)::\(JobEscaping.commandData(printableLines(finding.text)))\n"
    }

    private static func line(_ finding: JobResult.Finding) -> String {
        let colour =
            switch finding.level {
            case .notice: "32"
            case .warning: "33"
            case .error: "31"
            }
        let text = JobEscaping.sectionless(printableLines("\(finding.title): \(finding.text)"))
        return "\u{1b}[\(colour)m\(text.replacing("\n", with: "\u{1b}[0m\n\u{1b}[\(colour)m"))\u{1b}[0m\n"
    }

    private static func printableLines(_ text: String) -> String {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
            Terminal.printable(String($0))
        }.joined(separator: "\n")
    }

    private func write(_ text: String, to file: File) {
        do { try FileSystem.writeAll(file.descriptor.number, Array(text.utf8), name: file.path) } catch {
            // The session is over, and its exit code is what counts.
            Output.write("remit: cannot write `\(Terminal.printable(file.path))`: \(error.errno)\n", to: 2)
        }
    }
}
