// SPDX-License-Identifier: Apache-2.0
// Checks on the bytes of a file before any parser sees them.

/// The text of a file, known to be small, UTF-8, and free of characters that hide or reverse what it says.
struct SourceText {
    /// Larger files are refused: nobody reads a task of a mebibyte before approving it.
    static let largestSize = 1 << 20

    let bytes: [UInt8]

    /// Checks the bytes of a file.
    ///
    /// - Throws: `FileError` at the first character that may not be there.
    init(_ bytes: [UInt8], file: String) throws(FileError) {
        guard bytes.count <= Self.largestSize else {
            throw FileError(file: file, line: 1, column: 1, message: "file has more than \(Self.largestSize) bytes")
        }
        if let (position, message, hint) = Self.firstProblem(bytes) {
            throw FileError(file: file, line: position.line, column: position.column, message: message, hint: hint)
        }
        self.bytes = bytes
    }

    private static func firstProblem(_ bytes: [UInt8]) -> (Position, String, String?)? {
        // Nearly every file is ASCII, and every launch reads two profiles: only what is not is decoded.
        if bytes.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0A || $0 == 0x09 }) { return nil }
        var (line, column) = (1, 1)
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while true {
            let position = Position(line: line, column: column)
            switch decoder.decode(&iterator) {
            case .emptyInput:
                return nil
            case .error:
                return (position, "file is not UTF-8", nil)
            case .scalarValue("\n"):
                (line, column) = (line + 1, 1)
            case .scalarValue("\t"):
                // Whether a tab is allowed depends on where it stands: the parser knows.
                column += 1
            case .scalarValue(let scalar):
                if CharacterRule.isHidden(scalar) {
                    let hint = scalar == "\r" ? "save the file with line breaks of Unix" : nil
                    return (position, "\(CharacterRule.name(scalar)) is not allowed in this file", hint)
                }
                column += 1
            }
        }
    }
}
