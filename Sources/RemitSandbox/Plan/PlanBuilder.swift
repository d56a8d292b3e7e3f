// SPDX-License-Identifier: Apache-2.0
// The ideal launch sequence, one step after the other. The order is the design; each group says why it stands where it
// stands.

internal import RemitKernel

/// Lays out the steps of one sandbox.
struct PlanBuilder {
    let request: SandboxRequest
    let host: HostSupport
    let enforcement: EnforcementPlan
    let identity: AgentIdentity
    let cache: FilterCache
    var setup: [LaunchStep] = []
    var agent: [LaunchStep] = []
    var trees: [SandboxPlan.HostTree] = []
    var mounts: [Mount] = []

    /// Something that will be attached below the new root.
    struct Mount {
        let target: String
        let slot: Slot
        let isDirectory: Bool
        /// Rights beneath it, for Landlock.
        let access: Access
        let programs: Bool
    }

    /// What every mount gets: no privilege and no device comes from it.
    static let quiet: MountAttributes = [.noSetUser, .noDevices]

    enum Access { case read, write, devices }

    mutating func build() throws(SandboxError) {
        enter()
        try takeSources()
        makeRoot()
        try attachSources()
        leaveHost()
        giveUpAuthority()
        try prepareAgent()
    }

    // MARK: identity, and nothing shared with the host

    private mutating func enter() {
        setup += [.deathSignal, .awaitMapping]
        // Into a scope it is moved only now, and it is not to see the way there.
        if host.usesScope { setup.append(.cgroupNamespace) }
        if host.isRoot { setup.append(.dropGroups) }
        setup += [
            .identity(user: AgentIdentity.inside, group: AgentIdentity.inside), .newSession, .ownKeyring,
            .hostname("remit"), .loopback,
        ]
        // While there are capabilities: afterwards nobody inside can change who listens, or where a connection leads.
        if let network = request.network { setup += network.steps }
        setup.append(.privateMounts)
    }

    // MARK: let go of the host

    private mutating func leaveHost() {
        let root: Slot = "root"
        setup += [.attributes(root, set: .readOnly, recursive: false), .pivot(to: root)]
        if request.terminal {
            setup += [
                .terminal(slave: "terminal", master: "terminal's other end"),
                .send("terminal's other end", tag: .terminal),
            ]
        }
    }

    // MARK: give up authority: after the last mount, because a landlocked task can never mount again

    private mutating func giveUpAuthority() {
        let map = "\(AgentIdentity.inside) \(AgentIdentity.inside) 1\n"
        setup += [
            .closeUserNamespaces(limit: "user namespace limit", userMap: map, groupMap: map),
            .dropCapabilities,
            // Credentials changed above, and with them the kernel forgot the death signal.
            .deathSignal,
            .noNewPrivileges,
        ]
        guard host.landlock.abi > 0 else { return }
        let ruleset = LandlockRuleset(for: host.landlock)
        let slot: Slot = "ruleset"
        setup.append(.landlockRuleset(ruleset, into: slot))
        for rule in landlockRules(ruleset) {
            setup.append(
                .landlockPath(
                    rule.path, directory: rule.rights, file: ruleset.ofFile(rule.rights), optional: false, in: slot)
            )
        }
        setup.append(.landlockEnforce(slot, audited: host.auditsLandlock))
    }

    private func landlockRules(_ ruleset: LandlockRuleset) -> [(path: String, rights: UInt64)] {
        var rules: [(path: String, rights: UInt64)] = [
            ("/etc", ruleset.read), ("/proc", ruleset.read), ("/run", ruleset.read), ("/tmp", ruleset.write),
            ("/home/agent", ruleset.write), ("/dev", ruleset.device), ("/", ruleset.list),
        ]
        for mount in mounts where !mount.target.hasPrefix("etc/") && !mount.target.hasPrefix("dev/") {
            let rights =
                switch mount.access {
                case .write: ruleset.write
                case .read: mount.programs ? ruleset.readExecute : ruleset.read
                case .devices: ruleset.device
                }
            rules.append(("/\(mount.target)", rights))
        }
        return rules
    }
}
