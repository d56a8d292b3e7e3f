// SPDX-License-Identifier: Apache-2.0
// What a provider says is shown to people and kept in journals, and providers make mistakes.

/// Removes secrets and control characters from a provider's text.
struct Redaction {
    private let secrets: [String]

    /// Redacts nothing known, only what looks like a password.
    init() { secrets = [] }

    /// `content` as a whole, and every part of it of 12 characters or more that is not among `known`.
    ///
    /// Content is often a URI: its password alone gives it away, its role name does not.
    init(content: String, known: [String]) {
        let parts = content.split { !Self.isToken($0) }.map(String.init)
        let secret = parts.filter { part in part.count >= 12 && !known.contains { $0.contains(part) } }
        secrets = ([content] + secret).filter { !$0.isEmpty }.sorted { $0.count > $1.count }
    }

    /// The text on one line, without what is secret, at most `limit` characters.
    func clean(_ text: String, limit: Int = 300) -> String {
        var text = text
        for secret in secrets {
            text = text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "[redacted]")
        }
        var line = ""
        for scalar in Self.withoutPasswords(text).unicodeScalars {
            line.unicodeScalars.append(Self.isPlain(scalar) ? scalar : " ")
        }
        let words = line.split(separator: " ").joined(separator: " ")
        return words.count > limit ? words.prefix(limit - 1) + "…" : words
    }

    private static func isToken(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_.+=~%".contains(character))
    }

    /// Bidirectional and invisible formatting characters could make a terminal show something else.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
        default: true
        }
    }

    /// Blanks `scheme://user:password@` and `password=…`, whoever's they are.
    private static func withoutPasswords(_ text: String) -> String {
        var characters = Array(text)
        var index = 0
        while index < characters.count {
            if let end = uriPassword(characters, at: index) ?? assignment(characters, at: index) {
                characters.replaceSubrange(end, with: "[redacted]")
                index = end.lowerBound
            }
            index += 1
        }
        return String(characters)
    }

    private static func uriPassword(_ text: [Character], at start: Int) -> Range<Int>? {
        guard text[start...].starts(with: "://") else { return nil }
        let authority = text[(start + 3)...].prefix { !$0.isWhitespace && $0 != "/" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return nil
        }
        return colon + 1..<at
    }

    private static func assignment(_ text: [Character], at start: Int) -> Range<Int>? {
        let words = ["password", "passwd", "secret", "token"]
        for word in words
        where text[start...].prefix(word.count).elementsEqual(word, by: { $0.lowercased() == $1.lowercased() }) {
            let sign = start + word.count
            guard sign < text.count, text[sign] == "=" || text[sign] == ":" else { continue }
            let blank = text[(sign + 1)...].prefix { $0 == " " || $0 == "\"" || $0 == "'" }
            let value = text[blank.endIndex...].prefix { !$0.isWhitespace && $0 != "\"" && $0 != "'" && $0 != "&" }
            if !value.isEmpty && !value.elementsEqual("[redacted]") { return value.startIndex..<value.endIndex }
        }
        return nil
    }
}
