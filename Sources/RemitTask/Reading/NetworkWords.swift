// SPDX-License-Identifier: Apache-2.0
// Rules for the words of the network: methods, headers, ports, names of models.

/// Methods of HTTP: tokens in upper case.
enum HTTPMethod {
    static let pattern = "^[A-Z][A-Z-]{0,31}$"

    static func problem(_ text: String) -> String? {
        let isToken = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard isToken, !text.hasPrefix("-"), text.utf8.count <= 32 else { return "is not a method in upper case" }
        return ["CONNECT", "TRACE"].contains(text) ? "is a method that no rule allows" : nil
    }
}

/// Several ports in a row.
enum PortRange {
    static let pattern = "^[1-9][0-9]{0,4}-[1-9][0-9]{0,4}$"
}

/// Names of header fields that a secret may be added to, in any case.
enum HeaderName {
    static let pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"

    static func problem(_ text: String) -> String? {
        guard text.isAlphanumeric(or: "!#$%&'*+-.^_`|~"), text.utf8.count <= 128 else {
            return "is not the name of a header"
        }
        return framing.contains(text.lowercased()) ? "is a header that no secret belongs into" : nil
    }

    /// Those that say where a request goes, or where it ends.
    private static let framing: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "via",
        "forwarded", "x-forwarded-for", "x-forwarded-host", "referer", "origin", "user-agent",
    ]
}

/// Names of query parameters.
enum QueryName {
    static let pattern = "^[A-Za-z0-9._~-]{1,128}$"

    static func problem(_ text: String) -> String? {
        text.isAlphanumeric(or: "._~-") && text.utf8.count <= 128 ? nil : "is not the name of a parameter"
    }
}

/// Services and regions of AWS, as in a credential scope.
enum SignatureWord {
    static let pattern = "^[a-z0-9-]{1,64}$"

    static func problem(_ text: String) -> String? {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        return isPlain && text.utf8.count <= 64 ? nil : "has characters other than a-z, 0-9 and `-`"
    }
}

/// Names of models, or beginnings of them with a trailing `*`.
enum ModelPattern {
    static let pattern = "^[A-Za-z0-9._:/@-]{0,128}[*]?$"

    static func problem(_ text: String) -> String? {
        let name = text.hasSuffix("*") ? text.dropLast() : text[...]
        if text.isEmpty { return "is empty" }
        return name.isAlphanumeric(or: "._:/@-") && name.utf8.count <= 128
            ? nil : "is not the name of a model, or the beginning of one with a `*`"
    }
}

/// Names of files in `$CREDENTIALS_DIRECTORY`.
enum SystemdCredentialName {
    static let pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$"

    static func problem(_ text: String) -> String? {
        guard text.isAlphanumeric(or: "._-"), text.utf8.count <= 255, let first = text.first,
            first.isLetter || first.isNumber
        else {
            return "is not the name of a credential of systemd"
        }
        return nil
    }
}

/// What a placeholder looks like: printable ASCII with one `*`, which stands for random characters.
enum PlaceholderShape {
    static let pattern = "^[A-Za-z0-9._-]{0,64}[*][A-Za-z0-9._-]{0,64}$"

    static func problem(_ text: String) -> String? {
        let parts = text.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return "needs one `*`, which stands for random characters" }
        let isPlain = parts.allSatisfy {
            $0.utf8.count <= 64 && $0.isAlphanumeric(or: "._-")
        }
        return isPlain ? nil : "has characters other than letters, digits, `.`, `_` and `-` around its `*`"
    }
}

extension StringProtocol {
    /// Whether every character is a letter or digit of ASCII, or one of `others`, which are ASCII too.
    fileprivate func isAlphanumeric(or others: String) -> Bool {
        utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: others.utf8.contains(byte)
            }
        }
    }
}
