// SPDX-License-Identifier: Apache-2.0
// Credentials: asked for when the sandbox stands, delivered before the agent runs, ended after it died.

internal import RemitIdentity
internal import RemitJournal
internal import RemitKernel
internal import RemitLeases
internal import RemitSandbox
internal import RemitTask

extension Supervisor {
    func requestLeases() {
        let wishes = admitted.task.credentials
        guard !wishes.isEmpty else { return feed(.leased) }
        let keeper: LeaseKeeper
        do { keeper = try makeKeeper() } catch {
            return feed(.cannotStart("cannot issue credentials: \(error)", code: 125))
        }
        self.keeper = keeper
        var outstanding = wishes.count
        for wish in wishes {
            let request = LeaseKeeper.Wish(
                name: wish.name,
                provider: wish.provider,
                scope: wish.scope.mapValues(ProviderValue.init),
                ttl: wish.lifetime.duration,
                // A placeholder in an environment is nothing that could be held.
                isAgentHeld: wish.expose != .file && !isSecret(wish)
            )
            keeper.request(request) { [unowned self] result in
                outstanding -= 1
                switch result {
                case .success(let lease):
                    self.status?.send("lease", ["name": .string(lease.name), "state": .string(lease.state.rawValue)])
                    if outstanding == 0 { self.feed(.leased) }
                case .failure(let failure):
                    self.feed(.cannotStart("credential `\(wish.name)` was not issued: \(failure.message)", code: 125))
                }
            }
        }
    }

    private func makeKeeper() throws -> LeaseKeeper {
        let task = admitted.task
        let owner = task.owner ?? ""
        let context = IdentityContext(
            owner: owner,
            intentDigest: Digest.of(Array((task.intent ?? "").utf8)),
            taskDigest: admitted.taskDigest,
            ticket: task.ticket,
            epoch: 1
        )
        let identity = try SessionIdentity(
            trustDomain: admitted.configuration.trustDomain, session: session, task: task.name, context: context
        )
        let desk = SessionDesk(registry: TokenRegistry(identity: identity))
        self.desk = desk
        if let gate = egress.gate {
            egress.desk = SecretDesk(
                providers: admitted.configuration.providers, variables: options.secrets,
                bindings: admitted.network.bindings, gate: gate, on: loop
            ) { [unowned self] secret in self.hide(secret) }
        }
        let lifetime = task.deadline?.duration ?? .seconds(86_400)
        let names = Set(task.credentials.map(\.provider))
        return LeaseKeeper(
            context: LeaseKeeper.Context(
                session: session,
                task: task.name,
                owner: owner,
                epoch: 1,
                deadline: Stamp(
                    wall: admitted.admitted.wall, boot: admitted.admitted.boot,
                    bootIdentifier: BootInstant.bootIdentifier
                ).advanced(by: lifetime)
            ),
            providers: Providers.make(
                names, from: admitted.configuration, desk: desk, secrets: egress.desk, loop: loop),
            loop: loop,
            hooks: LeaseKeeper.Hooks(
                journal: { [unowned self] record, durable in try self.recorder?.record(record, durable: durable) },
                deliver: { [unowned self] name, content in try self.deliver(name, content) },
                withdraw: { [unowned self] name in
                    self.egress.desk?.suspend(lease: name)
                    self.delivery?.withdraw(name)
                },
                alarm: { [unowned self] reason in self.recorder?.alarm(reason) }
            )
        )
    }

    private var delivery: CredentialDelivery? {
        guard let directory = sandbox?.credentials, directory.isOpen else { return nil }
        return CredentialDelivery(
            directory: directory.number,
            user: admitted.plan.identity.user,
            group: admitted.plan.identity.group
        )
    }

    private func deliver(_ name: String, _ content: Secret) throws {
        hide(content)
        guard let request = admitted.task.credentials.first(where: { $0.name == name }) else { return }
        if isSecret(request) { return try deliverPlaceholder(request) }
        switch request.expose {
        case .environment(let variable):
            // An environment is given once: a renewal can prolong such a credential, not replace it.
            if machine.phase == .building { exposed[variable] = content }
        case .file:
            guard let delivery else { throw SessionError(.failed, "the sandbox has no place for credentials") }
            try delivery.deliver(name, content)
        }
    }

    private func isSecret(_ request: CredentialRequest) -> Bool {
        admitted.configuration.provider(named: request.provider)?.kind == .secret
    }

    /// The gate gets the secret, and then the agent what stands for it.
    private func deliverPlaceholder(_ request: CredentialRequest) throws {
        guard let desk = egress.desk, let lease = keeper?.leases.first(where: { $0.name == request.name }) else {
            throw SessionError(.failed, "the session has no gate to hold a secret")
        }
        desk.bind(handle: lease.handle, lease: request.name)
        let placeholders = PlaceholderText(desk.placeholders(handle: lease.handle))
        switch request.expose {
        case .environment(let variable):
            guard machine.phase == .building else { return }
            for (name, text) in placeholders.variables(named: variable) { exposed[name] = Secret(Array(text.utf8)) }
        case .file:
            guard let delivery else { throw SessionError(.failed, "the sandbox has no place for credentials") }
            try delivery.deliver(request.name, Secret(Array(placeholders.file.utf8)))
        }
    }

    /// Step 1 of the end: local, immediate, needs nobody.
    func fence() {
        isFenced = true
        fenceGate()
        inputRelay?.stop()
        inputRelay = nil
        terminalDesk?.fence()
        sandbox?.streams?.input.isOpen == true && !admitted.sandbox.terminal ? sandbox?.streams?.input.close() : ()
        desk?.registry.revokeAll()
        for credential in admitted.task.credentials { delivery?.withdraw(credential.name) }
        if egress.gate?.isClosed ?? true { recordFence() }
    }

    /// Nothing leaves the session any more.
    func recordFence() {
        guard recorder?.history.fenced == nil else { return }
        record("session.fenced")
        status?.send("fenced")
    }

    /// Steps 3 and 4 of the end. Whether placeholders are still swapped is known when the gate has ended.
    func revoke() {
        whenGateEnded { [unowned self] in self.endLeases() }
    }

    private func endLeases() {
        guard let keeper, !keeper.leases.isEmpty else {
            record("session.revoked")
            record("session.verified")
            return feed(.leasesEnded)
        }
        keeper.endAll(reason: machine.reason?.rawValue ?? "ended", patience: options.patience) {
            [unowned self] leases in
            // The machines only say `revoked` after a probe: acknowledged and verified are different moments.
            self.record("session.revoked")
            if leases.allSatisfy({ $0.state.isTerminal }) {
                self.record("session.verified")
                self.status?.send("revoked")
            }
            for lease in leases {
                self.status?.send("lease", ["name": .string(lease.name), "state": .string(lease.state.rawValue)])
            }
            self.feed(.leasesEnded)
        }
    }
}

extension ProviderValue {
    init(_ scope: ScopeValue) {
        switch scope {
        case .one(let text): self = .string(text)
        case .many(let texts): self = .list(texts.map { .string($0) })
        }
    }

    init(_ setting: SettingValue) {
        switch setting {
        case .string(let text): self = .string(text)
        case .integer(let number): self = .integer(number)
        case .number(let number): self = .number(number)
        case .boolean(let flag): self = .bool(flag)
        case .list(let values): self = .list(values.map(ProviderValue.init))
        case .map(let members): self = .map(members.mapValues(ProviderValue.init))
        }
    }
}
