// SPDX-License-Identifier: Apache-2.0

/// The fields of a message's head or trailer, in order (RFC 9110 §5); names are compared without case.
package struct HeaderFields: Equatable, Sendable {
    /// One field.
    package struct Field: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }

        func isNamed(_ other: String) -> Bool {
            name.isSameFieldName(as: other)
        }
    }

    package var fields: [Field]

    package init(_ fields: [(String, String)]) {
        self.fields = fields.map { Field($0.0, $0.1) }
    }

    /// The values of all fields of that name.
    package subscript(_ name: String) -> [String] {
        fields.filter { $0.isNamed(name) }.map(\.value)
    }

    /// The value, where there is exactly one field of that name.
    package func single(_ name: String) -> String? {
        let values = self[name]
        return values.count == 1 ? values[0] : nil
    }

    package mutating func remove(_ name: String) {
        fields.removeAll { $0.isNamed(name) }
    }

    /// Puts one field in the place of all of that name.
    package mutating func set(_ name: String, _ value: String) {
        if let first = fields.firstIndex(where: { $0.isNamed(name) }) {
            fields[first].value = value
            let rest = fields[(first + 1)...].filter { !$0.isNamed(name) }
            fields.replaceSubrange((first + 1)..., with: rest)
        } else {
            fields.append(Field(name, value))
        }
    }
}

extension StringProtocol {
    /// Without the optional white space (RFC 9110 §5.6.3) around it.
    var trimmed: SubSequence {
        var text = self[...]
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
