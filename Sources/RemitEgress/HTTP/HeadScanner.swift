// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Finds the end of a head, or of a trailer, looking at each byte once however slowly they come.
///
/// Lines end with carriage return and line feed, and neither may stand alone: a reader that takes a bare one for the end
/// of a line sees another message than one that does not.
struct HeadScanner: Sendable {
    private let limit: Int
    private var position = 0
    private var lineStart = 0
    private var endsWithReturn = false
    private var isFirstLine = true

    init(limit: Int) {
        self.limit = limit
    }

    /// The bytes up to and including the empty line, once they are all there.
    ///
    /// - Throws: ``FramingError/bareLineFeed``, ``FramingError/bareCarriageReturn``, ``FramingError/nul``; and
    ///   ``FramingError/headTooLarge`` or ``FramingError/targetTooLong`` when the limit is reached before the end.
    mutating func next(_ buffer: inout ByteBuffer) throws(FramingError) -> [UInt8]? {
        guard let end = try scan(buffer.readableBytesUInt8Span) else { return nil }
        self = HeadScanner(limit: limit)
        return buffer.readBytes(length: end)
    }

    /// Looks at the bytes that are new; the number of bytes up to the end, once it is there.
    private mutating func scan(_ bytes: Span<UInt8>) throws(FramingError) -> Int? {
        while position < bytes.count {
            guard position < limit else { throw isFirstLine ? .targetTooLong : .headTooLarge }
            let byte = bytes[position]
            position += 1
            if endsWithReturn {
                guard byte == 0x0A else { throw .bareCarriageReturn }
                endsWithReturn = false
                if position - lineStart == 2 { return position }
                isFirstLine = false
                lineStart = position
            } else if byte == 0x0D {
                endsWithReturn = true
            } else if byte == 0x0A {
                throw .bareLineFeed
            } else if byte == 0 {
                throw .nul
            }
        }
        return nil
    }

    /// Whether a part of a head was seen.
    var hasBegun: Bool { position > 0 }
}

/// A head taken apart into its lines.
struct HeadLines {
    private let bytes: [UInt8]
    private var position = 0

    /// Takes what ``HeadScanner`` found.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next line without its end; nil at the empty one.
    mutating func next() -> ArraySlice<UInt8>? {
        guard let end = bytes[position...].firstIndex(of: 0x0D), end > position else { return nil }
        defer { position = end + 2 }
        return bytes[position..<end]
    }

    /// The fields on the lines that are left.
    ///
    /// - Throws: ``FramingError`` for a line that is not a field in its one spelling.
    mutating func fields(limit: Int) throws(FramingError) -> HeaderFields {
        var fields = HeaderFields([])
        while let line = next() {
            guard fields.fields.count < limit else { throw .tooManyFields }
            fields.fields.append(try Self.field(line))
        }
        return fields
    }

    private static func field(_ line: ArraySlice<UInt8>) throws(FramingError) -> HeaderFields.Field {
        guard let first = line.first, !first.isBlank else { throw .foldedField }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(\.isTokenCharacter)
        else { throw .malformedField }
        let value = line[(colon + 1)...].trimmedOfBlanks
        guard value.allSatisfy(\.isValueCharacter) else { throw .malformedField }
        let name = String(decoding: line[..<colon], as: UTF8.self)
        guard !name.isLookalikeFieldName else { throw .lookalikeField }
        return HeaderFields.Field(name, String(decoding: value, as: UTF8.self))
    }
}

extension String {
    /// A name that gateways which make variables of fields confuse with one that frames the message.
    var isLookalikeFieldName: Bool {
        guard utf8.contains(UInt8(ascii: "_")) else { return false }
        let name = String(decoding: utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }, as: UTF8.self)
        return ["content-length", "transfer-encoding", "host", "connection"].contains { name.isSameFieldName(as: $0) }
    }
}
