// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import RemitNetwork

/// Reads along in a model's answer what it took, whatever the answer is coded in.
///
/// An answer that cannot be decoded is still counted, by its bytes: see ``UsageReader``.
struct ExchangeUsage {
    /// How much is decoded of one answer before it is taken for a bomb, in bytes.
    private static let most = 64 << 20

    private var reader: UsageReader
    private var decoder: DecoderChain?
    private var left = Self.most

    /// - Parameters:
    ///   - path: of the request, without its query.
    ///   - isDecoded: whether the bytes come decoded, whatever the fields say.
    /// - Returns: nil where the answer is none of a model.
    init?(path: String, head: HTTPResponseHead, isDecoded: Bool) {
        guard let reader = UsageReader(path: path, status: head.status, headers: head.fields) else { return nil }
        self.reader = reader
        guard !isDecoded, let codings = try? ContentCoding.list(head.fields["content-encoding"]), !codings.isEmpty
        else {
            return
        }
        decoder = DecoderChain(codings)
    }

    /// Whether an answer to this path is one of a model, so that its usage has to be readable.
    static func isExpected(path: String) -> Bool { ModelAPI(path: path) != nil }

    /// Takes bytes of the answer.
    mutating func push(_ data: ByteBuffer) {
        let bytes = Array(data.readableBytesView)
        guard let chain = decoder else { return reader.push(bytes) }
        chain.push(bytes)
        while left > 0, let piece = try? chain.next() {
            left -= piece.count
            reader.push(piece)
        }
    }

    /// What the answer took.
    func reading(requestBytes: UInt64) -> UsageReader.Reading { reader.reading(requestBytes: requestBytes) }
}
