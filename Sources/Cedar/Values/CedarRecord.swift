// SPDX-License-Identifier: Apache-2.0

/// Values by attribute name, in the order of the names' bytes.
public struct CedarRecord: Hashable, Sendable {
    /// One attribute of a record.
    public struct Field: Hashable, Sendable {
        /// The attribute's name.
        public let name: CedarString
        /// What it holds.
        public let value: Value
    }

    /// The attributes in ascending order of name, each name once.
    public let fields: [Field]

    /// How many attributes a scan is faster for than a search.
    private static let scanned = 8

    /// The record without attributes.
    public init() {
        fields = []
    }

    /// The record of `attributes`, or nil where a name occurs twice.
    public init?(_ attributes: some Sequence<(name: CedarString, value: Value)>) {
        var fields = attributes.map { Field(name: $0.name, value: $0.value) }
        fields.sort { $0.name < $1.name }
        for index in fields.indices.dropFirst() where fields[index].name == fields[index - 1].name { return nil }
        self.fields = fields
    }

    /// Takes fields already in order, each name once.
    init(sorted fields: [Field]) {
        self.fields = fields
    }

    /// The record of `attributes`.
    public init(_ attributes: [CedarString: Value]) {
        fields = attributes.map { Field(name: $0.key, value: $0.value) }.sorted { $0.name < $1.name }
    }

    /// The number of attributes.
    public var count: Int { fields.count }

    /// Whether there are no attributes.
    public var isEmpty: Bool { fields.isEmpty }

    /// What the attribute `name` holds, or nil where there is none.
    public subscript(name: CedarString) -> Value? {
        if fields.count <= CedarRecord.scanned {
            for field in fields where field.name == name { return field.value }
            return nil
        }
        var low = 0
        var high = fields.count
        while low < high {
            let middle = low + (high - low) / 2
            if fields[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < fields.count && fields[low].name == name ? fields[low].value : nil
    }
}

extension CedarRecord: Comparable, CustomStringConvertible {
    /// Whether `left` comes first in an arbitrary but fixed order.
    public static func < (left: CedarRecord, right: CedarRecord) -> Bool {
        left.fields.lexicographicallyPrecedes(right.fields) { left, right in
            left.name == right.name ? left.value < right.value : left.name < right.name
        }
    }

    /// The record as an expression of the language.
    public var description: String {
        let fields = fields.map { field in
            let name = Identifier.isPlain(field.name) ? field.name.string : field.name.literal
            return "\(name): \(field.value)"
        }
        return "{\(fields.joined(separator: ", "))}"
    }
}
