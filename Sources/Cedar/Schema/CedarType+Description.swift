// SPDX-License-Identifier: Apache-2.0

extension CedarType: CustomStringConvertible {
    /// The type as schemas write it.
    public var description: String {
        switch self {
        case .bool: "Bool"
        case .long: "Long"
        case .string: "String"
        case .set(let element): "Set<\(element)>"
        case .record(let record): record.description
        case .entity(let name): name.description
        case .extension(let type): type.rawValue
        }
    }
}

extension CedarRecordType: CustomStringConvertible {
    /// The attributes in the order of their names' bytes.
    public var sorted: [(name: CedarString, attribute: Attribute)] {
        attributes.sorted { $0.key < $1.key }.map { (name: $0.key, attribute: $0.value) }
    }

    /// The type as schemas write it, on one line.
    public var description: String {
        let attributes = sorted.map { name, attribute in
            "\(name.schemaName)\(attribute.isRequired ? "" : "?"): \(attribute.type)"
        }
        return "{\(attributes.joined(separator: ", "))}"
    }
}

extension CedarString {
    /// The text as schemas write the names of attributes and actions: without quotes where it can be.
    var schemaName: String {
        let isWord = Identifier.isWellFormed(self) && (!Identifier.isReserved(self) || self == "__cedar")
        return isWord ? string : literal
    }
}
