// SPDX-License-Identifier: Apache-2.0
// The boundary to zlib.

internal import CZlib

/// Undoes `gzip` (RFC 1952) and `deflate`, of which both kinds are met: with the wrapper of zlib (RFC 1950), and without.
@safe
final class Inflater: ContentDecoder {
    enum Wrapper {
        case gzip
        case deflate
    }

    private let wrapper: Wrapper
    // SAFETY: made in the initialiser, freed in deinit, never handed out; zlib keeps a pointer to it, so it may not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var input: [UInt8] = []
    private var consumed = 0
    private var isStarted = false
    private(set) var isComplete = false

    init(_ wrapper: Wrapper) {
        self.wrapper = wrapper
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
    }

    deinit {
        if isStarted { unsafe inflateEnd(stream) }
        unsafe stream.deallocate()
    }

    func push(_ bytes: [UInt8]) {
        input = consumed < input.count ? Array(input[consumed...]) + bytes : bytes
        consumed = 0
    }

    func next() throws(ScrubError) -> [UInt8]? {
        while consumed < input.count {
            if isComplete, try !startMember() { return nil }
            guard try start() else { return nil }
            let output = try inflatePiece()
            if !output.isEmpty { return output }
        }
        // zlib may hold output whose input was all taken.
        guard isStarted, !isComplete else { return nil }
        let output = try inflatePiece()
        return output.isEmpty ? nil : output
    }

    /// After the end: another member of a gzip file, or something that is ignored.
    private func startMember() throws(ScrubError) -> Bool {
        guard wrapper == .gzip, input[consumed] == 0x1F else {
            consumed = input.count
            return false
        }
        guard unsafe inflateReset(stream) == Z_OK else { throw malformed }
        isComplete = false
        return true
    }

    private func start() throws(ScrubError) -> Bool {
        guard !isStarted else { return true }
        var windowBits: CInt = 15 + 16
        if wrapper == .deflate {
            // Two bytes tell which of the two kinds it is.
            guard input.count >= 2 else { return false }
            let isWrapped = input[0] & 0x0F == 8 && (Int(input[0]) << 8 | Int(input[1])) % 31 == 0
            windowBits = isWrapped ? 15 : -15
        }
        let size = CInt(unsafe MemoryLayout<z_stream>.size)
        guard unsafe inflateInit2_(stream, windowBits, ZLIB_VERSION, size) == Z_OK else { throw malformed }
        isStarted = true
        return true
    }

    private func inflatePiece() throws(ScrubError) -> [UInt8] {
        var status = Z_OK
        let offset = consumed
        let output = unsafe [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { (buffer, count) in
            unsafe input.withUnsafeMutableBufferPointer { source in
                unsafe stream.pointee.next_in = source.baseAddress.map { unsafe $0 + offset }
                unsafe stream.pointee.avail_in = uInt(source.count - offset)
                unsafe stream.pointee.next_out = buffer.baseAddress
                unsafe stream.pointee.avail_out = uInt(buffer.count)
                status = unsafe inflate(stream, Z_NO_FLUSH)
                consumed = unsafe source.count - Int(stream.pointee.avail_in)
                // The input may move before the next call.
                unsafe stream.pointee.next_in = nil
                count = unsafe buffer.count - Int(stream.pointee.avail_out)
            }
        }
        switch status {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END: isComplete = true
        default: throw malformed
        }
        return output
    }

    private var malformed: ScrubError { .malformed(wrapper == .gzip ? .gzip : .deflate) }
}
