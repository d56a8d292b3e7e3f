// SPDX-License-Identifier: Apache-2.0

/// Reads what a solver answers: a verdict, and the values of terms.
struct ModelReader {
    /// The value of a term.
    enum ModelValue: Hashable {
        case bool(Bool)
        case int(Int64)
        case string(CedarString)
        case bits(UInt128)
    }

    /// A list or a word of the answer.
    private indirect enum Expression {
        case word(String)
        case text([Unicode.Scalar])
        case list([Expression])
    }

    private static let depthLimit = 64

    private var scalars: Substring.UnicodeScalarView
    private var depth = 0

    private init(_ text: String) {
        scalars = Substring(text).unicodeScalars
    }

    /// The values of as many terms as were asked for, in their order; nil where the answer isn't of that form.
    static func values(_ text: String, count: Int) -> [ModelValue]? {
        var reader = ModelReader(text)
        guard case .list(let pairs)? = reader.expression(), pairs.count == count else { return nil }
        var values: [ModelValue] = []
        for pair in pairs {
            guard case .list(let parts) = pair, parts.count == 2, let value = value(parts[1]) else { return nil }
            values.append(value)
        }
        return values
    }

    private static func value(_ expression: Expression) -> ModelValue? {
        switch expression {
        case .word("true"): return .bool(true)
        case .word("false"): return .bool(false)
        case .word(let word):
            if word.hasPrefix("#x") { return UInt128(word.dropFirst(2), radix: 16).map(ModelValue.bits) }
            if word.hasPrefix("#b") { return UInt128(word.dropFirst(2), radix: 2).map(ModelValue.bits) }
            return Int64(word).map(ModelValue.int)
        case .text(let scalars): return string(scalars).map(ModelValue.string)
        case .list(let parts):
            switch (parts.first, parts.dropFirst().first) {
            case (.word("-"), .word(let digits)?): return Int64("-\(digits)").map(ModelValue.int)
            case (.word("_"), .word(let number)?) where number.hasPrefix("bv"):
                return UInt128(number.dropFirst(2)).map(ModelValue.bits)
            default: return nil
            }
        }
    }

    /// Decodes the escapes `\u{X}` and `\uXXXX`, and `\xXX`, which old versions of z3 write.
    private static func string(_ scalars: [Unicode.Scalar]) -> CedarString? {
        var text = ""
        var rest = scalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let kind = rest.first, kind == "u" || kind == "x" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            let digits: String
            let after = rest.dropFirst()
            if after.first == "{", let end = after.firstIndex(of: "}") {
                digits = String(String.UnicodeScalarView(after[after.startIndex..<end].dropFirst()))
                rest = after[end...].dropFirst()
            } else {
                let length = kind == "u" ? 4 : 2
                digits = String(String.UnicodeScalarView(after.prefix(length)))
                rest = after.dropFirst(length)
            }
            guard let value = UInt32(digits, radix: 16), let decoded = Unicode.Scalar(value) else { return nil }
            text.unicodeScalars.append(decoded)
        }
        return CedarString(text)
    }

    // MARK: S-expressions

    private mutating func expression() -> Expression? {
        while let scalar = scalars.first, scalar.properties.isWhitespace { scalars.removeFirst() }
        guard let first = scalars.popFirst() else { return nil }
        switch first {
        case "(":
            depth += 1
            guard depth <= Self.depthLimit else { return nil }
            var items: [Expression] = []
            while true {
                while let scalar = scalars.first, scalar.properties.isWhitespace { scalars.removeFirst() }
                if scalars.first == ")" {
                    scalars.removeFirst()
                    depth -= 1
                    return .list(items)
                }
                guard let item = expression() else { return nil }
                items.append(item)
            }
        case ")": return nil
        case "\"":
            var text: [Unicode.Scalar] = []
            while let scalar = scalars.popFirst() {
                if scalar == "\"" {
                    guard scalars.first == "\"" else { return .text(text) }
                    scalars.removeFirst()
                }
                text.append(scalar)
            }
            return nil
        default:
            var word = String.UnicodeScalarView([first])
            while let scalar = scalars.first, scalar != "(", scalar != ")", !scalar.properties.isWhitespace {
                word.append(scalar)
                scalars.removeFirst()
            }
            return .word(String(word))
        }
    }
}
