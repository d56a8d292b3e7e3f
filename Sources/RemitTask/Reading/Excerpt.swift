// SPDX-License-Identifier: Apache-2.0
// Text of a hostile file, made safe to repeat on somebody's terminal.

/// The part of offending text that a message repeats.
package enum Excerpt {
    /// The text with everything escaped that could move a cursor, reverse the reading order or close the backticks.
    package static func of(_ text: String, limit: Int = 60) -> String {
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit {
                result += "…"
                break
            }
            count += 1
            switch scalar {
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "`": result += "\\u{60}"
            default:
                if CharacterRule.isHidden(scalar) || scalar.properties.generalCategory == .unassigned {
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }
}
