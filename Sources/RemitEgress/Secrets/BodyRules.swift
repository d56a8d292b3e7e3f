// SPDX-License-Identifier: Apache-2.0

/// What becomes of a placeholder in the body of one request.
struct BodyRules {
    enum Action: Equatable {
        /// The secret takes its place.
        case write([UInt8], lease: String)
        /// It is quoted.
        case pass
        /// It may not be there.
        case refuse(lease: String)
    }

    /// How the bytes of a value are written in the body.
    enum Syntax {
        case plain
        case json
        case form

        init(contentType: String) {
            let media = (contentType.split(separator: ";").first?.trimmed ?? "").lowercased()
            self = media.hasSuffix("json") ? .json : media == "application/x-www-form-urlencoded" ? .form : .plain
        }
    }

    let table: SecretTable
    /// Leases that are bound to the body of this request.
    var swapped: Set<String>
    /// Leases that are bound to its host.
    let inert: Set<String>
    var syntax = Syntax.plain

    /// Whether a secret may take more or less room than its placeholder.
    var changeLength: Bool {
        table.parts.contains { swapped.contains($0.pair.lease) && !$0.pair.hasSameShape }
    }

    func decide(_ match: PatternMatch, _ source: ArraySlice<UInt8>) -> Action {
        let part = table.parts[match.value]
        let lease = part.pair.lease
        if swapped.contains(lease), let bytes = write(part, match, source) { return .write(bytes, lease: lease) }
        return inert.contains(lease) ? .pass : .refuse(lease: lease)
    }

    private func write(_ part: SecretTable.Part, _ match: PatternMatch, _ source: ArraySlice<UInt8>) -> [UInt8]? {
        // What only folds to the placeholder is not it.
        guard match.form == .plain, !match.isRemainder, part.placeholder.write(.plain, over: source) == Array(source)
        else { return nil }
        if part.pair.hasSameShape { return part.value.write(.plain, over: source) }
        switch syntax {
        case .plain: return part.pair.value
        case .form: return Array(QueryText.encode(part.pair.value).utf8)
        case .json: return part.pair.value.flatMap(Self.escape)
        }
    }

    /// A character of a JSON string (RFC 8259 §7).
    private static func escape(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
        case 0..<0x20: Array("\\u00".utf8) + EncodedForm.hexadecimal.encode([byte])
        default: [byte]
        }
    }
}
