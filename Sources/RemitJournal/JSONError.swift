// SPDX-License-Identifier: Apache-2.0

/// Why some bytes are not the JSON that was expected, and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The place, in bytes from the start of what was read.
    package let offset: Int
    /// What is wrong there.
    package let reason: String

    package var description: String { "byte \(offset): \(reason)" }
}
