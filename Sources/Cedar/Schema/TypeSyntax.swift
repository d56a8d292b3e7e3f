// SPDX-License-Identifier: Apache-2.0

/// A type as a schema writes it, before its names are resolved.
public struct TypeSyntax: Sendable {
    /// What is written.
    public indirect enum Kind: Sendable {
        /// One of `Bool`, `Long` and `String`, as JSON names them beyond doubt.
        case primitive(CedarType)
        /// Sets of a type.
        case set(TypeSyntax)
        /// A record.
        case record([Attribute])
        /// A name that only an entity type has.
        case entity(Name)
        /// A name that only a common type, a primitive one or an extension has.
        case common(Name)
        /// A name of any kind of type.
        case entityOrCommon(Name)
        /// A name that only an extension has.
        case `extension`(Name)
    }

    /// An attribute of a record.
    public struct Attribute: Sendable {
        /// The name.
        public var name: CedarString
        /// What is noted on it.
        public var annotations: [Annotation] = []
        /// The type of its values.
        public var type: TypeSyntax
        /// Whether every record has it.
        public var isRequired = true
        /// Where the name stands.
        public var span = SourceSpan.none
    }

    /// What is written.
    public var kind: Kind
    /// Where it stands.
    public var span: SourceSpan

    /// A type written at `span`.
    public init(_ kind: Kind, span: SourceSpan = .none) {
        self.kind = kind
        self.span = span
    }
}
