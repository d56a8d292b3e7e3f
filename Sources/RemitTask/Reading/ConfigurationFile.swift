// SPDX-License-Identifier: Apache-2.0

internal import RemitNetwork

extension Configuration {
    /// Decodes a configuration; `file` is what errors call it.
    ///
    /// - Throws: `FileError` at the first thing that is not as it must be.
    package static func decode(_ text: String, file: String) throws(FileError) -> Configuration {
        try decode(bytes: Array(text.utf8), file: file).value
    }

    /// Decodes the bytes of a configuration, and keeps the places of its parts.
    ///
    /// - Throws: `FileError` at the first thing that is not as it must be.
    package static func decode(bytes: [UInt8], file: String) throws(FileError) -> DecodedFile<Configuration> {
        let (root, object) = try Document.open(bytes, file: file, as: .configuration, shape: Shapes.configuration)
        let standard = Configuration.standard
        let network = object.optional("network")
        let sockets = try object.optional("sockets")?.map(keys: Name.problem, socket) ?? [:]
        let configuration = Configuration(
            trustDomain: try object.optional("trustDomain")?.text(checkedBy: TrustDomain.problem)
                ?? standard.trustDomain,
            defaultProfile: try object.optional("defaultProfile")?.text(checkedBy: Name.problem)
                ?? standard.defaultProfile,
            sockets: sockets,
            providers: try object.optional("providers")?.map(keys: Name.problem, provider) ?? [:],
            network: try network?.networkRules(Shapes.operatorNetwork) ?? NetworkRules(),
            hosts: try network?.hostAddresses() ?? [:],
            trust: try network?.upstreamTrust() ?? UpstreamTrust(),
            groups: try object.optional("groups")?.map(keys: Name.problem) { (value) throws(FileError) in
                try value.list(atLeast: 1) { (item) throws(FileError) in try item.networkRule() }
            } ?? [:],
            prices: try object.optional("prices").map { (reader) throws(FileError) in
                try reader.priceTable()
            } ?? PriceTable()
        )
        let decoded = DecodedFile(value: configuration, file: file, root: root)
        try refuseSharedTargets(decoded)
        try refuseUnknownGroups(decoded)
        return decoded
    }

    /// Reads and decodes a configuration from disk.
    ///
    /// - Throws: `FileError` when it cannot be read, or at the first thing that is not as it must be.
    package static func load(_ path: String) throws(FileError) -> DecodedFile<Configuration> {
        try decode(bytes: BoundedFile.read(path), file: path)
    }

    private static func socket(_ reader: ValueReader) throws(FileError) -> HostSocket {
        let object = try reader.object(Shapes.socket)
        let name = reader.path.split(separator: ".").last ?? "socket"
        return HostSocket(
            path: try object.required("path").text(checkedBy: SocketPath.problem),
            target: try object.optional("target")?.text(checkedBy: SocketTarget.problem)
                ?? "\(SocketTarget.directory)/\(name)"
        )
    }

    private static func refuseSharedTargets(_ decoded: DecodedFile<Configuration>) throws(FileError) {
        var owners: [String: String] = [:]
        let sockets = decoded.value.sockets.sorted {
            decoded.position(of: "sockets.\($0.key)") < decoded.position(of: "sockets.\($1.key)")
        }
        for (name, socket) in sockets {
            guard let owner = owners.updateValue(name, forKey: socket.target) else { continue }
            let path = "sockets.\(name).target"
            throw decoded.error(at: path, "`\(path)` is `\(socket.target)`, which is that of `\(owner)` already")
        }
    }

    private static func refuseUnknownGroups(_ decoded: DecodedFile<Configuration>) throws(FileError) {
        let rules = decoded.value.network
        for (list, entries) in [("allow", rules.allow ?? []), ("deny", rules.deny)] {
            for (index, entry) in entries.enumerated() {
                guard case .group(let name) = entry, decoded.value.group(named: name) == nil else { continue }
                throw decoded.error(at: "network.\(list)[\(index)].group", entry.unknownGroup(decoded.value))
            }
        }
    }

    private static func provider(_ reader: ValueReader) throws(FileError) -> ProviderInstance {
        let object = try reader.object(Shapes.provider)
        let kind = try object.required("kind").choice(ProviderKind.self)
        let command = object.optional("command")
        let words = try command?.command() ?? []
        switch (kind, command) {
        case (.command, nil):
            throw object.refuse(
                "missing key `command` in `\(reader.path)`, which is of kind `command`", at: object.node.position,
                hint: "write `command: [/usr/local/libexec/remit/PROGRAM]`"
            )
        case (.sessionToken, let command?), (.postgres, let command?), (.secret, let command?):
            throw command.refuse("is for `kind: command` only: `\(kind.rawValue)` brings its own program")
        case (.command, let command?):
            // A program looked up in $PATH would be whichever the caller of the supervisor prefers.
            if let problem = AbsolutePath.problem(words[0]) {
                throw command.refuse("begins with `\(Excerpt.of(words[0]))`, which \(problem)")
            }
        default: break
        }
        let secret = try secret(object, kind)
        let standard = ProviderInstance(kind: kind)
        return ProviderInstance(
            kind: kind,
            command: words,
            environment: try object.optional("environment")?.variables() ?? [:],
            settings: try object.optional("settings")?.map(keys: { $0.isEmpty ? "is empty" : nil }) {
                (value) throws(FileError) in try value.setting()
            } ?? [:],
            timeLimit: try object.optional("timeLimit")?.timeSpan() ?? standard.timeLimit,
            maximumTTL: try object.optional("maximumTTL")?.timeSpan(atLeast: .seconds(1)) ?? standard.maximumTTL,
            maximumLive: try object.optional("maximumLive")?.integer(in: Shapes.liveRange),
            secret: secret
        )
    }

    /// What a provider of kind `secret` has, and no other.
    private static func secret(_ object: ObjectReader, _ kind: ProviderKind) throws(FileError) -> SecretProvider? {
        let own = ["from", "placeholder", "inject"]
        guard kind == .secret else {
            for key in own {
                if let reader = object.optional(key) { throw reader.refuse("is for `kind: secret` only") }
            }
            return nil
        }
        for key in ["environment", "settings"] {
            if let reader = object.optional(key) { throw reader.refuse("is not for `kind: secret`") }
        }
        func needed(_ key: String, _ hint: String) throws(FileError) -> ValueReader {
            guard let reader = object.optional(key) else {
                throw object.refuse(
                    "missing key `\(key)` in `\(object.path)`, which is of kind `secret`", at: object.node.position,
                    hint: hint
                )
            }
            return reader
        }
        let source = try needed("from", "write `from: {file: /etc/remit/secrets/NAME}`").secretSource()
        let injections = try needed("inject", "write `inject: {host: api.example.com, header: authorization}`")
            .secretInjections()
        let placeholder = try object.optional("placeholder")?.text(checkedBy: PlaceholderShape.problem)
        return SecretProvider(source: source, placeholder: placeholder, injections: injections)
    }

    /// What is added to requests has no scope but those requests, and what is not added to any cannot be narrowed so.
    private static func checkSecret(
        _ request: CredentialRequest, of provider: ProviderInstance, at path: String,
        _ task: DecodedFile<TaskSpecification>
    ) throws(FileError) {
        if provider.kind == .secret, !request.scope.isEmpty {
            throw task.error(
                at: "\(path).scope",
                "`\(path).scope` is not for provider `\(request.provider)`, which is of kind `secret`",
                hint: "narrow the requests it is added to: `inject: {methods: [GET], paths: [/v1/**]}`"
            )
        }
        if provider.kind != .secret, request.inject != nil {
            throw task.error(
                at: "\(path).inject",
                "`\(path).inject` is for providers of kind `secret`, and `\(request.provider)` is of kind "
                    + "`\(provider.kind.rawValue)`"
            )
        }
    }

    /// Checks what a task asks of this configuration: its providers, their longest time to live, its sockets.
    ///
    /// - Throws: `FileError` in the task file.
    package func check(_ task: DecodedFile<TaskSpecification>) throws(FileError) {
        for (index, request) in task.value.credentials.enumerated() {
            let path = "credentials[\(index)]"
            guard let provider = provider(named: request.provider) else {
                let ending = Spelling.ending(for: request.provider, among: providerNames)
                throw task.error(
                    at: "\(path).provider", "unknown provider `\(request.provider)`\(ending)",
                    hint: "providers are configured by the operator of this host"
                )
            }
            try Self.checkSecret(request, of: provider, at: path, task)
            if request.lifetime > provider.maximumTTL, request.ttl != nil {
                throw task.error(
                    at: "\(path).ttl",
                    "`\(path).ttl` is `\(request.lifetime)`, "
                        + "but provider `\(request.provider)` allows `\(provider.maximumTTL)`"
                )
            }
        }
        for (index, name) in task.value.sockets.enumerated() where sockets[name] == nil {
            let ending = Spelling.ending(for: name, among: sockets.keys.sorted())
            throw task.error(
                at: "sockets[\(index)]", "unknown socket `\(name)`\(ending)",
                hint: "sockets are configured by the operator of this host"
            )
        }
    }
}
