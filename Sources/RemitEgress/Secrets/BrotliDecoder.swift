// SPDX-License-Identifier: Apache-2.0
// The boundary to brotli.

internal import CBrotli

/// Undoes `br` (RFC 7932). Its window takes up to 16 MiB; the larger one of a later draft is refused by the library.
@safe
final class BrotliDecoder: ContentDecoder {
    // SAFETY: made in the initialiser, destroyed in deinit, never handed out.
    private let state: OpaquePointer?
    private var input: [UInt8] = []
    private var consumed = 0
    private(set) var isComplete = false

    init() {
        unsafe state = BrotliDecoderCreateInstance(nil, nil, nil)
    }

    deinit {
        unsafe BrotliDecoderDestroyInstance(state)
    }

    func push(_ bytes: [UInt8]) {
        input = consumed < input.count ? Array(input[consumed...]) + bytes : bytes
        consumed = 0
    }

    func next() throws(ScrubError) -> [UInt8]? {
        guard let state = unsafe state else { throw .malformed(.brotli) }
        // What follows the end is ignored.
        guard !isComplete else { return nil }
        var status = BROTLI_DECODER_RESULT_ERROR
        let offset = consumed
        let output = unsafe [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { buffer, count in
            unsafe input.withUnsafeBufferPointer { source in
                var remaining = source.count - offset
                var next = unsafe source.baseAddress.map { unsafe $0 + offset }
                var room = buffer.count
                var target = buffer.baseAddress
                status = unsafe BrotliDecoderDecompressStream(state, &remaining, &next, &room, &target, nil)
                consumed = source.count - remaining
                count = buffer.count - room
            }
        }
        switch status {
        case BROTLI_DECODER_RESULT_SUCCESS: isComplete = true
        case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT, BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: break
        default: throw .malformed(.brotli)
        }
        return output.isEmpty ? nil : output
    }
}
