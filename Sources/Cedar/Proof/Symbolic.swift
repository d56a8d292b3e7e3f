// SPDX-License-Identifier: Apache-2.0

/// A value of which only terms are known.
indirect enum Symbolic: Sendable {
    /// A boolean.
    case bool(String)
    /// A long, or one of the extension types that are counted: decimal, datetime and duration.
    case int(String)
    /// A string.
    case string(String)
    /// An entity of a type, as the number of its id.
    case entity(Name, String)
    /// An address: whether it is IPv6, the address, and the length of the prefix.
    case ip(String, String, String)
    /// A record: its attributes, each with whether it is there.
    case record([CedarString: Field])
    /// A record that is part of an entity or of the context, and is taken apart only where needed.
    case stored(StoredRecord)
    /// A set.
    case set(SymbolicSet)

    /// An attribute of a record.
    struct Field: Sendable {
        let isPresent: String
        let value: Symbolic
    }
}

/// Where a value is stored: in the context, in the attributes of an entity, or in a tag.
struct StoredValue: Hashable, Sendable {
    /// Whose it is.
    enum Owner: Hashable, Sendable {
        case context
        case entity(Name)
        case tag(Name)
        /// Something made up to show that a set has an element.
        case witness(Int)
    }

    let owner: Owner
    var path: [CedarString] = []

    /// What the value has at an attribute.
    func appending(_ name: CedarString) -> StoredValue { StoredValue(owner: owner, path: path + [name]) }
}

/// A record that is stored somewhere.
struct StoredRecord: Sendable {
    let type: CedarRecordType
    let place: StoredValue
    /// The entity, and the tag, in which it is stored; nothing for the context.
    let arguments: [String]
}

/// A set of which only terms are known.
indirect enum SymbolicSet: Sendable {
    /// These elements.
    case literal([Symbolic])
    /// The elements for which a function is true.
    case stored(CedarType, StoredValue, arguments: [String])
    /// One of two sets.
    case either(String, SymbolicSet, SymbolicSet)
}
