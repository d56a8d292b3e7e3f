// SPDX-License-Identifier: Apache-2.0

/// A text that is parsed, and the way from byte offsets to lines and columns.
public struct SourceText: Sendable {
    /// The text's bytes, always valid UTF-8.
    public let bytes: [UInt8]
    /// What the text is called in diagnostics, such as a path; nil for a text without a name.
    public let name: String?

    /// Takes the text of a string.
    public init(_ text: String, name: String? = nil) {
        bytes = Array(text.utf8)
        self.name = name
    }

    /// Takes `bytes` as they are.
    ///
    /// - Throws: where they aren't UTF-8, with the offset of the first byte that isn't.
    public init(utf8 bytes: [UInt8], name: String? = nil) throws(Diagnostic) {
        self.bytes = bytes
        self.name = name
        if String(validating: bytes, as: UTF8.self) == nil {
            let offset = SourceText.firstInvalid(bytes)
            throw Diagnostic("text isn't valid UTF-8", at: SourceSpan(start: offset, end: offset + 1), in: self)
        }
    }

    /// The text within `span`, cut to what exists.
    public func text(of span: SourceSpan) -> String {
        let start = min(max(span.start, 0), bytes.count)
        let end = min(max(span.end, start), bytes.count)
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// The line and column of a byte offset; one past the end is the end.
    ///
    /// Takes time in proportion to the offset, which only diagnostics and reports spend.
    public func position(of offset: Int) -> SourcePosition {
        var line = 1
        var column = 1
        for byte in bytes[..<min(max(offset, 0), bytes.count)] {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return SourcePosition(line: line, column: column)
    }

    /// The line that holds `offset`, without its end, and the offset at which it begins.
    func line(around offset: Int) -> (text: String, start: Int) {
        let offset = min(max(offset, 0), bytes.count)
        let start = bytes[..<offset].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let end = bytes[offset...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        return (String(decoding: bytes[start..<end], as: UTF8.self), start)
    }

    private static func firstInvalid(_ bytes: [UInt8]) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var offset = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) {
            offset += UTF8.width(scalar)
        }
        return min(offset, bytes.count)
    }
}
