// SPDX-License-Identifier: Apache-2.0

extension HeaderFields {
    /// Whether there is a field of this name.
    func contains(_ name: String) -> Bool {
        fields.contains { $0.name.isSameFieldName(as: name) }
    }

    /// The members of a comma-separated list that may be spread over several fields, trimmed, in lower case.
    func list(_ name: String) -> [String] {
        self[name].flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).map { member in
                String(decoding: member.trimmedOfBlanks, as: UTF8.self).lowercasedASCII
            }
        }.filter { !$0.isEmpty }
    }

    /// Adds a field at the end.
    mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name, value))
    }
}

extension Collection<UInt8> {
    /// Without spaces and tabs at both ends.
    var trimmedOfBlanks: SubSequence {
        guard let first = firstIndex(where: { !$0.isBlank }) else { return self[endIndex...] }
        var end = endIndex
        var index = first
        while index != endIndex {
            let next = self.index(after: index)
            if !self[index].isBlank { end = next }
            index = next
        }
        return self[first..<end]
    }
}

extension UInt8 {
    /// A space or a tab.
    var isBlank: Bool { self == 0x20 || self == 0x09 }

    /// A character of a token (RFC 9110 §5.6.2).
    var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// A byte that a field's value may have: visible, blank, or beyond ASCII.
    var isValueCharacter: Bool { self >= 0x20 && self != 0x7F || self == 0x09 }

    /// The letter in upper case, everything else as it is.
    var uppercasedASCII: UInt8 {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) ? self & 0xDF : self
    }

    /// The letter in lower case, everything else as it is.
    var lowercasedASCII: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}

extension StringProtocol {
    /// ASCII letters in lower case, everything else as it is.
    var lowercasedASCII: String {
        String(decoding: utf8.map(\.lowercasedASCII), as: UTF8.self)
    }

    /// Whether both name the same field.
    func isSameFieldName(as other: some StringProtocol) -> Bool {
        utf8.count == other.utf8.count
            && utf8.elementsEqual(other.utf8) { $0.lowercasedASCII == $1.lowercasedASCII }
    }
}
