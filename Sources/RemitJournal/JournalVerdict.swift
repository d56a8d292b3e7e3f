// SPDX-License-Identifier: Apache-2.0

/// Something wrong with a journal, and where.
package struct JournalProblem: Hashable, Sendable, CustomStringConvertible {
    /// The line, counted from 1.
    package let line: Int
    /// The place in the file, in bytes from its start.
    package let offset: Int
    /// What is wrong there.
    package let reason: String

    package var description: String { "line \(line), byte \(offset): \(reason)" }
}

/// What a journal's last line is, when its writer was cut off in the middle of it.
package struct TornTail: Hashable, Sendable {
    /// The line, counted from 1.
    package let line: Int
    /// Where it starts, in bytes from the start of the file.
    package let offset: Int
    /// How many bytes there are of it.
    package let count: Int
    /// The SHA-256 of these bytes in hexadecimal.
    package let digest: String
}

/// What a look at a whole journal found.
package struct JournalVerdict: Hashable, Sendable, CustomStringConvertible {
    /// The condition of a journal.
    package enum State: Hashable, Sendable {
        /// Finished, signed and complete.
        case sealed
        /// Every record is good, but the end is missing: its session lives, or its supervisor died.
        case unfinished
        /// Every whole record is good, and part of another one follows.
        case tornTail(TornTail)
        /// Not what was written.
        case corrupt
    }

    /// The condition.
    package let state: State
    /// What is wrong, in order of place; empty unless ``state`` is corrupt.
    package let problems: [JournalProblem]
    /// The session whose journal it is; nil when there is no good first record.
    package let session: String?
    /// How many records there are.
    package let count: Int
    /// The hash of the last record; 64 zeros when there is none.
    package let head: String
    /// How many of the records are covered by a signed checkpoint that checks out.
    package let signed: Int

    /// Whether nothing is wrong with the records there are: sealed or unfinished.
    package var isGood: Bool { state == .sealed || state == .unfinished }

    package var description: String {
        switch state {
        case .sealed: "sealed and good: \(count) records"
        case .unfinished: "good but unfinished: \(count) records, \(signed) of them signed"
        case .tornTail(let tail):
            "torn tail at line \(tail.line), byte \(tail.offset): \(tail.count) bytes after the last whole record"
        case .corrupt:
            "corrupt at " + (problems.first?.description ?? "an unknown place")
        }
    }
}
