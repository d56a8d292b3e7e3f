// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Takes a body out of an HTTP/1 connection's bytes.
struct HTTPBodyDecoder: Sendable {
    /// What was found.
    enum Part: Equatable {
        /// Bytes of the body, one or more.
        case data(ByteBuffer)
        /// The end, with the trailer's fields.
        case end(HeaderFields)
    }

    private enum State: Sendable {
        case length(UInt64)
        case untilClose
        case chunkLine
        case chunk(UInt64)
        case chunkEnd
        case trailer(HeadScanner)
        case ended
    }

    private var state: State
    private let limits: HTTPLimits
    private let allowsExtensions: Bool

    /// - Parameter allowsExtensions: whether a chunk's start line may carry more than its size; what it carries is
    ///   dropped. Nobody's client sends that, some servers do.
    init(_ framing: HTTPBodyFraming, limits: HTTPLimits, allowsExtensions: Bool) {
        self.limits = limits
        self.allowsExtensions = allowsExtensions
        switch framing {
        case .none: state = .ended
        case .length(let length): state = .length(length)
        case .chunked: state = .chunkLine
        case .untilClose: state = .untilClose
        }
    }

    /// Whether the end of the connection is the end of the body.
    var endsWithConnection: Bool {
        if case .untilClose = state { true } else { false }
    }

    /// The next part; nil when more bytes are needed. After ``Part/end(_:)`` it is not asked again.
    ///
    /// - Throws: ``FramingError/malformedChunk`` and ``FramingError/malformedTrailer``, also when they are too long.
    mutating func next(_ buffer: inout ByteBuffer) throws(FramingError) -> Part? {
        while true {
            switch state {
            case .length(let left):
                guard let data = take(left, from: &buffer) else { return nil }
                let rest = left - UInt64(data.readableBytes)
                state = rest == 0 ? .ended : .length(rest)
                return .data(data)
            case .untilClose:
                guard let data = take(.max, from: &buffer) else { return nil }
                return .data(data)
            case .chunkLine:
                guard let (size, count) = try chunkSize(buffer.readableBytesUInt8Span) else { return nil }
                buffer.moveReaderIndex(forwardBy: count)
                state = size == 0 ? .trailer(HeadScanner(limit: limits.trailer)) : .chunk(size)
            case .chunk(let left):
                guard let data = take(left, from: &buffer) else { return nil }
                let rest = left - UInt64(data.readableBytes)
                state = rest == 0 ? .chunkEnd : .chunk(rest)
                return .data(data)
            case .chunkEnd:
                guard let end = buffer.getBytes(at: buffer.readerIndex, length: 2) else {
                    guard buffer.readableBytes == 0 || buffer.readableBytesView.first == 0x0D else {
                        throw .malformedChunk
                    }
                    return nil
                }
                guard end == [0x0D, 0x0A] else { throw .malformedChunk }
                buffer.moveReaderIndex(forwardBy: 2)
                state = .chunkLine
            case .trailer(var scanner):
                guard let bytes = try Self.trailer(&scanner, &buffer) else {
                    state = .trailer(scanner)
                    return nil
                }
                state = .ended
                return .end(try trailerFields(bytes))
            case .ended:
                return .end(HeaderFields([]))
            }
        }
    }

    private func take(_ most: UInt64, from buffer: inout ByteBuffer) -> ByteBuffer? {
        let count = Int(min(most, UInt64(buffer.readableBytes)))
        return count == 0 ? nil : buffer.readSlice(length: count)
    }

    /// The size on a chunk's start line, hexadecimal digits as many as a length may have; and the bytes of the line.
    private func chunkSize(_ bytes: Span<UInt8>) throws(FramingError) -> (UInt64, Int)? {
        var size: UInt64 = 0
        var digits = 0
        var isExtension = false
        for position in 0..<min(bytes.count, limits.chunkLine) {
            let byte = bytes[position]
            if byte == 0x0D {
                guard digits > 0 else { throw .malformedChunk }
                guard position + 1 < bytes.count else { return nil }
                guard bytes[position + 1] == 0x0A else { throw .malformedChunk }
                return (size, position + 2)
            } else if !isExtension, let digit = byte.hexadecimalValue {
                // Fifteen digits are below 2^60: the sum cannot overflow, and no body is that long.
                guard digits < 15 else { throw .malformedChunk }
                size = size << 4 | UInt64(digit)
                digits += 1
            } else {
                guard allowsExtensions, digits > 0, byte.isValueCharacter,
                    isExtension || byte.isBlank || byte == UInt8(ascii: ";")
                else { throw .malformedChunk }
                isExtension = true
            }
        }
        guard bytes.count < limits.chunkLine else { throw .malformedChunk }
        return nil
    }

    private static func trailer(
        _ scanner: inout HeadScanner, _ buffer: inout ByteBuffer
    ) throws(FramingError) -> [UInt8]? {
        do { return try scanner.next(&buffer) } catch { throw .malformedTrailer }
    }

    private func trailerFields(_ bytes: [UInt8]) throws(FramingError) -> HeaderFields {
        var lines = HeadLines(bytes)
        let fields: HeaderFields
        do { fields = try lines.fields(limit: limits.fields) } catch { throw .malformedTrailer }
        // What frames or routes a message belongs in its head (RFC 9110 §6.5.1).
        let forbidden = ["content-length", "transfer-encoding", "host", "connection", "trailer", "te", "upgrade"]
        guard !forbidden.contains(where: fields.contains) else { throw .malformedTrailer }
        return fields
    }
}

extension UInt8 {
    /// What the hexadecimal digit stands for.
    var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
