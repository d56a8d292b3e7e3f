// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import RemitTask

extension SandboxPlan {
    /// What looks at the calls of an observed session; nothing for any other.
    ///
    /// - Throws: ``SandboxError`` as ``SystemCallPolicy``.
    func observer(_ host: HostSupport) throws(SandboxError) -> Observer? {
        guard let observed, host.canReportCalls else { return nil }
        let groups = host.isRoot ? [] : CurrentProcess.supplementaryGroups
        return Observer(
            PlannedRoot(self, profile: observed, landlock: host.landlock, groups: groups),
            policy: try SystemCallPolicy(observed.systemCalls, origins: observed.origins, notify: true),
            home: CurrentProcess.environment["HOME"] ?? CurrentProcess.account?.home)
    }
}
