// SPDX-License-Identifier: Apache-2.0

/// A place in a file.
package struct Position: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The line, from 1.
    package let line: Int
    /// The column in Unicode scalars, from 1.
    package let column: Int

    /// Makes a position.
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// `3:7`
    package var description: String { "\(line):\(column)" }

    /// In reading order.
    package static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
