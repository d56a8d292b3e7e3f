// SPDX-License-Identifier: Apache-2.0

/// The right side of `like`: characters that stand for themselves, and wildcards.
public struct Pattern: Hashable, Sendable {
    /// One part of a pattern.
    public enum Element: Hashable, Sendable {
        /// Exactly this character.
        case character(Unicode.Scalar)
        /// Any text, the empty one included.
        case wildcard
    }

    /// The parts in order.
    public let elements: [Element]

    /// The pattern of `elements`.
    public init(_ elements: some Sequence<Element>) {
        self.elements = Array(elements)
    }

    /// Whether the whole of `text` matches.
    ///
    /// Takes time in proportion to the product of both lengths at worst: a mismatch goes back to the last wildcard only,
    /// since an earlier one could do no better.
    public func matches(_ text: CedarString) -> Bool {
        var rest = text.string.unicodeScalars[...]
        var index = 0
        var resume: (index: Int, rest: Substring.UnicodeScalarView)?
        while let scalar = rest.first {
            if index < elements.count, elements[index] == .wildcard {
                index += 1
                resume = (index, rest)
            } else if index < elements.count, elements[index] == .character(scalar) {
                index += 1
                rest.removeFirst()
            } else if let (start, from) = resume {
                rest = from.dropFirst()
                resume = (start, rest)
                index = start
            } else {
                return false
            }
        }
        return elements[index...].allSatisfy { $0 == .wildcard }
    }
}

extension Pattern: CustomStringConvertible {
    /// The pattern as a literal of the language, quotes included.
    public var description: String {
        var literal = "\""
        for element in elements {
            switch element {
            case .wildcard: literal += "*"
            case .character("*"): literal += "\\*"
            case .character(let scalar): literal.appendEscaped(scalar)
            }
        }
        return literal + "\""
    }
}
