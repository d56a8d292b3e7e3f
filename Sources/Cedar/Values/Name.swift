// SPDX-License-Identifier: Apache-2.0

/// A possibly qualified name, `Namespace::Inner::Base`: of an entity type, a common type, a namespace or a function.
public struct Name: Hashable, Comparable, Sendable {
    /// The whole name as it is written, without spaces around `::`.
    public let text: CedarString

    /// Takes a name already known to be well formed.
    init(unchecked text: CedarString) {
        self.text = text
    }

    /// Joins identifiers already known to be well formed.
    init(path: [CedarString]) {
        text = CedarString(path.map(\.string).joined(separator: "::"))
    }

    /// Reads a name in its normal form: identifiers joined by `::`, no spaces, no reserved word, no `__cedar`.
    ///
    /// Returns nil for anything else.
    public init?(_ string: String) {
        guard Name.isWellFormed(string.utf8.span) else { return nil }
        text = CedarString(string)
        guard path.allSatisfy({ !Identifier.isReserved($0) }) else { return nil }
    }

    /// The identifiers of the name, outermost namespace first; never empty.
    public var path: [CedarString] {
        var path: [CedarString] = []
        var part = ""
        var colons = 0
        for scalar in text.string.unicodeScalars {
            if scalar == ":" {
                colons += 1
                if colons == 2 {
                    path.append(CedarString(part))
                    part = ""
                    colons = 0
                }
            } else {
                part.unicodeScalars.append(scalar)
            }
        }
        path.append(CedarString(part))
        return path
    }

    /// The last identifier.
    public var base: CedarString { path.last ?? text }

    /// The name without its last identifier, or nil where there is only one.
    public var namespace: Name? {
        let outer = path.dropLast()
        return outer.isEmpty ? nil : Name(path: Array(outer))
    }

    /// Whether there is only one identifier.
    public var isUnqualified: Bool { !text.utf8.contains(UInt8(ascii: ":")) }

    /// This name inside `namespace`, which may be nil for the empty one.
    public func qualified(by namespace: Name?) -> Name {
        guard let namespace else { return self }
        return Name(unchecked: CedarString("\(namespace.text)::\(text)"))
    }

    /// Whether `left` comes first in the order of bytes.
    public static func < (left: Name, right: Name) -> Bool { left.text < right.text }

    private static func isWellFormed(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while true {
            guard index < bytes.count, Identifier.isStart(bytes[index]) else { return false }
            while index < bytes.count, Identifier.isContinuation(bytes[index]) { index += 1 }
            if index == bytes.count { return true }
            guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: ":"), bytes[index + 1] == UInt8(ascii: ":")
            else { return false }
            index += 2
        }
    }
}

extension Name: CustomStringConvertible {
    /// The name as it is written in policies.
    public var description: String { text.string }
}
