// SPDX-License-Identifier: Apache-2.0

/// Removes secrets from one response, as it passes: from its head, its body under any content coding known here, and its
/// trailers. Each is replaced by its placeholder, spelled in the same way and with as many bytes.
///
/// A coded body is delivered decoded: coding it again would cost more and hide nothing, and a client that accepts a coding
/// accepts none (RFC 9110 §12.5.3). The caller pushes what arrives, then pulls until nothing comes, as fast as the client
/// takes it: however much a body expands, one piece of it is in memory.
///
/// What cannot be searched is refused: unknown codings, a part of a coded whole. What no search can find is a secret that the
/// server itself transformed in another way, or gives away in pieces.
package struct ResponseScrubber {
    private let table: ScrubTable
    private var stream: PatternStream
    private var chain: DecoderChain?
    private var pending: [[UInt8]] = []

    package init(_ table: ScrubTable) {
        self.table = table
        stream = PatternStream(table.patterns)
    }

    /// Takes the final head, or an interim one (1xx), and scrubs it.
    ///
    /// - Parameter hasBody: whether one follows: not for HEAD, 1xx, 204 and 304.
    /// - Returns: whether the body's length is no longer known. The fields say nothing of it then, and the caller frames the
    ///   body: chunked in HTTP/1.1.
    /// - Throws: where the body could not be searched; the response is refused.
    package mutating func head(
        status: Int, _ headers: inout HeaderFields, hasBody: Bool
    ) throws(ScrubError) -> Bool {
        guard !table.isEmpty else { return false }
        scrub(&headers)
        guard hasBody else { return false }
        let codings = try ContentCoding.list(headers["content-encoding"])
        guard !codings.isEmpty else { return false }
        guard status != 206, headers["content-range"].isEmpty else { throw .partOfCoded }
        chain = DecoderChain(codings)
        // These were about the coded bytes.
        for name in ["content-encoding", "content-length", "content-md5", "content-digest", "accept-ranges"] {
            headers.remove(name)
        }
        return true
    }

    /// Takes bytes of the body. Then pull with ``next()`` until it gives nothing.
    package mutating func push(_ bytes: [UInt8]) {
        if let chain { chain.push(bytes) } else { pending.append(bytes) }
    }

    /// The next bytes for the client, which may be none; nil when more of the body is needed.
    ///
    /// - Throws: where the body is not what its coding says; nothing more may be delivered.
    package mutating func next() throws(ScrubError) -> [UInt8]? {
        let piece: [UInt8]?
        if let chain {
            piece = try chain.next()
        } else {
            piece = pending.isEmpty ? nil : pending.removeFirst()
        }
        guard let piece else { return nil }
        return stream.push(piece, decide: table.replacement)
    }

    /// The body has ended, and all of it was pulled: returns the rest.
    ///
    /// - Throws: where the body ends within its coding.
    package mutating func finish() throws(ScrubError) -> [UInt8] {
        try chain?.finish()
        return stream.finish(decide: table.replacement)
    }

    /// Takes bytes of the body, and returns what can be delivered: for bodies that are known to be small.
    package mutating func body(_ bytes: [UInt8]) throws(ScrubError) -> [UInt8] {
        push(bytes)
        var output: [UInt8] = []
        while let piece = try next() { output += piece }
        return output
    }

    /// Scrubs trailers, or other fields.
    package func scrub(_ headers: inout HeaderFields) {
        for index in headers.fields.indices {
            headers.fields[index].name = table.scrubbed(headers.fields[index].name)
            headers.fields[index].value = table.scrubbed(headers.fields[index].value)
        }
    }
}
