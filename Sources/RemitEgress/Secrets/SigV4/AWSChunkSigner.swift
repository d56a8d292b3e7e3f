// SPDX-License-Identifier: Apache-2.0

/// Verifies the signed chunks of an upload to S3, and signs each again (`STREAMING-AWS4-HMAC-SHA256-PAYLOAD`).
///
/// A chunk's signature stands before it and covers it, so a chunk is held until it is complete. What is written has as
/// many bytes.
struct AWSChunkSigner: Sendable {
    static let payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    static let trailerSuffix = "-TRAILER"
    /// The longest chunk, in bytes; signers make them of 64 KiB to 1 MiB.
    static let longestChunk = 8 << 20

    private static let longestLine = 1_024
    private static let longestTrailer = 16_384
    private static let lineEnd: [UInt8] = [0x0D, 0x0A]

    private enum State {
        case chunk
        case trailer
        case end
    }

    private let keys: SigV4KeyPair
    private let scope: SigV4Signature.Scope
    private let date: String
    private let hasTrailer: Bool
    private var placeholderPrevious: String
    private var realPrevious: String
    private var state = State.chunk
    private var held: [UInt8] = []

    /// The lease of the keys.
    var lease: String { keys.lease }

    init(
        _ keys: SigV4KeyPair, scope: SigV4Signature.Scope, date: String, placeholderSeed: String, realSeed: String,
        hasTrailer: Bool
    ) {
        self.keys = keys
        self.scope = scope
        self.date = date
        self.hasTrailer = hasTrailer
        placeholderPrevious = placeholderSeed
        realPrevious = realSeed
    }

    /// Takes bytes of the body, and returns those of complete chunks, signed again.
    mutating func push(_ bytes: [UInt8]) throws(SigV4Error) -> [UInt8] {
        held += bytes
        var output: [UInt8] = []
        var position = 0
        defer { held.removeFirst(position) }
        while true {
            switch state {
            case .chunk:
                guard let chunk = try readChunk(from: position) else { return output }
                output += try resign(chunk)
                position = chunk.end
                if chunk.data.isEmpty { state = hasTrailer ? .trailer : .end }
            case .trailer:
                guard let end = Self.find([0x0D, 0x0A, 0x0D, 0x0A], in: held[position...]) else {
                    guard held.count - position <= Self.longestTrailer else { throw .chunks }
                    return output
                }
                output += try resignTrailer(held[position..<end])
                position = end + 4
                state = .end
            case .end:
                guard position == held.count else { throw .chunks }
                return output
            }
        }
    }

    /// - Throws: where the last chunk has not come.
    func finish() throws(SigV4Error) {
        guard case .end = state, held.isEmpty else { throw .chunks }
    }

    private struct Chunk {
        let size: ArraySlice<UInt8>
        let signature: String
        let data: ArraySlice<UInt8>
        let end: Int
    }

    private func readChunk(from start: Int) throws(SigV4Error) -> Chunk? {
        let rest = held[start...]
        guard let lineEnd = Self.find(Self.lineEnd, in: rest.prefix(Self.longestLine)) else {
            guard rest.count < Self.longestLine else { throw .chunks }
            return nil
        }
        let line = held[start..<lineEnd]
        let parts = line.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        let name = Array("chunk-signature=".utf8)
        guard parts.count == 2, (1...8).contains(parts[0].count), parts[1].starts(with: name),
            parts[1].count == name.count + 64
        else { throw .chunks }
        var size = 0
        for byte in parts[0] {
            guard let digit = EscapeReader.digit(byte) else { throw .chunks }
            size = size << 4 | Int(digit)
        }
        guard size <= Self.longestChunk else { throw .chunkTooLong(size) }
        let first = lineEnd + 2
        // The last chunk has no line end of its own where a trailer follows.
        let isBeforeTrailer = size == 0 && hasTrailer
        let end = first + size + (isBeforeTrailer ? 0 : 2)
        guard end <= held.count else { return nil }
        guard isBeforeTrailer || held[end - 2..<end].elementsEqual(Self.lineEnd) else { throw .chunks }
        let signature = String(decoding: parts[1].dropFirst(name.count), as: UTF8.self)
        return Chunk(size: parts[0], signature: signature, data: held[first..<first + size], end: end)
    }

    private mutating func resign(_ chunk: Chunk) throws(SigV4Error) -> [UInt8] {
        let digests = [sha256Text([]), sha256Text(Array(chunk.data))]
        let signature = try advance("-PAYLOAD", digests, expecting: chunk.signature)
        var output = Array(chunk.size) + ";chunk-signature=\(signature)\r\n".utf8 + chunk.data
        if !(chunk.data.isEmpty && hasTrailer) { output += Self.lineEnd }
        return output
    }

    private mutating func resignTrailer(_ trailer: ArraySlice<UInt8>) throws(SigV4Error) -> [UInt8] {
        let name = "x-amz-trailer-signature:"
        var lines = String(decoding: trailer, as: UTF8.self).split(separator: "\r\n").map(String.init)
        guard let last = lines.popLast(), last.hasPrefix(name) else { throw .chunks }
        let canonical = lines.map { $0 + "\n" }.joined()
        let given = String(last.dropFirst(name.count).trimmed)
        let signature = try advance("-TRAILER", [sha256Text(Array(canonical.utf8))], expecting: given)
        return Array((lines + [name + signature]).map { $0 + "\r\n" }.joined().utf8) + Self.lineEnd
    }

    /// Signs the next link of both chains.
    private mutating func advance(
        _ kind: String, _ digests: [String], expecting given: String
    ) throws(SigV4Error) -> String {
        func text(_ previous: String) -> String {
            ([SigV4Signature.algorithm + kind, date, scope.text, previous] + digests).joined(separator: "\n")
        }
        let expected = keys.placeholder.sign(text(placeholderPrevious), scope)
        guard expected == given else { throw .chunks }
        placeholderPrevious = expected
        realPrevious = keys.real.sign(text(realPrevious), scope)
        return realPrevious
    }

    private static func find(_ needle: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= needle.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - needle.count)).first { bytes[$0...].starts(with: needle) }
    }
}
