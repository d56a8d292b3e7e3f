// SPDX-License-Identifier: Apache-2.0
// The shapes of the three kinds of file. Change one, and `schemas/` must follow: a test compares them.

/// The shapes of our files and of the maps within them.
package enum Shapes {
    /// A task file.
    package static let task = ObjectShape(
        "task",
        header(.task) + [
            .required("name", name),
            .optional("intent", .freeText),
            .optional("owner", .freeText),
            .optional("ticket", .freeText),
            .optional("profile", name),
            .optional("command", command),
            .optional("workspace", .object(workspace)),
            .optional("environment", variables),
            .optional("limits", .object(limits)),
            .optional("deadline", .timeSpan),
            .optional("idle", .timeSpan),
            .optional("sockets", .list(name, atLeast: 0)),
            .optional("credentials", .list(.object(credential), atLeast: 0)),
            .optional("network", .object(network)),
            .optional("budget", .object(budget)),
            .optional("outcome", .object(outcome)),
        ])

    /// A profile file.
    package static let profile = ObjectShape(
        "profile",
        header(.profile) + [
            .required("name", name),
            .optional("description", .freeText),
            .optional("extends", name),
            .optional("filesystem", .object(filesystem)),
            .optional("etc", .object(etc)),
            .optional("environment", .object(environment)),
            .optional("systemCalls", .object(systemCalls)),
            .optional("limits", .object(limits)),
            .optional("network", .object(network)),
            .optional("layers", .object(layers)),
            .optional("tests", .list(.object(test), atLeast: 0)),
        ])

    /// The operator's configuration.
    package static let configuration = ObjectShape(
        "configuration",
        header(.configuration) + [
            .optional("trustDomain", .text(pattern: TrustDomain.pattern)),
            .optional("defaultProfile", name),
            .optional("sockets", .map(keys: Name.pattern, .object(socket))),
            .optional("providers", .map(keys: Name.pattern, .object(provider))),
            .optional("network", .object(operatorNetwork)),
            .optional("groups", .map(keys: Name.pattern, .list(.either(host, .object(networkRule)), atLeast: 1))),
            .optional("prices", .map(keys: ModelPattern.pattern, .object(price))),
        ])

    static let workspace = ObjectShape(
        "workspace",
        [
            .required("path", .freeText),
            .optional("mode", words(WorkspaceMode.self)),
        ])

    static let limits = ObjectShape(
        "limits",
        [
            .optional("memory", .byteCount),
            .optional("processes", .integer(processRange)),
            .optional("cpu", .decimal),
            .optional("openFiles", .integer(openFileRange)),
            .optional("fileSize", .byteCount),
            .optional("io", .object(transfer)),
            .optional("whenReached", words(LimitAction.self)),
        ])

    static let transfer = ObjectShape(
        "transfer limits", [.optional("read", .byteCount), .optional("write", .byteCount)])

    static let credential = ObjectShape(
        "credential",
        [
            .required("name", name),
            .required("provider", name),
            .optional("scope", .map(keys: nil, .either(.freeText, .list(.freeText, atLeast: 1)))),
            .optional("ttl", .timeSpan),
            .optional("expose", words(ExposureWord.self)),
            .optional("variable", .text(pattern: VariableName.pattern)),
            .optional("inject", .object(narrowing)),
        ])

    static let outcome = ObjectShape(
        "outcome",
        [
            .optional("changed", .list(.text(pattern: RelativePath.pattern), atLeast: 0)),
            .optional("artifacts", .list(.text(pattern: RelativePath.pattern), atLeast: 0)),
            .optional("verify", command),
        ])

    static let filesystem = ObjectShape(
        "file system",
        [
            .optional("binds", .list(.either(absolute, .object(bind)), atLeast: 0)),
            .optional("links", .map(keys: AbsolutePath.pattern, .freeText)),
            .optional("temporary", .object(volume)),
            .optional("home", .object(volume)),
            .optional("processes", words(ProcessView.self)),
            .optional("installations", .map(keys: ProgramName.pattern, absolute)),
            .optional("workspace", words(AccessMode.self)),
        ])

    static let bind = ObjectShape(
        "bind",
        [
            .required("source", absolute),
            .optional("target", absolute),
            .optional("mode", words(AccessMode.self)),
            .optional("execute", .boolean),
            .optional("required", .boolean),
        ])

    static let volume = ObjectShape("volume", [.required("size", .byteCount)])

    static let etc = ObjectShape(
        "etc",
        [
            .optional("copy", .list(.text(pattern: EtcPath.pattern), atLeast: 0)),
            .optional("files", .map(keys: RelativePath.pattern, .freeText)),
        ])

    static let environment = ObjectShape(
        "environment",
        [
            .optional("allow", .list(.text(pattern: VariablePattern.pattern), atLeast: 0)),
            .optional("set", variables),
        ])

    static let systemCalls = ObjectShape(
        "system calls",
        [
            .optional("allow", .list(.text(pattern: SystemCallName.pattern), atLeast: 0)),
            .optional("deny", .list(.text(pattern: SystemCallName.pattern), atLeast: 0)),
        ])

    static let layers = ObjectShape("layers", [.required("required", .list(words(Layer.self), atLeast: 0))])

    static let socket = ObjectShape(
        "socket",
        [
            .required("path", absolute),
            .optional("target", .text(pattern: SocketTarget.pattern)),
        ])

    static let provider = ObjectShape(
        "provider",
        [
            .required("kind", words(ProviderKind.self)),
            .optional("command", command),
            .optional("environment", variables),
            .optional("settings", .map(keys: nil, .tree)),
            .optional("timeLimit", .timeSpan),
            .optional("maximumTTL", .timeSpan),
            .optional("maximumLive", .integer(liveRange)),
            .optional("from", .object(secretSource)),
            .optional("placeholder", .text(pattern: PlaceholderShape.pattern)),
            .optional("inject", .either(.object(injection), .list(.object(injection), atLeast: 1))),
        ])

    static let processRange = 1...4_194_304
    static let openFileRange = 16...1_048_576
    static let liveRange = 1...1_000_000
    static let largestCPU = 4096.0

    static let name = ValueShape.text(pattern: Name.pattern)
    static let absolute = ValueShape.text(pattern: AbsolutePath.pattern)
    static let command = ValueShape.list(.freeText, atLeast: 1)
    private static let variables = ValueShape.map(keys: VariableName.pattern, .freeText)

    private static func header(_ kind: DocumentKind) -> [FieldShape] {
        [.required("apiVersion", .choice([Document.version])), .required("kind", .choice([kind.rawValue]))]
    }

    static func words<Word: RawRepresentable<String> & CaseIterable>(_: Word.Type) -> ValueShape {
        .choice(Word.allCases.map(\.rawValue))
    }
}

/// The words of `expose`.
enum ExposureWord: String, CaseIterable {
    case file, env
}
