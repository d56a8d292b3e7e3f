// SPDX-License-Identifier: Apache-2.0
// The rules for names and paths, each with the pattern that the JSON Schemas repeat.

/// Names of tasks, profiles, credentials, sockets and provider instances.
package enum Name {
    /// The regular expression of JSON Schema.
    package static let pattern = "^[a-z0-9][a-z0-9-]{0,62}$"

    /// What is wrong with a name, to follow the offending text.
    package static func problem(_ text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.utf8.count > 63 { return "is longer than 63 characters" }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                continue
            default: return "has characters other than a-z, 0-9 and `-`"
            }
        }
        return text.hasPrefix("-") ? "begins with `-`" : nil
    }
}

/// Names of environment variables.
package enum VariableName {
    /// The regular expression of JSON Schema.
    package static let pattern = "^[A-Za-z_][A-Za-z0-9_]{0,254}$"

    /// What is wrong with a name, to follow the offending text; variables that make the dynamic linker or a shell
    /// load code are refused whoever sets them, see `ld.so(8)` and `bash(1)`.
    package static func problem(_ text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.utf8.count > 255 { return "is longer than 255 characters" }
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                continue
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index > 0: continue
            default: return "is not a name of letters, digits and `_`"
            }
        }
        if refused.contains(text) || refusedPrefixes.contains(where: text.hasPrefix) {
            return "is refused: it makes programs load code that nobody reviewed"
        }
        return nil
    }

    private static let refused: Set<String> = [
        "BASH_ENV", "ENV", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCPATH", "MALLOC_TRACE",
        "NIS_PATH", "NLSPATH", "PROMPT_COMMAND", "PS4", "RESOLV_HOST_CONF", "RES_OPTIONS", "SHELLOPTS", "BASHOPTS",
    ]
    private static let refusedPrefixes = ["LD_", "BASH_FUNC_", "REMIT_"]
}

/// Absolute paths, without segments that mean something else than they say.
package enum AbsolutePath {
    /// The regular expression of JSON Schema.
    package static let pattern = "^/"

    /// What is wrong with a path, to follow the offending text.
    package static func problem(_ text: String) -> String? {
        if !text.hasPrefix("/") { return "is not an absolute path" }
        if text == "/" { return nil }
        return RelativePath.problem(String(text.dropFirst()))
    }

    /// Whether a path is the directory itself or below it.
    package static func isWithin(_ path: String, _ directory: String) -> Bool {
        guard path.hasPrefix(directory) else { return false }
        let rest = path.utf8.dropFirst(directory.utf8.count)
        return directory == "/" || rest.isEmpty || rest.first == UInt8(ascii: "/")
    }
}

/// Relative paths that stay below where they start.
package enum RelativePath {
    /// The regular expression of JSON Schema.
    package static let pattern = "^[^/]"

    /// What is wrong with a path, to follow the offending text.
    package static func problem(_ text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.hasPrefix("/") { return "is an absolute path" }
        if text.utf8.count > 4095 { return "is longer than 4095 bytes" }
        for segment in text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if segment.isEmpty { return "has an empty segment" }
            if segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) {
                return "has a `\(Substring(segment))` segment"
            }
            if segment.count > 255 { return "has a segment longer than 255 bytes" }
        }
        return nil
    }
}
