// SPDX-License-Identifier: Apache-2.0

/// Replaces the names in a schema by what they stand for.
struct SchemaResolver {
    /// How large one type may become when the common types in it are written out: types nested so deep, and so many in
    /// one. A few lines of common types that name each other can otherwise stand for more than any memory holds.
    private static let depthLimit = 256
    private static let sizeLimit = 100_000

    /// A resolved type, how deep it nests, and of how many types it consists.
    private struct Resolved {
        var type: CedarType
        var depth = 1
        var size = 1
    }

    private let names: SchemaScope
    private var commonTypes: [Name: Resolved] = [:]
    private(set) var entityTypes: [Name: EntityTypeDefinition] = [:]
    private(set) var actions: [EntityUID: ActionDefinition] = [:]

    /// A resolver of the schema whose names these are.
    init(names: SchemaScope) {
        self.names = names
    }

    /// Resolves the schema.
    /// - Throws: The first name that stands for nothing, or what stands for something that it must not.
    mutating func resolve(_ syntax: SchemaSyntax) throws(Diagnostic) {
        for name in try commonTypesInOrder() {
            guard let common = names.commonTypes[name] else { continue }
            commonTypes[name] = try type(common.type, in: common.namespace)
        }
        for namespace in syntax.namespaces {
            for type in namespace.entityTypes { try resolve(type, in: namespace.name) }
            for action in namespace.actions { try resolve(action, in: namespace.name) }
        }
        try closeHierarchies()
    }

    // MARK: Common types

    /// The common types, each behind those that its definition names.
    private func commonTypesInOrder() throws(Diagnostic) -> [Name] {
        var users: [Name: [Name]] = [:]
        var missing: [Name: Int] = [:]
        for (name, common) in names.commonTypes {
            let used = commonTypes(in: common)
            missing[name] = used.count
            for other in used { users[other, default: []].append(name) }
        }
        var ordered = names.commonTypes.keys.filter { missing[$0] == 0 }.sorted()
        var index = 0
        while index < ordered.count {
            for user in users[ordered[index]] ?? [] {
                missing[user, default: 0] -= 1
                if missing[user] == 0 { ordered.append(user) }
            }
            index += 1
        }
        guard ordered.count == names.commonTypes.count else {
            let cyclic = names.commonTypes.keys.filter { missing[$0] != 0 }.min()
            throw names.error(
                "cycle in common type references containing `\(cyclic?.description ?? "")`",
                at: cyclic.flatMap { names.commonTypes[$0]?.type.span } ?? .none)
        }
        return ordered
    }

    /// The common types that the definition of one names.
    private func commonTypes(in common: SchemaScope.CommonType) -> Set<Name> {
        var used: Set<Name> = []
        var rest = [common.type]
        while let type = rest.popLast() {
            switch type.kind {
            case .primitive, .entity, .extension: break
            case .set(let element): rest.append(element)
            case .record(let attributes): rest.append(contentsOf: attributes.map(\.type))
            case .common(let name), .entityOrCommon(let name):
                if case .common(let name) = meaning(of: name, type, in: common.namespace) { used.insert(name) }
            }
        }
        return used
    }

    private func meaning(of name: Name, _ type: TypeSyntax, in namespace: Name?) -> SchemaScope.Meaning? {
        if case .common = type.kind { return names.meaning(of: name, in: namespace, .common) }
        return names.meaning(of: name, in: namespace, [.common, .entity, .action])
    }

    // MARK: Types

    private func type(_ syntax: TypeSyntax, in namespace: Name?) throws(Diagnostic) -> Resolved {
        let resolved: Resolved
        switch syntax.kind {
        case .primitive(let type): resolved = Resolved(type: type)
        case .set(let element):
            let element = try type(element, in: namespace)
            resolved = Resolved(type: .set(element.type), depth: element.depth + 1, size: element.size + 1)
        case .record(let attributes): resolved = try record(attributes, in: namespace)
        case .entity(let name):
            guard case .entity(let name) = names.meaning(of: name, in: namespace, [.entity, .action]) else {
                throw unresolved(name, at: syntax.span)
            }
            resolved = Resolved(type: .entity(name))
        case .extension(let name):
            guard let type = ExtensionType(rawValue: name.text.string) else {
                throw names.error("unknown extension type `\(name)`", at: syntax.span)
            }
            resolved = Resolved(type: .extension(type))
        case .common(let name), .entityOrCommon(let name):
            switch meaning(of: name, syntax, in: namespace) {
            case .common(let name): resolved = commonTypes[name] ?? Resolved(type: .bool)
            case .entity(let name): resolved = Resolved(type: .entity(name))
            case .builtIn(let type): resolved = Resolved(type: type)
            case nil: throw unresolved(name, at: syntax.span)
            }
        }
        guard resolved.depth <= Self.depthLimit else {
            throw names.error("the type is nested more than \(Self.depthLimit) deep", at: syntax.span)
        }
        guard resolved.size <= Self.sizeLimit else {
            throw names.error("the type consists of more than \(Self.sizeLimit) types", at: syntax.span)
        }
        return resolved
    }

    private func record(_ attributes: [TypeSyntax.Attribute], in namespace: Name?) throws(Diagnostic) -> Resolved {
        var record = CedarRecordType()
        var depth = 0
        var size = 1
        for attribute in attributes {
            let resolved = try type(attribute.type, in: namespace)
            // Of a name that is written twice the last counts, as in the reference engine.
            record.attributes[attribute.name] = CedarRecordType.Attribute(
                resolved.type, isRequired: attribute.isRequired)
            depth = max(depth, resolved.depth)
            size += resolved.size
        }
        return Resolved(type: .record(record), depth: depth + 1, size: size)
    }

    private func record(
        _ syntax: TypeSyntax, in namespace: Name?, _ what: @autoclosure () -> String
    ) throws(Diagnostic) -> CedarRecordType {
        guard case .record(let record) = try type(syntax, in: namespace).type else {
            throw names.error("\(what()) is declared with a type other than a record", at: syntax.span)
        }
        return record
    }

    private func entityTypes(
        _ references: [SchemaSyntax.Reference], in namespace: Name?
    ) throws(Diagnostic) -> Set<Name> {
        var resolved: Set<Name> = []
        for reference in references {
            guard case .entity(let name) = names.meaning(of: reference.name, in: namespace, .entity) else {
                throw unresolved(reference.name, at: reference.span)
            }
            resolved.insert(name)
        }
        return resolved
    }

    // MARK: Declarations

    private mutating func resolve(_ syntax: SchemaSyntax.EntityType, in namespace: Name?) throws(Diagnostic) {
        let name = Name(unchecked: syntax.name).qualified(by: namespace)
        var type = EntityTypeDefinition(name: name, parents: [], ancestors: [], attributes: CedarRecordType())
        switch syntax.kind {
        case .standard(let parents, let shape, let tags):
            type.parents = try entityTypes(parents, in: namespace)
            type.attributes = try record(shape, in: namespace, "the shape of entity type `\(name)`")
            type.tags = try tags.map { tags throws(Diagnostic) in try self.type(tags, in: namespace).type }
        case .enumeration(let ids):
            type.enumeration = ids
        }
        entityTypes[name] = type
    }

    private mutating func resolve(_ syntax: SchemaSyntax.Action, in namespace: Name?) throws(Diagnostic) {
        let uid = EntityUID(type: SchemaNames.actionType(in: namespace), id: syntax.name)
        var action = ActionDefinition(
            uid: uid, parents: [], ancestors: [], principals: [], resources: [], context: CedarRecordType())
        for parent in syntax.parents {
            guard let resolved = names.action(parent, in: namespace) else {
                let type = parent.type ?? SchemaNames.actionType(in: namespace)
                throw names.error("undeclared action: `\(EntityUID(type: type, id: parent.id))`", at: parent.span)
            }
            action.parents.insert(resolved)
        }
        if let appliesTo = syntax.appliesTo {
            action.principals = try entityTypes(appliesTo.principals, in: namespace)
            action.resources = try entityTypes(appliesTo.resources, in: namespace)
            action.context = try record(appliesTo.context, in: namespace, "the context of action `\(uid)`")
        }
        actions[uid] = action
    }

    // MARK: Hierarchies

    private mutating func closeHierarchies() throws(Diagnostic) {
        let types = Hierarchy.ancestors(of: entityTypes.mapValues(\.parents))
        let actions = Hierarchy.ancestors(of: self.actions.mapValues(\.parents))
        guard let types, let actions else { throw names.error("the hierarchy is too large", at: .none) }
        for (name, ancestors) in types { entityTypes[name]?.ancestors = ancestors }
        for (uid, ancestors) in actions { self.actions[uid]?.ancestors = ancestors }
        if let cyclic = actions.filter({ $0.value.contains($0.key) }).keys.min() {
            throw names.error("cycle in action hierarchy containing `\(cyclic)`", at: .none)
        }
    }

    private func unresolved(_ name: Name, at span: SourceSpan) -> Diagnostic {
        names.error("failed to resolve type: `\(name)`", at: span)
    }
}
