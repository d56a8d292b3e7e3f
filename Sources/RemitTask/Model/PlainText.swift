// SPDX-License-Identifier: Apache-2.0

/// Text for people, from wherever it comes: as free of surprises as a file has to be.
package enum PlainText {
    /// What is wrong with a text, to follow its name.
    package static func problem(_ text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.utf8.count > 4096 { return "is longer than 4096 bytes" }
        return text.unicodeScalars.first(where: CharacterRule.isHidden).map { "holds a \(CharacterRule.name($0))" }
    }
}
