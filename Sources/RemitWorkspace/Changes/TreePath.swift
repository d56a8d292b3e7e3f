// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// A path relative to a workspace, as the bytes it has on disk; the empty path is the workspace itself.
package struct TreePath: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The names from the workspace down.
    package let names: [EntryName]

    package init(_ names: [EntryName] = []) { self.names = names }

    /// Reads names separated by `/`.
    package init(bytes: [UInt8]) { names = bytes.split(separator: UInt8(ascii: "/")).map { Array($0) } }

    /// The workspace itself.
    package static let root = TreePath()

    package var name: EntryName { names.last ?? [] }
    package var parent: TreePath { TreePath(Array(names.dropLast())) }
    package var depth: Int { names.count }
    package var bytes: [UInt8] { Array(names.joined(separator: [UInt8(ascii: "/")])) }

    package func appending(_ name: EntryName) -> TreePath { TreePath(names + [name]) }

    /// Whether this is `other`, or something in it.
    package func isWithin(_ other: TreePath) -> Bool { names.starts(with: other.names) }

    /// A directory before what is in it, and both before its later siblings.
    package static func < (left: TreePath, right: TreePath) -> Bool {
        for (mine, other) in zip(left.names, right.names) where mine != other {
            return mine.lexicographicallyPrecedes(other)
        }
        return left.names.count < right.names.count
    }

    /// The path for people and records: as it is where nothing in it could mislead, otherwise in double quotes and with
    /// escapes, as git(1) writes such names.
    package var description: String { QuotedText.of(bytes) }
}

/// Bytes that somebody else chose, as text that no terminal obeys and no eye misreads.
package enum QuotedText {
    /// The bytes themselves where they are plain, otherwise a string of C.
    package static func of(_ bytes: [UInt8], always: Bool = false) -> String {
        var result = ""
        var isPlain = true
        var rest = bytes[...]
        while let first = rest.first {
            // Nearly every name: printing characters of ASCII that mean nothing in quotes.
            let run = rest.prefix { (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            if !run.isEmpty {
                result += String(decoding: run, as: UTF8.self)
                rest = rest.dropFirst(run.count)
                continue
            }
            if let (scalar, length) = scalar(rest), !isMisleading(scalar) {
                if scalar == "\"" || scalar == "\\" {
                    isPlain = false
                    result += "\\"
                }
                result.unicodeScalars.append(scalar)
                rest = rest.dropFirst(length)
                continue
            }
            isPlain = false
            result += escape(first)
            rest = rest.dropFirst()
        }
        return isPlain && !always ? result : "\"\(result)\""
    }

    private static func escape(_ byte: UInt8) -> String {
        switch byte {
        case 7: "\\a"
        case 8: "\\b"
        case 9: "\\t"
        case 10: "\\n"
        case 11: "\\v"
        case 12: "\\f"
        case 13: "\\r"
        default: "\\" + String(String(0o1000 + Int(byte), radix: 8).dropFirst())
        }
    }

    /// The scalar at the front and how many bytes it has; nil where the bytes are not UTF-8.
    private static func scalar(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
        guard let first = bytes.first else { return nil }
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard let text = String(validating: bytes.prefix(length), as: UTF8.self),
            let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1
        else { return nil }
        return (scalar, length)
    }

    /// Control characters, and what changes the direction or the visibility of text.
    private static func isMisleading(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
        default: false
        }
    }
}
