// SPDX-License-Identifier: Apache-2.0
// The keys of our files as data: the decoder refuses what is not here, and a test compares it with the JSON Schemas.

/// The keys that a map of one kind may have.
package struct ObjectShape: Sendable {
    /// What such a map is called in messages: `credential`.
    package let name: String
    /// Its keys, in the order of the documentation.
    package let fields: [FieldShape]

    init(_ name: String, _ fields: [FieldShape]) {
        self.name = name
        self.fields = fields
    }

    func field(_ key: String) -> FieldShape? { fields.first { $0.key == key } }
}

/// One key of a map.
package struct FieldShape: Sendable {
    /// The key.
    package let key: String
    /// What its value looks like.
    package let value: ValueShape
    /// Whether it must be there.
    package let isRequired: Bool

    static func required(_ key: String, _ value: ValueShape) -> FieldShape {
        FieldShape(key: key, value: value, isRequired: true)
    }

    static func optional(_ key: String, _ value: ValueShape) -> FieldShape {
        FieldShape(key: key, value: value, isRequired: false)
    }
}

/// What a value looks like, as far as a JSON Schema can say it.
package indirect enum ValueShape: Sendable {
    /// Text; plain numbers and booleans count as their text.
    case freeText
    /// Text that must be a string in JSON as well, with its pattern.
    case text(pattern: String?)
    /// One of these words.
    case choice([String])
    /// A whole number in a range.
    case integer(ClosedRange<Int>)
    /// A positive number with at most three decimals.
    case decimal
    /// An amount of money with at most six decimals.
    case money
    /// `true` or `false`.
    case boolean
    /// A length of time such as `30m`.
    case timeSpan
    /// A size such as `4GiB`.
    case byteCount
    /// A list, with the least number of items.
    case list(ValueShape, atLeast: Int)
    /// A map with free keys, which may have to match a pattern.
    case map(keys: String?, ValueShape)
    /// A map with the keys of a shape.
    case object(ObjectShape)
    /// One of two, told apart by their kind.
    case either(ValueShape, ValueShape)
    /// Any tree without null.
    case tree
}
