// SPDX-License-Identifier: Apache-2.0

/// The type of an expression: that of its values, and what is known of booleans.
indirect enum ExpressionType: Hashable, Sendable {
    /// What is known of a boolean.
    enum Truth: Hashable, Sendable {
        /// It may be either.
        case unknown
        /// It is `true` whenever it can be evaluated.
        case always
        /// It is `false` whenever it can be evaluated.
        case never
    }

    /// An attribute of a record.
    struct Attribute: Hashable, Sendable {
        var type: ExpressionType
        var isRequired = true
    }

    case boolean(Truth)
    case long
    case string
    case entity(Name)
    case set(ExpressionType)
    case record([CedarString: Attribute])
    case `extension`(ExtensionType)

    static let bool = ExpressionType.boolean(.unknown)

    /// A boolean of known value.
    static func constant(_ value: Bool) -> ExpressionType { .boolean(value ? .always : .never) }

    /// The type of what a schema declares.
    init(_ type: CedarType) {
        switch type {
        case .bool: self = .bool
        case .long: self = .long
        case .string: self = .string
        case .entity(let name): self = .entity(name)
        case .set(let element): self = .set(ExpressionType(element))
        case .record(let record): self = .record(ExpressionType.attributes(record))
        case .extension(let type): self = .extension(type)
        }
    }

    /// The attributes that a schema declares.
    static func attributes(_ record: CedarRecordType) -> [CedarString: Attribute] {
        record.attributes.mapValues { Attribute(type: ExpressionType($0.type), isRequired: $0.isRequired) }
    }

    /// The type that has the values of both, or nil where strict validation knows none: it never joins records of
    /// different attributes, entities of different types, or an optional with a required attribute.
    func joined(with other: ExpressionType) -> ExpressionType? {
        switch (self, other) {
        case (.boolean(let left), .boolean(let right)): return .boolean(left == right ? left : .unknown)
        case (.long, .long), (.string, .string): return self
        case (.entity(let left), .entity(let right)): return left == right ? self : nil
        case (.extension(let left), .extension(let right)): return left == right ? self : nil
        case (.set(let left), .set(let right)): return left.joined(with: right).map(ExpressionType.set)
        case (.record(let left), .record(let right)):
            guard left.count == right.count else { return nil }
            var joined = left
            for (name, attribute) in left {
                guard let other = right[name], other.isRequired == attribute.isRequired,
                    let type = attribute.type.joined(with: other.type)
                else { return nil }
                joined[name]?.type = type
            }
            return .record(joined)
        default: return nil
        }
    }

    /// Whether `<` compares two of the type.
    var isOrdered: Bool {
        switch self {
        case .long, .extension(.datetime), .extension(.duration): true
        default: false
        }
    }
}

extension ExpressionType: CustomStringConvertible {
    /// The type as schemas write it; booleans of known value are written as that value.
    var description: String {
        switch self {
        case .boolean(.unknown): "Bool"
        case .boolean(.always): "true"
        case .boolean(.never): "false"
        case .long: "Long"
        case .string: "String"
        case .entity(let name): name.description
        case .set(let element): "Set<\(element)>"
        case .extension(let type): type.rawValue
        case .record(let attributes):
            "{"
                + attributes.sorted { $0.key < $1.key }.map { name, attribute in
                    "\(name.schemaName)\(attribute.isRequired ? "" : "?"): \(attribute.type)"
                }.joined(separator: ", ") + "}"
        }
    }
}
