// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Puts short writes together until they are flushed, a head with its short body: TLS makes a record of each write, which
/// costs both sides as much as a few thousand bytes do.
struct GatheredWrites {
    /// How much is worth being copied, in bytes.
    private static let limit = 8192

    private var bytes = ByteBuffer()

    /// Encodes a head, which is short.
    mutating func encode(_ encode: (inout ByteBuffer) -> Void) { encode(&bytes) }

    /// Takes bytes in; gives false where there are too many of them: then what was gathered is written first, and they next.
    mutating func gather(_ more: ByteBuffer) -> Bool {
        guard bytes.readableBytes + more.readableBytes <= Self.limit else { return false }
        bytes.writeImmutableBuffer(more)
        return true
    }

    /// What was gathered, if anything; it is to be written now.
    mutating func take() -> ByteBuffer? {
        guard bytes.readableBytes > 0 else { return nil }
        defer { bytes = ByteBuffer() }
        return bytes
    }
}
