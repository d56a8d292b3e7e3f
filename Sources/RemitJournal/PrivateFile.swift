// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import RemitKernel

/// What a file must be like for us to trust that only its owner could have written it.
enum PrivateFile {
    /// Why the file is not a regular file that belongs to us and to nobody else; nil when it is.
    static func objection(to facts: FileSystem.Facts) -> String? {
        if !facts.isRegular { return "it is no regular file" }
        if facts.owner != geteuid() { return "it belongs to user \(facts.owner)" }
        if facts.mode & 0o077 != 0 { return "others may use it (mode \(String(facts.permissions, radix: 8)))" }
        return nil
    }

    /// Why the directory could hold files that somebody else put there; nil when it could not.
    static func objection(toDirectory facts: FileSystem.Facts) -> String? {
        if !facts.isDirectory { return "it is no directory" }
        if facts.owner != geteuid() && facts.owner != 0 { return "it belongs to user \(facts.owner)" }
        if facts.mode & 0o022 != 0 { return "others may write it (mode \(String(facts.permissions, radix: 8)))" }
        return nil
    }
}
