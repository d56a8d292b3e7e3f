// SPDX-License-Identifier: Apache-2.0

/// A schema: which entity types, actions and contexts there are, with all names resolved.
///
/// It is read from its text or its JSON form, and each can be written as the other.
public struct Schema: Sendable {
    /// The schema as it is written.
    public let syntax: SchemaSyntax

    /// The entity types by name, those of actions excluded.
    public let entityTypes: [Name: EntityTypeDefinition]

    /// The actions and groups of actions.
    public let actions: [EntityUID: ActionDefinition]

    /// The ids of the enumerated entity types.
    let listedIDs: [Name: Set<CedarString>]

    /// What is allowed but likely a mistake: names that hide others.
    public let warnings: [Diagnostic]

    /// Reads the text form.
    /// - Throws: The first thing that is wrong, and where.
    public init(parsing text: String) throws(Diagnostic) {
        try self.init(parsing: SourceText(text))
    }

    /// Reads the text form.
    /// - Throws: The first thing that is wrong, and where.
    public init(parsing source: SourceText, limits: SyntaxLimits = SyntaxLimits()) throws(Diagnostic) {
        try self.init(resolving: SchemaTextParser.parse(source, limits: limits), source: source)
    }

    /// Reads the JSON form.
    /// - Throws: The first thing that is wrong, and where.
    public init(json text: String) throws(Diagnostic) {
        try self.init(json: SourceText(text))
    }

    /// Reads the JSON form.
    /// - Throws: The first thing that is wrong, and where.
    public init(json source: SourceText, limits: JSONReader.Limits = JSONReader.Limits()) throws(Diagnostic) {
        try self.init(resolving: SchemaJSONReader.read(source, limits: limits), source: source)
    }

    /// Resolves the names of a schema that was read from `source`, or made by a program.
    /// - Throws: The first name that stands for nothing, or is declared where it must not be.
    public init(resolving syntax: SchemaSyntax, source: SourceText? = nil) throws(Diagnostic) {
        let names = try SchemaScope(syntax, source: source)
        var resolver = SchemaResolver(names: names)
        try resolver.resolve(syntax)
        self.syntax = syntax
        entityTypes = resolver.entityTypes
        actions = resolver.actions
        listedIDs = resolver.entityTypes.compactMapValues { $0.enumeration.map(Set.init) }
        warnings = names.warnings
    }

    /// The schema in its text form, laid out in the one way there is. An action that applies to no principal or to no
    /// resource is written as one that applies to nothing, which it comes to.
    /// - Throws: Where the JSON form says what the text form can't.
    public func text() throws(Diagnostic) -> String {
        try SchemaTextWriter.write(syntax)
    }

    /// The schema in its JSON form.
    public func json() -> JSONValue {
        SchemaJSONWriter.write(syntax)
    }
}

extension Schema: Equatable {
    /// Whether both declare the same, however it is written; annotations don't count.
    public static func == (left: Schema, right: Schema) -> Bool {
        left.entityTypes == right.entityTypes && left.actions == right.actions
    }
}
