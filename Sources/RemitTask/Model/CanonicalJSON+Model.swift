// SPDX-License-Identifier: Apache-2.0
// The canonical form of each kind of file: its keys as written there, with defaults filled in.

internal import RemitNetwork

extension TaskSpecification {
    /// The task in the one form that its digest is taken of.
    package func canonicalJSON() -> [UInt8] {
        CanonicalJSON.object([
            "apiVersion": .string(Document.version), "kind": .string(DocumentKind.task.rawValue), "name": .string(name),
            "intent": .text(intent), "owner": .text(owner), "ticket": .text(ticket), "profile": .text(profile),
            "command": command.map(CanonicalJSON.texts),
            "workspace": workspace.map { .map(["path": .string($0.path), "mode": .string($0.mode.rawValue)]) },
            "environment": .texts(environment), "limits": limits.canonical, "deadline": .text(deadline),
            "idle": .text(idle), "sockets": .texts(sockets), "credentials": .list(credentials.map(\.canonical)),
            "network": network.canonical, "budget": budget.canonical, "outcome": outcome?.canonical,
        ]).bytes
    }
}

extension Profile {
    /// The resolved profile in the one form that its digest is taken of; origins, ancestry
    /// and tests do not count.
    package func canonicalJSON() -> [UInt8] {
        CanonicalJSON.object([
            "apiVersion": .string(Document.version), "kind": .string(DocumentKind.profile.rawValue),
            "name": .string(name), "description": .text(description), "filesystem": filesystem.canonical,
            "etc": .map(["copy": .texts(etc.copy), "files": .texts(etc.files)]),
            "environment": .map(["allow": .texts(environment.allow), "set": .texts(environment.set)]),
            "systemCalls": .map(["allow": .texts(systemCalls.allow), "deny": .texts(systemCalls.deny)]),
            "limits": limits.canonical, "network": network.canonical,
            "layers": .map(["required": .texts(requiredLayers.map(\.rawValue))]),
        ]).bytes
    }
}

extension Configuration {
    /// The configuration in the one form that its digest is taken of.
    package func canonicalJSON() -> [UInt8] {
        CanonicalJSON.object([
            "apiVersion": .string(Document.version), "kind": .string(DocumentKind.configuration.rawValue),
            "trustDomain": .string(trustDomain), "defaultProfile": .string(defaultProfile),
            "sockets": .map(sockets.mapValues { .map(["path": .string($0.path), "target": .string($0.target)]) }),
            "providers": .map(providers.mapValues(\.canonical)), "network": network.canonical(with: trust, hosts),
            "groups": .map(groups.mapValues { .list($0.map(\.canonical)) }),
            "prices": .map(prices.prices.mapValues(\.canonical)),
        ]).bytes
    }
}

extension SettingValue {
    /// The value as JSON, as it is sent to a provider's program.
    package var canonical: CanonicalJSON {
        switch self {
        case .string(let value): .string(value)
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .boolean(let value): .boolean(value)
        case .list(let values): .list(values.map(\.canonical))
        case .map(let values): .map(values.mapValues(\.canonical))
        }
    }
}

extension ScopeValue {
    /// The value as JSON, as it is sent to a provider's program.
    package var canonical: CanonicalJSON {
        switch self {
        case .one(let value): .string(value)
        case .many(let values): .texts(values)
        }
    }
}

extension Limits {
    fileprivate var canonical: CanonicalJSON {
        .object([
            "memory": .text(memory), "processes": .integer(processes), "cpu": cpu.map(CanonicalJSON.number),
            "openFiles": .integer(openFiles), "fileSize": .text(fileSize), "io": io?.canonical,
            "whenReached": .text(whenReached?.rawValue),
        ])
    }
}

extension TransferLimits {
    fileprivate var canonical: CanonicalJSON { .object(["read": .text(read), "write": .text(write)]) }
}

extension CredentialRequest {
    fileprivate var canonical: CanonicalJSON {
        var values: [String: CanonicalJSON] = [
            "name": .string(name), "provider": .string(provider), "scope": .map(scope.mapValues(\.canonical)),
            "ttl": .string(lifetime.description), "expose": .string(ExposureWord.file.rawValue),
        ]
        if case .environment(let variable) = expose {
            values["expose"] = .string(ExposureWord.env.rawValue)
            values["variable"] = .string(variable)
        }
        values["inject"] = inject?.canonical
        return .map(values)
    }
}

extension Outcome {
    fileprivate var canonical: CanonicalJSON {
        .object([
            "changed": changed.map { .texts($0.map(\.text)) }, "artifacts": .texts(artifacts),
            "verify": verify.map(CanonicalJSON.texts),
        ])
    }
}

extension ProfileFilesystem {
    fileprivate var canonical: CanonicalJSON {
        let binds = binds.map { bind in
            CanonicalJSON.map([
                "source": .string(bind.source), "target": .string(bind.target), "mode": .string(bind.mode.rawValue),
                "execute": .boolean(bind.execute), "required": .boolean(bind.required),
            ])
        }
        return .object([
            "binds": .list(binds), "links": .texts(links),
            "temporary": temporary.map { .map(["size": .string($0.description)]) },
            "home": home.map { .map(["size": .string($0.description)]) }, "processes": .string(processes.rawValue),
            "installations": installations.isEmpty ? nil : .texts(installations),
            "workspace": .text(workspace?.rawValue),
        ])
    }
}

extension ProviderInstance {
    fileprivate var canonical: CanonicalJSON {
        .object([
            "kind": .string(kind.rawValue), "command": command.isEmpty ? nil : .texts(command),
            "environment": .texts(environment), "settings": .map(settings.mapValues(\.canonical)),
            "timeLimit": .string(timeLimit.description), "maximumTTL": .string(maximumTTL.description),
            "maximumLive": .integer(maximumLive), "from": secret?.source.canonical,
            "placeholder": .text(secret?.placeholder), "inject": secret.map { .list($0.injections.map(\.canonical)) },
        ])
    }
}
