// SPDX-License-Identifier: Apache-2.0

/// The names that the language keeps for itself in schemas.
enum SchemaNames {
    /// The namespace of the types that the language defines.
    static let cedar = Name(unchecked: "__cedar")

    /// The last part of the type of every action.
    static let action: CedarString = "Action"

    /// The types that need no declaration: what their names stand for unless something else is declared by that name,
    /// and always within `__cedar`.
    static let builtIn: [CedarString: CedarType] = {
        var types: [CedarString: CedarType] = ["Bool": .bool, "Long": .long, "String": .string]
        for type in ExtensionType.allCases { types[CedarString(type.rawValue)] = .extension(type) }
        return types
    }()

    /// Whether a common type must not be called `name`, since JSON uses it as a keyword.
    static func isKeyword(_ name: CedarString) -> Bool {
        switch name {
        case "Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String": true
        default: false
        }
    }

    /// The name in its normal form that `text` is, `__cedar` included, or nil where it isn't one.
    static func name(_ text: CedarString) -> Name? {
        let name = Name(unchecked: text)
        let isName = name.path.allSatisfy { part in
            Identifier.isWellFormed(part) && (part == "__cedar" || !Identifier.isReserved(part))
        }
        return isName ? name : nil
    }

    /// The type of the actions of a namespace.
    static func actionType(in namespace: Name?) -> Name {
        Name(unchecked: action).qualified(by: namespace)
    }
}

extension Name {
    /// Whether entities of the type are actions.
    var isAction: Bool {
        text == SchemaNames.action || text.utf8.suffix(8).elementsEqual("::Action".utf8)
    }

    /// Whether the name, or a namespace in it, is reserved for the language.
    var isInCedar: Bool { path.contains("__cedar") }
}
