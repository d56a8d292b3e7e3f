// SPDX-License-Identifier: Apache-2.0

/// Undoes one content coding (RFC 9110 §8.4.1) piece by piece, so that what a small input expands to is never in memory
/// at once: the caller pushes input, then pulls until there is nothing more.
protocol ContentDecoder: AnyObject {
    /// Takes coded bytes. The decoder has none left from before.
    func push(_ bytes: [UInt8])

    /// The next decoded bytes, at most ``pieceSize``; nil when more input is needed.
    ///
    /// - Throws: where the input is not of this coding.
    func next() throws(ScrubError) -> [UInt8]?

    /// Whether the coded stream has reached its end.
    var isComplete: Bool { get }
}

extension ContentDecoder {
    /// The most bytes that one pull gives.
    static var pieceSize: Int { 32_768 }
}

/// A content coding that can be undone here.
package enum ContentCoding: String, CaseIterable, Sendable {
    case gzip
    case deflate
    case brotli = "br"

    /// How many codings one message may have on top of each other.
    static let deepest = 4

    /// The codings that a `Content-Encoding` field lists, in the order in which they were applied.
    ///
    /// - Throws: for an unknown coding, and for too many.
    static func list(_ fields: [String]) throws(ScrubError) -> [ContentCoding] {
        var codings: [ContentCoding] = []
        for name in fields.flatMap({ $0.split(separator: ",") }) {
            let name = name.trimmed.lowercased()
            if name.isEmpty || name == "identity" { continue }
            guard let coding = ContentCoding(rawValue: name == "x-gzip" ? "gzip" : name) else {
                throw .unknownCoding(String(name.prefix(32)))
            }
            codings.append(coding)
        }
        guard codings.count <= deepest else { throw .tooManyCodings(codings.count) }
        return codings
    }

    var decoder: any ContentDecoder {
        switch self {
        case .gzip: Inflater(.gzip)
        case .deflate: Inflater(.deflate)
        case .brotli: BrotliDecoder()
        }
    }
}
