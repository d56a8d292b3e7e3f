// SPDX-License-Identifier: Apache-2.0

/// Parses the text form of schemas.
struct SchemaTextParser {
    private let source: SourceText
    private let limits: SyntaxLimits
    private var lexer: Lexer
    private var token: Token
    private var nesting = 0

    /// Parses a schema.
    /// - Throws: What is wrong with the text, and where.
    static func parse(_ source: SourceText, limits: SyntaxLimits) throws(Diagnostic) -> SchemaSyntax {
        guard source.bytes.count <= limits.bytes else {
            throw Diagnostic("error parsing schema: the text is longer than \(limits.bytes) bytes")
        }
        var parser = try SchemaTextParser(source: source, limits: limits)
        return try parser.schema()
    }

    private init(source: SourceText, limits: SyntaxLimits) throws(Diagnostic) {
        self.source = source
        self.limits = limits
        lexer = Lexer(source)
        token = try lexer.next()
    }

    private mutating func schema() throws(Diagnostic) -> SchemaSyntax {
        var schema = SchemaSyntax()
        var unnamed = SchemaSyntax.Namespace(name: nil)
        var names: Set<Name> = []
        while token.kind != .end {
            let annotations = try annotations()
            guard isWord("namespace") else {
                try declaration(annotations, into: &unnamed)
                continue
            }
            try advance()
            let span = token.span
            let name = try path()
            guard !name.isInCedar else { throw error("use of the reserved `__cedar` namespace", at: span) }
            guard names.insert(name).inserted else { throw error("duplicate namespace id: `\(name)`", at: span) }
            var namespace = SchemaSyntax.Namespace(name: name)
            namespace.annotations = annotations
            namespace.span = span
            try expect(.openBrace, "{")
            while token.kind != .closeBrace { try declaration(try self.annotations(), into: &namespace) }
            try advance()
            schema.namespaces.append(namespace)
        }
        let isEmpty = unnamed.commonTypes.isEmpty && unnamed.entityTypes.isEmpty && unnamed.actions.isEmpty
        if !isEmpty { schema.namespaces.insert(unnamed, at: 0) }
        return schema
    }

    private mutating func annotations() throws(Diagnostic) -> [Annotation] {
        var annotations: [Annotation] = []
        while token.kind == .at {
            let start = token.span
            try advance()
            let key = CedarString(try word())
            var span = start.joined(with: token.span)
            try advance()
            var value: CedarString?
            if token.kind == .openParenthesis {
                try advance()
                value = try string()
                span = span.joined(with: token.span)
                try expect(.closeParenthesis, ")")
            }
            guard !annotations.contains(where: { $0.key == key }) else {
                throw error("duplicate annotations: `\(key)`", at: span)
            }
            annotations.append(Annotation(key: key, value: value, span: span))
        }
        return annotations
    }

    // MARK: Declarations

    private mutating func declaration(
        _ annotations: [Annotation], into namespace: inout SchemaSyntax.Namespace
    ) throws(Diagnostic) {
        switch try token.kind == .identifier ? word() : "" {
        case "entity": try entity(annotations, into: &namespace)
        case "action": try action(annotations, into: &namespace)
        case "type": try commonType(annotations, into: &namespace)
        default: throw unexpected("expected `entity`, `action` or `type`")
        }
    }

    private mutating func commonType(
        _ annotations: [Annotation], into namespace: inout SchemaSyntax.Namespace
    ) throws(Diagnostic) {
        try advance()
        let (name, span) = try identifier()
        try expect(.assign, "=")
        let type = try type()
        try expect(.semicolon, ";")
        namespace.commonTypes.append(
            SchemaSyntax.CommonType(name: name, annotations: annotations, type: type, span: span))
    }

    private mutating func entity(
        _ annotations: [Annotation], into namespace: inout SchemaSyntax.Namespace
    ) throws(Diagnostic) {
        try advance()
        var names = [try identifier()]
        while try skip(.comma) { names.append(try identifier()) }
        let kind: SchemaSyntax.EntityType.Kind
        if isWord("enum") {
            try advance()
            try expect(.openBracket, "[")
            var ids = [try string()]
            while try skip(.comma) { ids.append(try string()) }
            try expect(.closeBracket, "]")
            kind = .enumeration(ids)
        } else {
            kind = try standardEntity()
        }
        try expect(.semicolon, ";")
        for (name, span) in names {
            namespace.entityTypes.append(
                SchemaSyntax.EntityType(name: name, annotations: annotations, kind: kind, span: span))
        }
    }

    private mutating func standardEntity() throws(Diagnostic) -> SchemaSyntax.EntityType.Kind {
        var parents: [SchemaSyntax.Reference] = []
        var shape = TypeSyntax(.record([]))
        var tags: TypeSyntax?
        if isWord("in") {
            try advance()
            parents = try entityTypes()
        }
        if try skip(.assign) || token.kind == .openBrace { shape = try record() }
        if isWord("tags") {
            try advance()
            tags = try type()
        }
        return .standard(parents: parents, shape: shape, tags: tags)
    }

    private mutating func action(
        _ annotations: [Annotation], into namespace: inout SchemaSyntax.Namespace
    ) throws(Diagnostic) {
        try advance()
        var names = [try name()]
        while try skip(.comma) { names.append(try name()) }
        var parents: [SchemaSyntax.ActionReference] = []
        if isWord("in") {
            try advance()
            if try skip(.openBracket) {
                parents.append(try actionReference())
                while try skip(.comma) { parents.append(try actionReference()) }
                try expect(.closeBracket, "]")
            } else {
                parents.append(try actionReference())
            }
        }
        var appliesTo: SchemaSyntax.AppliesTo?
        if isWord("appliesTo") {
            try advance()
            appliesTo = try self.appliesTo(of: names[0])
        }
        if isWord("attributes") {
            try advance()
            try expect(.openBrace, "{")
            try expect(.closeBrace, "}")
        }
        try expect(.semicolon, ";")
        for (name, span) in names {
            namespace.actions.append(
                SchemaSyntax.Action(
                    name: name, annotations: annotations, parents: parents, appliesTo: appliesTo, span: span))
        }
    }

    private mutating func actionReference() throws(Diagnostic) -> SchemaSyntax.ActionReference {
        let start = token.span
        if token.kind == .string { return SchemaSyntax.ActionReference(type: nil, id: try string(), span: start) }
        var path = [try identifier().name]
        while try skip(.path) {
            if token.kind == .string {
                let span = start.joined(with: token.span)
                return SchemaSyntax.ActionReference(type: Name(path: path), id: try string(), span: span)
            }
            path.append(try identifier().name)
        }
        guard path.count == 1 else { throw unexpected("expected `::`") }
        return SchemaSyntax.ActionReference(type: nil, id: path[0], span: start)
    }

    private mutating func appliesTo(
        of action: (name: CedarString, span: SourceSpan)
    ) throws(Diagnostic) -> SchemaSyntax.AppliesTo {
        try expect(.openBrace, "{")
        var principals: [SchemaSyntax.Reference]?
        var resources: [SchemaSyntax.Reference]?
        var context: TypeSyntax?
        repeat {
            let span = token.span
            let part = try token.kind == .identifier ? word() : ""
            guard ["principal", "resource", "context"].contains(part) else {
                throw unexpected("expected `principal`, `resource` or `context`")
            }
            try advance()
            try expect(.colon, ":")
            let isDuplicate: Bool
            switch part {
            case "context":
                isDuplicate = context != nil
                context = try contextType()
            case "principal":
                isDuplicate = principals != nil
                principals = try entityTypes()
            default:
                isDuplicate = resources != nil
                resources = try entityTypes()
            }
            let isEmpty = part == "principal" && principals == [] || part == "resource" && resources == []
            guard !isEmpty else {
                throw error("for action `\(action.name)`, `\(part)` is `[]`, which is invalid", at: span)
            }
            guard !isDuplicate else {
                throw error("duplicate `\(part)` declaration in action `\(action.name)`", at: span)
            }
        } while try skip(.comma) && token.kind != .closeBrace
        try expect(.closeBrace, "}")
        guard let principals else { throw missing("principal", of: action) }
        guard let resources else { throw missing("resource", of: action) }
        return SchemaSyntax.AppliesTo(
            principals: principals, resources: resources, context: context ?? TypeSyntax(.record([])))
    }

    private mutating func contextType() throws(Diagnostic) -> TypeSyntax {
        if token.kind == .openBrace { return try record() }
        let start = token.span
        let name = try path()
        return TypeSyntax(.common(name), span: start)
    }

    private mutating func entityTypes() throws(Diagnostic) -> [SchemaSyntax.Reference] {
        guard try skip(.openBracket) else { return [try reference()] }
        var references: [SchemaSyntax.Reference] = []
        if token.kind != .closeBracket {
            repeat { references.append(try reference()) } while try skip(.comma)
        }
        try expect(.closeBracket, "]")
        return references
    }

    private mutating func reference() throws(Diagnostic) -> SchemaSyntax.Reference {
        let span = token.span
        return SchemaSyntax.Reference(name: try path(), span: span)
    }

    // MARK: Types

    private mutating func type() throws(Diagnostic) -> TypeSyntax {
        if token.kind == .openBrace { return try record() }
        let start = token.span
        if isWord("Set") {
            var ahead = lexer
            if try ahead.next().kind == .less {
                try enter()
                try advance()
                try advance()
                let element = try type()
                let span = start.joined(with: token.span)
                try expect(.greater, ">")
                nesting -= 1
                return TypeSyntax(.set(element), span: span)
            }
        }
        return TypeSyntax(.entityOrCommon(try path()), span: start)
    }

    private mutating func record() throws(Diagnostic) -> TypeSyntax {
        let start = token.span
        try enter()
        try expect(.openBrace, "{")
        var attributes: [TypeSyntax.Attribute] = []
        while token.kind != .closeBrace {
            let annotations = try annotations()
            let (name, span) = try name()
            let isRequired = try !skip(.question)
            try expect(.colon, ":")
            let type = try type()
            attributes.append(
                TypeSyntax.Attribute(
                    name: name, annotations: annotations, type: type, isRequired: isRequired, span: span))
            guard try skip(.comma) else { break }
        }
        let span = start.joined(with: token.span)
        try expect(.closeBrace, "}")
        nesting -= 1
        return TypeSyntax(.record(attributes), span: span)
    }

    private mutating func enter() throws(Diagnostic) {
        nesting += 1
        guard nesting <= limits.nesting else {
            throw error("types are nested more than \(limits.nesting) deep", at: token.span)
        }
    }

    // MARK: Names

    private mutating func path() throws(Diagnostic) -> Name {
        var path = [try identifier().name]
        while try skip(.path) { path.append(try identifier().name) }
        return Name(path: path)
    }

    /// The name of an attribute or an action: an identifier or a string.
    private mutating func name() throws(Diagnostic) -> (name: CedarString, span: SourceSpan) {
        let span = token.span
        return token.kind == .string ? (try string(), span) : try identifier()
    }

    private mutating func identifier() throws(Diagnostic) -> (name: CedarString, span: SourceSpan) {
        let span = token.span
        let name = CedarString(try word())
        guard !Identifier.isReserved(name) || name == "__cedar" else {
            throw error("`\(name)` is a reserved identifier", at: span)
        }
        try advance()
        return (name, span)
    }

    private mutating func string() throws(Diagnostic) -> CedarString {
        guard token.kind == .string else { throw unexpected("expected a string") }
        let text: CedarString
        do {
            text = try StringLiteral.text(of: token, in: source)
        } catch {
            throw Diagnostic("error parsing schema: \(error.message)", at: error.span ?? token.span, in: source)
        }
        try advance()
        return text
    }

    // MARK: Tokens

    private func word() throws(Diagnostic) -> String {
        guard token.kind == .identifier else { throw unexpected("expected an identifier") }
        return source.text(of: token.span)
    }

    private func isWord(_ word: String) -> Bool {
        token.kind == .identifier && source.text(of: token.span) == word
    }

    private mutating func advance() throws(Diagnostic) {
        token = try lexer.next()
    }

    private mutating func skip(_ kind: Token.Kind) throws(Diagnostic) -> Bool {
        guard token.kind == kind else { return false }
        try advance()
        return true
    }

    private mutating func expect(_ kind: Token.Kind, _ text: String) throws(Diagnostic) {
        guard token.kind == kind else { throw unexpected("expected `\(text)`") }
        try advance()
    }

    private func missing(_ part: String, of action: (name: CedarString, span: SourceSpan)) -> Diagnostic {
        error("missing `\(part)` declaration for `\(action.name)`", at: action.span)
    }

    private func unexpected(_ hint: String) -> Diagnostic {
        let what = token.kind == .end ? "unexpected end of input" : "unexpected token `\(source.text(of: token.span))`"
        var diagnostic = error(what, at: token.span)
        diagnostic.hint = hint
        return diagnostic
    }

    private func error(_ message: String, at span: SourceSpan) -> Diagnostic {
        Diagnostic("error parsing schema: \(message)", at: span, in: source)
    }
}
