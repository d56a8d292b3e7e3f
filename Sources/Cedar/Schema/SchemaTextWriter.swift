// SPDX-License-Identifier: Apache-2.0

/// Writes schemas in their text form.
struct SchemaTextWriter {
    private let names: SchemaScope
    private var lines: [String] = []
    private var namespace: Name?

    /// The text form of a schema, laid out in the one way there is.
    /// - Throws: Where the JSON form says what the text form can't: a name of one kind of type hidden by another.
    static func write(_ syntax: SchemaSyntax) throws(Diagnostic) -> String {
        var writer = SchemaTextWriter(names: try SchemaScope(syntax, source: nil))
        for namespace in syntax.namespaces { try writer.write(namespace) }
        return writer.lines.map { $0 + "\n" }.joined()
    }

    private init(names: SchemaScope) {
        self.names = names
    }

    private mutating func write(_ namespace: SchemaSyntax.Namespace) throws(Diagnostic) {
        self.namespace = namespace.name
        separate()
        let indent = namespace.name == nil ? 0 : 1
        if let name = namespace.name {
            note(namespace.annotations, indent: 0)
            lines.append("namespace \(name) {")
        }
        let start = lines.count
        for declaration in namespace.commonTypes {
            if lines.count > start { separate() }
            note(declaration.annotations, indent: indent)
            line("type \(declaration.name) = \(try type(declaration.type, indent: indent));", indent: indent)
        }
        for declaration in namespace.entityTypes {
            if lines.count > start { separate() }
            note(declaration.annotations, indent: indent)
            line("entity \(declaration.name)\(try entityType(declaration.kind, indent: indent));", indent: indent)
        }
        for declaration in namespace.actions {
            if lines.count > start { separate() }
            note(declaration.annotations, indent: indent)
            line("action \(declaration.name.literal)\(try action(declaration, indent: indent));", indent: indent)
        }
        if namespace.name != nil { lines.append("}") }
    }

    private func entityType(_ kind: SchemaSyntax.EntityType.Kind, indent: Int) throws(Diagnostic) -> String {
        switch kind {
        case .enumeration(let ids):
            return " enum [\(ids.map(\.literal).joined(separator: ", "))]"
        case .standard(let parents, let shape, let tags):
            var text = parents.isEmpty ? "" : " in \(references(parents))"
            let shape = try record(shape)
            if !shape.isEmptyRecord { text += " = \(try type(shape, indent: indent))" }
            if let tags { text += " tags \(try type(tags, indent: indent))" }
            return text
        }
    }

    private func action(_ declaration: SchemaSyntax.Action, indent: Int) throws(Diagnostic) -> String {
        var text = ""
        if !declaration.parents.isEmpty {
            let parents = declaration.parents.map { parent in
                parent.type.map { "\($0)::\(parent.id.literal)" } ?? parent.id.literal
            }
            text += " in [\(parents.joined(separator: ", "))]"
        }
        // An action that applies to no principal or no resource applies to nothing, and the text form says so by silence.
        guard let appliesTo = declaration.appliesTo, !appliesTo.principals.isEmpty, !appliesTo.resources.isEmpty else {
            return text
        }
        let margin = String(repeating: "  ", count: indent + 1)
        text += " appliesTo {\n\(margin)principal: \(references(appliesTo.principals)),\n"
        text += "\(margin)resource: \(references(appliesTo.resources)),\n"
        text += "\(margin)context: \(try type(appliesTo.context, indent: indent + 1))\n"
        return text + String(repeating: "  ", count: indent) + "}"
    }

    private func references(_ references: [SchemaSyntax.Reference]) -> String {
        "[\(references.map(\.name.description).joined(separator: ", "))]"
    }

    // MARK: Types

    private func type(_ type: TypeSyntax, indent: Int) throws(Diagnostic) -> String {
        switch type.kind {
        case .primitive(let primitive): return try builtIn(CedarString(primitive.description), type)
        case .extension(let name): return try builtIn(name.text, type)
        case .set(let element): return "Set<\(try self.type(element, indent: indent))>"
        case .entityOrCommon(let name): return name.description
        case .entity(let name):
            guard case .entity(let meant) = names.meaning(of: name, in: namespace, [.entity, .action]) else {
                return name.description
            }
            return try written([name, meant], type) { meaning in
                if case .entity(let name) = meaning { name == meant } else { false }
            }
        case .common(let name):
            switch names.meaning(of: name, in: namespace, .common) {
            case .common(let meant):
                return try written([name, meant], type) { meaning in
                    if case .common(let name) = meaning { name == meant } else { false }
                }
            case .builtIn: return try builtIn(name.base, type)
            case .entity, nil: return name.description
            }
        case .record(let attributes):
            if attributes.isEmpty { return "{}" }
            let margin = String(repeating: "  ", count: indent + 1)
            var text = "{\n"
            for (index, attribute) in attributes.enumerated() {
                for annotation in attribute.annotations { text += "\(margin)\(annotation.schemaText)\n" }
                let name = "\(attribute.name.schemaName)\(attribute.isRequired ? "" : "?")"
                text += "\(margin)\(name): \(try self.type(attribute.type, indent: indent + 1))"
                text += index == attributes.count - 1 ? "\n" : ",\n"
            }
            return text + String(repeating: "  ", count: indent) + "}"
        }
    }

    private func builtIn(_ name: CedarString, _ type: TypeSyntax) throws(Diagnostic) -> String {
        let name = Name(unchecked: name)
        return try written([name, name.qualified(by: SchemaNames.cedar)], type) { meaning in
            if case .builtIn = meaning { true } else { false }
        }
    }

    /// The first of `spellings` that stands for what is meant.
    private func written(
        _ spellings: [Name], _ type: TypeSyntax, _ isMeant: (SchemaScope.Meaning?) -> Bool
    ) throws(Diagnostic) -> String {
        for name in spellings where isMeant(names.meaning(of: name, in: namespace, [.common, .entity, .action])) {
            return name.description
        }
        let name = spellings.first?.description ?? ""
        throw names.error("`\(name)` can't be written as text, since another type of that name hides it", at: type.span)
    }

    /// The record that a shape is, where it isn't written as one but named, which the text form doesn't know.
    private func record(_ shape: TypeSyntax) throws(Diagnostic) -> TypeSyntax {
        var type = shape
        // A name can only lead through each of the common types once: cycles were refused when the schema was read.
        for _ in names.commonTypes {
            guard let name = type.commonName, case .common(let meant) = names.meaning(of: name, in: namespace, .common),
                let common = names.commonTypes[meant]
            else { break }
            guard common.namespace == namespace else {
                throw names.error("a shape of another namespace, `\(name)`, can't be written as text", at: shape.span)
            }
            type = common.type
        }
        return type
    }

    // MARK: Lines

    private mutating func note(_ annotations: [Annotation], indent: Int) {
        for annotation in annotations { line(annotation.schemaText, indent: indent) }
    }

    private mutating func line(_ text: String, indent: Int) {
        lines.append(String(repeating: "  ", count: indent) + text)
    }

    private mutating func separate() {
        if !lines.isEmpty { lines.append("") }
    }
}

extension Annotation {
    /// The note as schemas write it.
    var schemaText: String { "@\(key)\(writtenValue.map { "(\($0.literal))" } ?? "")" }
}

extension TypeSyntax {
    /// The name, when the type is one that a common type may have.
    fileprivate var commonName: Name? {
        switch kind {
        case .common(let name), .entityOrCommon(let name): name
        case .primitive, .set, .record, .entity, .extension: nil
        }
    }
}
