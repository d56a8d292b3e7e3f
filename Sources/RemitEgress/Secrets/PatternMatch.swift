// SPDX-License-Identifier: Apache-2.0

/// A form of a value, found in a stream.
package struct PatternMatch: Equatable, Sendable {
    /// The index of the value.
    package let value: Int
    /// The form in which it stands there.
    package let form: EncodedForm
    /// Where, in bytes from the start of the stream.
    package let range: Range<Int>
    /// Only what is left of a match behind an earlier one that overlaps it.
    package let isRemainder: Bool
}
