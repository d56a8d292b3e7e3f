// SPDX-License-Identifier: Apache-2.0
// Where secrets come from, and where they are added.

internal import RemitNetwork

extension ValueReader {
    /// `from:` of a secret: one source.
    func secretSource() throws(FileError) -> SecretSource {
        let object = try object(Shapes.secretSource)
        let found = Shapes.secretSource.fields.compactMap { object.optional($0.key) }
        guard let reader = found.first else {
            throw refuse("names no source", hint: "write `{file: /etc/remit/secrets/NAME}`, or `env`, or `command`")
        }
        guard found.count == 1 else { throw found[1].refuse("is a second source") }
        if let variable = object.optional("env") {
            return .environment(try variable.text(checkedBy: VariableName.problem))
        }
        if let name = object.optional("systemdCredential") {
            return .systemdCredential(try name.text(checkedBy: SystemdCredentialName.problem))
        }
        if let command = object.optional("command") {
            let words = try command.command()
            // A program looked up in $PATH would be whichever the caller of the supervisor prefers.
            if let problem = AbsolutePath.problem(words[0]) {
                throw command.refuse("begins with `\(Excerpt.of(words[0]))`, which \(problem)")
            }
            return .command(words)
        }
        return .file(try reader.text(checkedBy: AbsolutePath.problem))
    }

    /// `inject:` of a secret: one map, or a list of them.
    func secretInjections() throws(FileError) -> [SecretInjection] {
        guard case .list = node.content else { return [try secretInjection()] }
        let injections = try list(atLeast: 1) { (item) throws(FileError) in try item.secretInjection() }
        guard injections.allSatisfy({ $0.isSignature == injections[0].isSignature }) else {
            throw refuse("has `sigv4` next to others: a key pair signs, and is nothing else")
        }
        return injections
    }

    private func secretInjection() throws(FileError) -> SecretInjection {
        let object = try object(Shapes.injection)
        let host = try object.required("host").hostPattern()
        if host == .any { throw try object.required("host").refuse("is `*`: a secret belongs to a host") }
        return SecretInjection(
            host: host,
            ports: try object.optional("ports")?.ports(),
            methods: try object.optional("methods")?.methods() ?? [],
            paths: try object.optional("paths")?.paths() ?? [],
            slot: try secretSlot(object),
            clearText: try object.optional("clearText")?.boolean() ?? false
        )
    }

    private func secretSlot(_ object: ObjectReader) throws(FileError) -> SecretSlot {
        let found = ["header", "basic", "query", "body", "sigv4"].compactMap { object.optional($0) }
        guard let reader = found.first else {
            throw refuse(
                "does not say where in the request",
                hint: "add `header: NAME`, `basic: true`, `query: NAME`, `body: true` or `sigv4: {}`"
            )
        }
        guard found.count == 1 else { throw found[1].refuse("is a second place", hint: "write a list of injections") }
        if let header = object.optional("header") {
            return .header(try header.text(checkedBy: HeaderName.problem).lowercased())
        }
        if let query = object.optional("query") { return .query(try query.text(checkedBy: QueryName.problem)) }
        if let signature = object.optional("sigv4") {
            let scope = try signature.object(Shapes.signature)
            return .sigV4(
                SigV4Scope(
                    services: try scope.optional("services")?.signatureWords() ?? [],
                    regions: try scope.optional("regions")?.signatureWords() ?? []
                )
            )
        }
        guard try reader.boolean() else { throw reader.refuse("is `false`: leave it out") }
        return object.optional("basic") == nil ? .body : .basic
    }

    private func signatureWords() throws(FileError) -> Set<String> {
        _ = try items(atLeast: 1)
        return Set(try uniqueTexts(checkedBy: SignatureWord.problem))
    }

    /// `inject:` of a task's credential: what is left of its provider's.
    func injectionNarrowing() throws(FileError) -> InjectionNarrowing {
        let object = try object(Shapes.narrowing)
        return InjectionNarrowing(
            host: try object.optional("host")?.hostPattern(),
            ports: try object.optional("ports")?.ports(),
            methods: try object.optional("methods")?.methods(),
            paths: try object.optional("paths")?.paths()
        )
    }
}
