// SPDX-License-Identifier: Apache-2.0

/// A writer of JSON: members in their order, and of every string the shortest escapes.
public struct JSONWriter {
    /// How values are laid out.
    public enum Style: Sendable {
        /// On one line, without white space.
        case compact
        /// One member and one element a line, indented by two spaces.
        case indented
    }

    private let style: Style
    private var output: [UInt8] = []

    private init(style: Style) {
        self.style = style
    }

    /// The text of a value, as UTF-8, without a line end.
    public static func write(_ value: JSONValue, style: Style = .compact) -> [UInt8] {
        var writer = JSONWriter(style: style)
        writer.write(value, indent: 0)
        return writer.output
    }

    /// The text of a value, without a line end.
    public static func text(_ value: JSONValue, style: Style = .compact) -> String {
        String(decoding: write(value, style: style), as: UTF8.self)
    }

    private mutating func write(_ value: JSONValue, indent: Int) {
        switch value.kind {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): output.append(contentsOf: String(value).utf8)
        case .number(let text): output.append(contentsOf: text)
        case .string(let text): write(string: text)
        case .array(let elements):
            write(elements, "[", "]", indent: indent) { writer, element in
                writer.write(element, indent: indent + 1)
            }
        case .object(let members):
            write(members, "{", "}", indent: indent) { writer, member in
                writer.write(string: member.key)
                writer.output.append(contentsOf: (writer.style == .compact ? ":" : ": ").utf8)
                writer.write(member.value, indent: indent + 1)
            }
        }
    }

    private mutating func write<Item>(
        _ items: [Item], _ open: StaticString, _ close: StaticString, indent: Int,
        item write: (inout JSONWriter, Item) -> Void
    ) {
        output.append(contentsOf: open.description.utf8)
        for (index, item) in items.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            breakLine(indent: indent + 1)
            write(&self, item)
        }
        if !items.isEmpty { breakLine(indent: indent) }
        output.append(contentsOf: close.description.utf8)
    }

    private mutating func breakLine(indent: Int) {
        guard style == .indented else { return }
        output.append(UInt8(ascii: "\n"))
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * indent))
    }

    private mutating func write(string: [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in string {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case UInt8(ascii: "\n"): output.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): output.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): output.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                output.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
