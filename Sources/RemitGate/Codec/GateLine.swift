// SPDX-License-Identifier: Apache-2.0
// Framing: one JSON object a line, of bounded length.

/// Takes the bytes of a stream apart into lines.
package struct GateLineReader: Sendable {
    /// The longest line, in bytes: a configuration with some ten thousand rules fits.
    package static let longest = 4 << 20

    private var buffer: [UInt8] = []
    private var searched = 0
    private let limit: Int

    /// Makes a reader of lines that are at most so long.
    package init(limit: Int = GateLineReader.longest) { self.limit = limit }

    /// Takes bytes as they arrived.
    package mutating func append(_ bytes: some Sequence<UInt8>) { buffer += bytes }

    /// The next whole line without its end; nothing until it is there.
    ///
    /// - Throws: ``GateCodecError/tooLong`` when a line grows too long: the stream is then of no use any more.
    package mutating func next() throws(GateCodecError) -> [UInt8]? {
        guard let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = buffer.count
            guard buffer.count <= limit else { throw .tooLong }
            return nil
        }
        guard end <= limit else { throw .tooLong }
        let line = Array(buffer[..<end])
        buffer.removeSubrange(...end)
        searched = 0
        return line
    }

    /// Whether the stream ended in the middle of a line.
    package var isPartial: Bool { !buffer.isEmpty }
}
