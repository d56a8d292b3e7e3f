// SPDX-License-Identifier: Apache-2.0
// Rules for text that one kind of file has, each with the pattern that its JSON Schema repeats.

/// Trust domains of SPIFFE IDs: lower case letters, digits, `.`, `-` and `_`.
enum TrustDomain {
    static let pattern = "^[a-z0-9._-]{1,255}$"

    static func problem(_ text: String) -> String? {
        if text.utf8.count > 255 { return "is longer than 255 characters" }
        let isAllowed = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        return isAllowed ? nil : "has characters other than a-z, 0-9, `.`, `-` and `_`"
    }
}

/// Names of variables that may end in `*`.
enum VariablePattern {
    static let pattern = "^[A-Za-z_][A-Za-z0-9_]{0,254}[*]?$"

    static func problem(_ text: String) -> String? {
        if text == "*" { return "would pass everything on, secrets included" }
        return VariableName.problem(text.hasSuffix("*") ? String(text.dropLast()) : text)
    }
}

/// Names of system calls, as `ausyscall(8)` and libseccomp spell them, and of groups of them, which start with `@`.
enum SystemCallName {
    static let pattern = "^([a-z_][a-z0-9_]{0,63}|@[a-z][a-z0-9-]{0,62})$"

    static func problem(_ text: String) -> String? {
        let isGroup = text.hasPrefix("@")
        let name = isGroup ? text.dropFirst() : text[...]
        let isAllowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "_"): !isGroup
            case UInt8(ascii: "-"): isGroup
            default: false
            }
        }
        if text.utf8.count > 64 { return "is longer than 64 characters" }
        guard isAllowed, let first = name.first, !first.isNumber, first != "-" else {
            return isGroup ? "is not the name of a group of system calls" : "is not the name of a system call"
        }
        return nil
    }
}

/// Files and directories of the host's `/etc` that may be bound into a session's.
package enum EtcPath {
    /// Whether a profile may copy a path.
    package static func isValid(_ path: String) -> Bool { problem(path) == nil }

    static let pattern = "^/etc/."

    static func problem(_ text: String) -> String? {
        if let problem = AbsolutePath.problem(text) { return problem }
        guard text.hasPrefix("/etc/") else { return "is not below `/etc`" }
        let isSecret = secrets.contains { AbsolutePath.isWithin(text, $0) || AbsolutePath.isWithin($0, text) }
        return isSecret ? "holds secrets of the host" : nil
    }

    private static let secrets = [
        "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh",
        "/etc/ssl/private", "/etc/security/opasswd", "/etc/krb5.keytab", "/etc/remit", "/etc/wireguard",
        "/etc/NetworkManager", "/etc/openvpn", "/etc/letsencrypt", "/etc/kubernetes", "/etc/docker",
    ]
}

/// Where a profile may put something into the new root.
enum RootPath {
    static func problem(_ text: String) -> String? {
        if let problem = AbsolutePath.problem(text) { return problem }
        if text == "/" { return "is the root itself" }
        let owner = reserved.first { AbsolutePath.isWithin(text, $0) }
        return owner.map { "is within `\($0)`, which every session makes for itself" }
    }

    private static let reserved = ["/proc", "/dev", "/sys", "/run/remit", "/tmp", "/home/agent"]
}

/// What a profile may take from the host.
enum BindSource {
    static func problem(_ text: String) -> String? {
        if let problem = AbsolutePath.problem(text) { return problem }
        if text == "/" { return "is the whole host" }
        let owner = kernel.first { AbsolutePath.isWithin(text, $0) }
        return owner.map { "is within `\($0)`, which shows the host's processes or devices" }
    }

    private static let kernel = ["/proc", "/dev", "/sys"]
}

/// The inside paths of host sockets.
enum SocketTarget {
    static let directory = "/run/remit/sockets"
    static let pattern = "^/run/remit/sockets/[^/]+$"

    static func problem(_ text: String) -> String? {
        if let problem = SocketPath.problem(text) { return problem }
        guard text.hasPrefix(directory + "/"), !text.dropFirst(directory.count + 1).contains("/") else {
            return "is not directly below `\(directory)`"
        }
        return nil
    }
}

/// Paths that fit into an address of `unix(7)`.
enum SocketPath {
    static func problem(_ text: String) -> String? {
        if let problem = AbsolutePath.problem(text) { return problem }
        return text.utf8.count > 107 ? "is longer than the 107 bytes of a socket's address" : nil
    }
}
