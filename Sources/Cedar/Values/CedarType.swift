// SPDX-License-Identifier: Apache-2.0

/// The type of an attribute, a tag or a context, as a resolved schema says.
public indirect enum CedarType: Hashable, Sendable {
    /// A truth value.
    case bool
    /// A 64-bit integer.
    case long
    /// A text.
    case string
    /// An entity of one type.
    case entity(Name)
    /// A set of values of one type.
    case set(CedarType)
    /// A record of named attributes.
    case record(CedarRecordType)
    /// A value of an extension type.
    case `extension`(ExtensionType)
}

/// The attributes a record or an entity has.
public struct CedarRecordType: Hashable, Sendable {
    /// What an attribute is to be.
    public struct Attribute: Hashable, Sendable {
        /// The type of its values.
        public var type: CedarType
        /// Whether it is always there.
        public var isRequired: Bool

        /// An attribute of `type`.
        public init(_ type: CedarType, isRequired: Bool = true) {
            self.type = type
            self.isRequired = isRequired
        }
    }

    /// The attributes by name.
    public var attributes: [CedarString: Attribute]

    /// A record of `attributes`, and no others.
    public init(_ attributes: [CedarString: Attribute] = [:]) {
        self.attributes = attributes
    }
}

/// The types that extensions add.
public enum ExtensionType: String, Hashable, Sendable, CaseIterable, Comparable {
    /// Numbers with four digits after the point.
    case decimal
    /// Addresses and ranges of addresses.
    case ipaddr
    /// Points in time.
    case datetime
    /// Spans of time.
    case duration

    /// Whether `left` comes first in the order of text.
    public static func < (left: ExtensionType, right: ExtensionType) -> Bool { left.rawValue < right.rawValue }
}
