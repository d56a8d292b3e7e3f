// SPDX-License-Identifier: Apache-2.0

/// How much of a message is held at once, and how long one may take to come. Sizes are bytes, times are milliseconds.
package struct HTTPLimits: Sendable, Equatable {
    /// A head with its start line and the empty line at its end.
    package var head = 64 * 1024
    /// The target in a request's start line.
    package var target = 16 * 1024
    /// Fields in a head.
    package var fields = 200
    /// A trailer with the empty line at its end, and the start line of a chunk.
    package var trailer = 8 * 1024
    package var chunkLine = 512
    /// From the first byte of a head to its last, and for a handshake.
    package var headTime = 15_000
    /// No byte either way, within an exchange.
    package var stallTime = 600_000
    /// No byte of a body that was asked for.
    package var bodyTime = 60_000
    /// Between two exchanges.
    package var idleTime = 300_000

    package init() {}
}
