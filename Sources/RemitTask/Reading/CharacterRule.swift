// SPDX-License-Identifier: Apache-2.0
// Which characters a file may hold at all: nothing that makes people and programs read different things.

package enum CharacterRule {
    /// Whether a character is invisible or acts on its surroundings: C0 and C1 controls (so also terminal escapes),
    /// line and paragraph separators, bidirectional controls (CVE-2021-42574), byte order marks and tag characters.
    package static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F, 0xAD, 0x061C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F: true
        case 0xFEFF, 0xFFF9...0xFFFB, 0xFFFE, 0xFFFF, 0xE0000...0xE007F: true
        default: false
        }
    }

    /// The name with its article.
    static func mention(_ scalar: Unicode.Scalar) -> String {
        let name = name(scalar)
        return (name.hasPrefix("i") ? "an " : "a ") + name
    }

    /// A name for a message: `tab`, `carriage return`, `control character U+001B`.
    static func name(_ scalar: Unicode.Scalar) -> String {
        let hexadecimal = String(scalar.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - hexadecimal.count)) + hexadecimal
        return switch scalar.value {
        case 0x00: "NUL byte"
        case 0x09: "tab"
        case 0x0A: "line break"
        case 0x0D: "carriage return"
        case 0xFEFF: "byte order mark"
        case 0x00...0x1F, 0x7F...0x9F: "control character \(code)"
        default: "invisible character \(code)"
        }
    }
}
