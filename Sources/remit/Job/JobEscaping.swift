// SPDX-License-Identifier: Apache-2.0
// Texts of tasks and agents in the languages of CI services, in none of which they may say anything.

internal import RemitSession

enum JobEscaping {
    /// The message of a workflow command of GitHub's.
    ///
    /// By scalars, here and below: what Swift takes for one character may hold several of a service's.
    static func commandData(_ text: String) -> String { escaped(text, "%\r\n") }

    /// A property of one, such as its title.
    static func commandProperty(_ text: String) -> String { escaped(text, "%\r\n:,") }

    private static func escaped(_ text: String, _ special: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if special.unicodeScalars.contains(scalar) {
                result += scalar.value < 16 ? "%0" : "%"
                result += String(scalar.value, radix: 16, uppercase: true)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Text in a log of GitLab's, where it makes no section.
    static func sectionless(_ text: String) -> String {
        var filter = LineFilter(breaksSections: true)
        let shown = filter.pass(Array(text.utf8)[...])
        return String(decoding: shown + filter.finish().dropLast(), as: UTF8.self)
    }

    /// Text in Markdown, as one line: neither markup nor HTML, and nobody is mentioned.
    static func markdown(_ text: String) -> String {
        var result = ""
        for scalar in printable(text).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "@": result += "&#64;"
            case "#": result += "&#35;"
            case ":": result += "&#58;"
            case "\\", "`", "*", "_", "{", "}", "[", "]", "(", ")", "!", "|", "~", "$":
                result += "\\"
                result.unicodeScalars.append(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func printable(_ text: String) -> String {
        Terminal.printable(String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\n" ? " " : $0 })))
    }
}
