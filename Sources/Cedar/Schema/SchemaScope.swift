// SPDX-License-Identifier: Apache-2.0

/// The names that a schema declares, and what each stands for where it is written.
struct SchemaScope {
    /// What a name may stand for in a place.
    struct Kinds: OptionSet {
        let rawValue: Int
        static let common = Kinds(rawValue: 1)
        static let entity = Kinds(rawValue: 2)
        static let action = Kinds(rawValue: 4)
    }

    /// What a name stands for.
    enum Meaning {
        case common(Name)
        case entity(Name)
        case builtIn(CedarType)
    }

    /// A common type and the namespace in which its definition is to be read.
    struct CommonType {
        let type: TypeSyntax
        let namespace: Name?
    }

    private(set) var commonTypes: [Name: CommonType] = [:]
    private(set) var entityTypes: Set<Name> = []
    private(set) var actions: Set<EntityUID> = []
    private(set) var actionTypes: Set<Name> = []
    private(set) var warnings: [Diagnostic] = []
    let source: SourceText?

    /// Collects the names.
    /// - Throws: At one that is reserved, declared twice, or hides one of the empty namespace.
    init(_ syntax: SchemaSyntax, source: SourceText?) throws(Diagnostic) {
        self.source = source
        var namespaces: Set<Name?> = []
        for namespace in syntax.namespaces {
            if let name = namespace.name, name.isInCedar {
                throw error("use of the reserved `__cedar` namespace", at: namespace.span)
            }
            guard namespaces.insert(namespace.name).inserted else {
                throw error("duplicate namespace id: `\(namespace.name?.description ?? "")`", at: namespace.span)
            }
            try declare(namespace)
        }
        for namespace in syntax.namespaces where namespace.name != nil { try checkShadowing(namespace) }
    }

    private mutating func declare(_ namespace: SchemaSyntax.Namespace) throws(Diagnostic) {
        for type in namespace.commonTypes {
            guard !SchemaNames.isKeyword(type.name) else {
                throw error("this uses a reserved schema keyword: `\(type.name)`", at: type.span)
            }
            let name = try declare(type.name, in: namespace, at: type.span)
            let declared = CommonType(type: type.type, namespace: namespace.name)
            guard commonTypes.updateValue(declared, forKey: name) == nil else {
                throw error("`\(type.name)` is declared twice", at: type.span)
            }
        }
        for type in namespace.entityTypes {
            guard type.name != SchemaNames.action else {
                throw error("an entity type must not be called `Action`, which the types of actions are", at: type.span)
            }
            let name = try declare(type.name, in: namespace, at: type.span)
            guard entityTypes.insert(name).inserted else {
                throw error("`\(type.name)` is declared twice", at: type.span)
            }
            if commonTypes[name] != nil {
                warn("the common type `\(type.name)` hides the entity type of that name", at: type.span)
            }
        }
        let actionType = SchemaNames.actionType(in: namespace.name)
        if !namespace.actions.isEmpty { actionTypes.insert(actionType) }
        for action in namespace.actions {
            guard actions.insert(EntityUID(type: actionType, id: action.name)).inserted else {
                throw error("`\(action.name)` is declared twice", at: action.span)
            }
        }
    }

    private mutating func declare(
        _ name: CedarString, in namespace: SchemaSyntax.Namespace, at span: SourceSpan
    ) throws(Diagnostic) -> Name {
        guard name != "__cedar" else { throw error("use of the reserved `__cedar` namespace", at: span) }
        if SchemaNames.builtIn[name] != nil { warn("`\(name)` hides the built-in type of that name", at: span) }
        return Name(unchecked: name).qualified(by: namespace.name)
    }

    /// Checks that nothing of a namespace has the name of something of the empty one (RFC 70).
    private func checkShadowing(_ namespace: SchemaSyntax.Namespace) throws(Diagnostic) {
        let types =
            namespace.commonTypes.map { (name: $0.name, span: $0.span) }
            + namespace.entityTypes.map { (name: $0.name, span: $0.span) }
        for (name, span) in types {
            let name = Name(unchecked: name)
            guard commonTypes[name] == nil, !entityTypes.contains(name) else {
                throw shadowing("\(name.qualified(by: namespace.name))", "\(name)", at: span)
            }
        }
        for action in namespace.actions {
            let hidden = EntityUID(type: Name(unchecked: SchemaNames.action), id: action.name)
            guard !actions.contains(hidden) else {
                let type = SchemaNames.actionType(in: namespace.name)
                throw shadowing("\(EntityUID(type: type, id: action.name))", "\(hidden)", at: action.span)
            }
        }
    }

    // MARK: Meanings

    /// What `name` stands for within `namespace`, where something of `kinds` is meant; nil for nothing.
    func meaning(of name: Name, in namespace: Name?, _ kinds: Kinds) -> Meaning? {
        for candidate in candidates(name, in: namespace) {
            if kinds.contains(.common), commonTypes[candidate] != nil { return .common(candidate) }
            if kinds.contains(.entity), entityTypes.contains(candidate) { return .entity(candidate) }
            if kinds.contains(.action), actionTypes.contains(candidate) { return .entity(candidate) }
        }
        guard kinds.contains(.common), name.isUnqualified || name.namespace == SchemaNames.cedar else { return nil }
        return SchemaNames.builtIn[name.base].map(Meaning.builtIn)
    }

    /// The action that is called so within `namespace`, or nil where there is none.
    func action(_ reference: SchemaSyntax.ActionReference, in namespace: Name?) -> EntityUID? {
        candidates(reference.type ?? Name(unchecked: SchemaNames.action), in: namespace)
            .lazy.map { EntityUID(type: $0, id: reference.id) }.first(where: actions.contains)
    }

    private func candidates(_ name: Name, in namespace: Name?) -> [Name] {
        guard name.isUnqualified, namespace != nil else { return [name] }
        return [name.qualified(by: namespace), name]
    }

    // MARK: Diagnostics

    /// Something wrong with the schema.
    func error(_ message: String, at span: SourceSpan) -> Diagnostic {
        guard let source else { return Diagnostic("error parsing schema: \(message)") }
        return Diagnostic("error parsing schema: \(message)", at: span, in: source)
    }

    private mutating func warn(_ message: String, at span: SourceSpan) {
        warnings.append(source.map { Diagnostic(message, at: span, in: $0) } ?? Diagnostic(message))
    }

    private func shadowing(_ name: String, _ hidden: String, at span: SourceSpan) -> Diagnostic {
        error("definition of `\(name)` illegally shadows the existing definition of `\(hidden)`", at: span)
    }
}
