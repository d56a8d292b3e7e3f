// SPDX-License-Identifier: Apache-2.0

/// Reads along in a compressed body of a request. One coding is undone; what is compressed twice, in an unknown way or
/// wrongly is not read: an agent that hides its placeholder well has hidden what is worth nothing.
struct CodedBody {
    private var decoder: (any ContentDecoder)?
    /// How much is read before the body is taken for a bomb.
    private var left = 64 << 20

    init(_ codings: [ContentCoding]?) {
        if let codings, codings.count == 1 { decoder = codings[0].decoder }
    }

    /// Shows the next decoded pieces, one after the other, until one is too much.
    mutating func read(_ bytes: [UInt8], _ goesOn: ([UInt8]) -> Bool) {
        decoder?.push(bytes)
        while let piece = try? decoder?.next() {
            left -= piece.count
            if left < 0 { decoder = nil }
            guard goesOn(piece) else { return }
        }
    }
}
