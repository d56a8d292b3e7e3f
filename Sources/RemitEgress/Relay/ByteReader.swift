// SPDX-License-Identifier: Apache-2.0

/// Reads big-endian fields from bytes that a peer chose: what is not there is nothing, never a trap.
package struct ByteReader {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }
    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// How many bytes are left.
    package var count: Int { rest.count }

    package var isAtEnd: Bool { rest.isEmpty }

    /// The next byte.
    package mutating func byte() -> UInt8? { rest.popFirst() }

    /// The next two bytes as a number.
    package mutating func number16() -> UInt16? {
        number(bytes: 2).map { UInt16(truncatingIfNeeded: $0) }
    }

    /// The next three bytes as a number.
    package mutating func number24() -> Int? { number(bytes: 3) }

    /// The next `count` bytes.
    package mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// The bytes that a length of one byte announces.
    package mutating func vector8() -> ArraySlice<UInt8>? { byte().flatMap { take(Int($0)) } }

    /// The bytes that a length of two bytes announces.
    package mutating func vector16() -> ArraySlice<UInt8>? { number16().flatMap { take(Int($0)) } }

    private mutating func number(bytes: Int) -> Int? {
        take(bytes).map { $0.reduce(0) { $0 << 8 | Int($1) } }
    }
}
