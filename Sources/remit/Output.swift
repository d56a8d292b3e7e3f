// SPDX-License-Identifier: Apache-2.0
// The one renderer for everything shown, and the one way to fail.

internal import ArgumentParser
internal import CLinux
internal import Glibc
internal import RemitJournal
internal import RemitKernel
internal import RemitSession
internal import RemitTask

/// How a list or a record is shown.
enum Format: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

struct FormatOption: ParsableArguments {
    @Option(help: "How to show it: table or json.")
    var format: Format = .table
}

/// A table of texts; every cell is printed without control characters.
struct Table {
    /// A longer cell moves what follows in its own row only: an agent may choose paths of thousands of characters, and
    /// must not push the last column of every row out of sight.
    private static let widest = 100

    let columns: [String]
    var rows: [[String]] = []

    func render() -> String {
        let all = [columns] + rows.map { $0.map(Terminal.printable) }
        let widths = columns.indices.map { column in min(all.map { $0[column].count }.max() ?? 0, Self.widest) }
        return all.map { row in
            var line = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count))
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

enum Terminal {
    /// The text without what a terminal would obey, and without what makes people read something else than is there.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { CharacterRule.isHidden($0) ? "\u{FFFD}" : $0 }))
    }
}

enum Output {
    static func write(_ text: String, to descriptor: CInt = 1) {
        // A reader that went away is no error.
        try? FileSystem.writeAll(descriptor, Array(text.utf8), name: "output")
    }

    static func json(_ value: JSONValue) { write(value.canonicalText + "\n") }

    static func table(_ table: Table) { write(table.render()) }

    /// Says what went wrong and leaves with `code`.
    static func fail(_ message: String, hint: String? = nil, code: CInt) -> ExitCode {
        write("error: \(Terminal.printable(message))\n", to: 2)
        if let hint {
            let lines = hint.split(separator: "\n", omittingEmptySubsequences: false).map {
                Terminal.printable(String($0))
            }
            write("hint: " + lines.joined(separator: "\n      ") + "\n", to: 2)
        }
        return ExitCode(code)
    }

    static func fail(_ error: SessionError) -> ExitCode {
        fail(error.description, hint: error.hint, code: error.exitCode)
    }
}
