// SPDX-License-Identifier: Apache-2.0

/// A schema as it is written, in either form, before its names are resolved.
///
/// The text and the JSON form have the same syntax tree, so that each can be translated into the other. A declaration of
/// several names is as many declarations here.
public struct SchemaSyntax: Sendable {
    /// The namespaces in the order of the text; the empty one, if anything is in it, is one of them.
    public var namespaces: [Namespace]

    /// A schema of these namespaces.
    public init(namespaces: [Namespace] = []) {
        self.namespaces = namespaces
    }

    /// The declarations of one namespace.
    public struct Namespace: Sendable {
        /// The name; nil for the empty namespace.
        public var name: Name?
        /// What is noted on it; nothing for the empty namespace.
        public var annotations: [Annotation] = []
        /// The common types.
        public var commonTypes: [CommonType] = []
        /// The entity types.
        public var entityTypes: [EntityType] = []
        /// The actions.
        public var actions: [Action] = []
        /// Where the name stands.
        public var span = SourceSpan.none

        /// An empty namespace called `name`.
        public init(name: Name?) {
            self.name = name
        }
    }

    /// A type with a name.
    public struct CommonType: Sendable {
        /// The name within its namespace, an identifier.
        public var name: CedarString
        /// What is noted on it.
        public var annotations: [Annotation] = []
        /// What the name stands for.
        public var type: TypeSyntax
        /// Where the name stands.
        public var span = SourceSpan.none
    }

    /// An entity type.
    public struct EntityType: Sendable {
        /// What entities of a type are like.
        public enum Kind: Sendable {
            /// They have parents of these types, a shape that is a record, and tags where there is a type for them.
            case standard(parents: [Reference], shape: TypeSyntax, tags: TypeSyntax?)
            /// They have these ids and nothing else.
            case enumeration([CedarString])
        }

        /// The name within its namespace, an identifier.
        public var name: CedarString
        /// What is noted on it.
        public var annotations: [Annotation] = []
        /// What entities of the type are like.
        public var kind: Kind
        /// Where the name stands.
        public var span = SourceSpan.none
    }

    /// An action, or a group of actions.
    public struct Action: Sendable {
        /// The id of the action.
        public var name: CedarString
        /// What is noted on it.
        public var annotations: [Annotation] = []
        /// What it is directly in.
        public var parents: [ActionReference] = []
        /// What it applies to; nil for a mere group.
        public var appliesTo: AppliesTo?
        /// Where the name stands.
        public var span = SourceSpan.none
    }

    /// What an action applies to.
    public struct AppliesTo: Sendable {
        /// The types of principals.
        public var principals: [Reference]
        /// The types of resources.
        public var resources: [Reference]
        /// The type of the context, which is a record.
        public var context: TypeSyntax
    }

    /// A type that is named.
    public struct Reference: Hashable, Sendable {
        /// The name as it is written, possibly relative to the namespace.
        public var name: Name
        /// Where it stands.
        public var span = SourceSpan.none
    }

    /// An action that is named.
    public struct ActionReference: Sendable {
        /// The type as it is written; nil for the namespace's own.
        public var type: Name?
        /// The id of the action.
        public var id: CedarString
        /// Where it stands.
        public var span = SourceSpan.none
    }
}
