// SPDX-License-Identifier: Apache-2.0

internal import RemitNetwork

/// Reads task files.
package enum TaskFile {
    /// Decodes a task; `file` is what errors call it.
    ///
    /// - Throws: `FileError` at the first thing that is not as it must be.
    package static func decode(_ text: String, file: String) throws(FileError) -> TaskSpecification {
        try decode(bytes: Array(text.utf8), file: file).value
    }

    /// Decodes the bytes of a task, and keeps the places of its parts.
    ///
    /// - Throws: `FileError` at the first thing that is not as it must be.
    package static func decode(bytes: [UInt8], file: String) throws(FileError) -> DecodedFile<TaskSpecification> {
        let (root, object) = try Document.open(bytes, file: file, as: .task, shape: Shapes.task)
        return DecodedFile(value: try task(object), file: file, root: root)
    }

    /// Reads and decodes a task from disk.
    ///
    /// - Throws: `FileError` when it cannot be read, or at the first thing that is not as it must be.
    package static func load(_ path: String) throws(FileError) -> DecodedFile<TaskSpecification> {
        try decode(bytes: BoundedFile.read(path), file: path)
    }

    private static func task(_ object: ObjectReader) throws(FileError) -> TaskSpecification {
        let environment = try object.optional("environment")?.variables() ?? [:]
        return TaskSpecification(
            name: try object.required("name").text(checkedBy: Name.problem),
            intent: try object.optional("intent")?.text(),
            owner: try object.optional("owner")?.text(),
            ticket: try object.optional("ticket")?.text(),
            profile: try object.optional("profile")?.text(checkedBy: Name.problem),
            command: try object.optional("command")?.command(),
            workspace: try object.optional("workspace").map(workspace),
            environment: environment,
            limits: try object.optional("limits")?.limits() ?? Limits(),
            deadline: try object.optional("deadline")?.timeSpan(),
            idle: try object.optional("idle")?.timeSpan(),
            sockets: try object.optional("sockets")?.uniqueTexts(checkedBy: Name.problem) ?? [],
            credentials: try object.optional("credentials").map { (reader) throws(FileError) in
                try credentials(reader, environment: environment)
            } ?? [],
            network: try object.optional("network").map { (reader) throws(FileError) in
                try reader.networkRules()
            } ?? NetworkRules(),
            budget: try object.optional("budget").map { (reader) throws(FileError) in
                try reader.budgetPlan()
            } ?? BudgetPlan(),
            outcome: try object.optional("outcome").map(outcome)
        )
    }

    private static func workspace(_ reader: ValueReader) throws(FileError) -> Workspace {
        let object = try reader.object(Shapes.workspace)
        let path = try object.required("path")
        let text = try path.text()
        if text == "~" || text.hasPrefix("~/") {
            throw path.refuse("is `\(Excerpt.of(text))`: `~` is not expanded here", hint: "write the path out")
        }
        if text.contains("$") {
            throw path.refuse("is `\(Excerpt.of(text))`: variables are not expanded here", hint: "write the path out")
        }
        return Workspace(path: text, mode: try object.optional("mode")?.choice() ?? .read)
    }

    private static func credentials(
        _ reader: ValueReader, environment: [String: String]
    ) throws(FileError) -> [CredentialRequest] {
        var names: Set<String> = []
        var variables = Set(environment.keys)
        return try reader.list { (item) throws(FileError) in
            let object = try item.object(Shapes.credential)
            let request = try credential(object)
            guard names.insert(request.name).inserted else {
                throw try object.required("name").refuse("repeats the name `\(request.name)`")
            }
            if case .environment(let variable) = request.expose, !variables.insert(variable).inserted {
                throw try object.required("variable").refuse("repeats the variable `\(variable)`, which is set already")
            }
            return request
        }
    }

    private static func credential(_ object: ObjectReader) throws(FileError) -> CredentialRequest {
        CredentialRequest(
            name: try object.required("name").text(checkedBy: Name.problem),
            provider: try object.required("provider").text(checkedBy: Name.problem),
            scope: try object.optional("scope").map(scope) ?? [:],
            ttl: try object.optional("ttl")?.timeSpan(atLeast: .seconds(1)),
            expose: try exposure(object),
            inject: try object.optional("inject").map { (reader) throws(FileError) in try reader.injectionNarrowing() }
        )
    }

    private static func scope(_ reader: ValueReader) throws(FileError) -> [String: ScopeValue] {
        try reader.map(keys: { $0.isEmpty ? "is empty" : nil }) { (value) throws(FileError) in
            guard case .list = value.node.content else { return .one(try value.text()) }
            return .many(try value.list(atLeast: 1) { (item) throws(FileError) in try item.text() })
        }
    }

    private static func exposure(_ object: ObjectReader) throws(FileError) -> Exposure {
        let expose = object.optional("expose")
        let variable = object.optional("variable")
        let name = try variable?.text(checkedBy: VariableName.problem)
        switch (try expose?.choice() ?? ExposureWord.file, name) {
        case (.file, nil): return .file
        case (.env, let name?): return .environment(variable: name)
        case (.env, nil):
            throw try object.required("expose").refuse(
                "is `env` without a variable", hint: "add `variable: NAME`, or use `expose: file`"
            )
        case (.file, .some):
            throw try object.required("variable").refuse(
                "is for `expose: env` only", hint: "remove it, or write `expose: env`"
            )
        }
    }

    private static func outcome(_ reader: ValueReader) throws(FileError) -> Outcome {
        let object = try reader.object(Shapes.outcome)
        let changed = try object.optional("changed")?.list { (item) throws(FileError) in
            let text = try item.text(checkedBy: PathPattern.problem)
            guard let pattern = PathPattern(text) else { throw item.refuse("is not a path pattern") }
            return pattern
        }
        let artifacts = try object.optional("artifacts")?.uniqueTexts(checkedBy: RelativePath.problem)
        return Outcome(changed: changed, artifacts: artifacts ?? [], verify: try object.optional("verify")?.command())
    }
}
