// SPDX-License-Identifier: Apache-2.0

/// Why a file was refused, and where.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file as named by the caller.
    package let file: String
    /// The line, from 1; 0 when the error is about the file as a whole.
    package let line: Int
    /// The column in Unicode scalars, from 1; 0 when the error is about the file as a whole.
    package let column: Int
    /// What is wrong: lower case, offending text in backticks, safe to print on a terminal.
    package let message: String
    /// What to write instead, where that is known.
    package let hint: String?

    /// Makes an error.
    package init(file: String, line: Int, column: Int, message: String, hint: String? = nil) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
    }

    /// Place and message, such as "task.yaml:3:7: unknown key `wrokspace`: did you mean `workspace`?".
    package var description: String {
        line == 0 ? message : "\(Excerpt.of(file, limit: 4096)):\(line):\(column): \(message)"
    }
}
