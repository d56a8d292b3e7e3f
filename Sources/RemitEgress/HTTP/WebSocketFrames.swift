// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Reads the frames of one direction of a WebSocket (RFC 6455 §5.2), piece by piece, however long they are.
struct WebSocketFrames: Sendable {
    /// A piece of the stream.
    enum Piece: Equatable {
        /// Bytes of a message, unmasked.
        case data([UInt8], opcode: UInt8, isMessageEnd: Bool)
        /// A control frame, whole.
        case control([UInt8], opcode: UInt8)
    }

    /// What does not follow the protocol, so that nobody knows what the peer will make of it.
    struct Malformed: Error {}

    private struct Frame: Sendable {
        var opcode: UInt8
        var isFinal: Bool
        var key: [UInt8]
        var left: UInt64
        var offset = 0
    }

    private let isMasked: Bool
    private var frame: Frame?
    /// The opcode of the message that is not over.
    private var message: UInt8?

    /// - Parameter isMasked: whether frames are masked, as a client's must be and a server's must not.
    init(isMasked: Bool) {
        self.isMasked = isMasked
    }

    /// The next piece; nil when more bytes are needed.
    mutating func next(_ buffer: inout ByteBuffer) throws(Malformed) -> Piece? {
        if frame == nil { frame = try header(&buffer) }
        guard var frame else { return nil }
        if frame.opcode >= 8 {
            guard let bytes = buffer.readBytes(length: Int(frame.left)) else { return nil }
            self.frame = nil
            return .control(Self.unmask(bytes, frame), opcode: frame.opcode)
        }
        let count = Int(min(frame.left, UInt64(buffer.readableBytes)))
        guard count > 0 || frame.left == 0, let bytes = buffer.readBytes(length: count) else { return nil }
        let payload = Self.unmask(bytes, frame)
        frame.left -= UInt64(count)
        frame.offset = (frame.offset + count) & 3
        let opcode = message ?? frame.opcode
        let isFrameEnd = frame.left == 0
        let isMessageEnd = isFrameEnd && frame.isFinal
        self.frame = isFrameEnd ? nil : frame
        message = isMessageEnd ? nil : opcode
        return .data(payload, opcode: opcode, isMessageEnd: isMessageEnd)
    }

    private func header(_ buffer: inout ByteBuffer) throws(Malformed) -> Frame? {
        let start = buffer.readerIndex
        guard let first = buffer.getInteger(at: start, as: UInt8.self),
            let second = buffer.getInteger(at: start + 1, as: UInt8.self)
        else { return nil }
        let opcode = first & 0x0F
        // Reserved bits belong to extensions, and none was agreed on.
        guard first & 0x70 == 0, (second & 0x80 != 0) == isMasked, [0, 1, 2, 8, 9, 10].contains(opcode) else {
            throw Malformed()
        }
        let isFinal = first & 0x80 != 0
        let short = second & 0x7F
        var position = start + 2
        var length = UInt64(short)
        if short == 126 {
            guard let long = buffer.getInteger(at: position, as: UInt16.self) else { return nil }
            length = UInt64(long)
            position += 2
            guard length > 125 else { throw Malformed() }
        } else if short == 127 {
            guard let long = buffer.getInteger(at: position, as: UInt64.self) else { return nil }
            length = long
            position += 8
            guard length > 0xFFFF, length >> 63 == 0 else { throw Malformed() }
        }
        if opcode >= 8 {
            guard isFinal, length <= 125 else { throw Malformed() }
        } else {
            // A continuation continues something, and nothing else begins within a message.
            guard (opcode == 0) == (message != nil) else { throw Malformed() }
        }
        var key: [UInt8] = []
        if isMasked {
            guard let bytes = buffer.getBytes(at: position, length: 4) else { return nil }
            key = bytes
            position += 4
        }
        buffer.moveReaderIndex(to: position)
        return Frame(opcode: opcode, isFinal: isFinal, key: key, left: length)
    }

    private static func unmask(_ bytes: [UInt8], _ frame: Frame) -> [UInt8] {
        frame.key.count == 4 ? mask(bytes, frame.key, offset: frame.offset) : bytes
    }

    private static func mask(_ bytes: [UInt8], _ key: [UInt8], offset: Int = 0) -> [UInt8] {
        var masked = bytes
        for index in masked.indices { masked[index] ^= key[(index + offset) & 3] }
        return masked
    }

    /// Writes one frame.
    ///
    /// - Parameter opcode: 0 for all but the first frame of a message.
    static func write(
        _ payload: [UInt8], opcode: UInt8, isFinal: Bool, isMasked: Bool, into buffer: inout ByteBuffer
    ) {
        buffer.writeInteger((isFinal ? 0x80 : 0) | opcode)
        let bit: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ...125: buffer.writeInteger(bit | UInt8(payload.count))
        case ...0xFFFF:
            buffer.writeInteger(bit | 126)
            buffer.writeInteger(UInt16(payload.count))
        default:
            buffer.writeInteger(bit | 127)
            buffer.writeInteger(UInt64(payload.count))
        }
        guard isMasked else {
            buffer.writeBytes(payload)
            return
        }
        let key = (0..<4).map { _ in UInt8.random(in: 0...255) }
        buffer.writeBytes(key)
        buffer.writeBytes(mask(payload, key))
    }
}
