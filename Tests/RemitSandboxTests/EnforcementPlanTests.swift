// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

@Suite struct EnforcementPlanTests {
    private func plan(
        _ host: HostSupport,
        required: [Layer] = Layer.allCases,
        limits: Limits = Limits(
            memory: ByteCount("1GiB"), processes: 10, cpu: 1, io: TransferLimits(read: ByteCount("1MiB"))),
        disk: BlockDevice? = BlockDevice(major: 8, minor: 0),
        excused: Set<Layer> = []
    ) -> EnforcementPlan {
        EnforcementPlan(
            profile: Profile(name: "p", requiredLayers: required), limits: limits, host: host, disk: disk,
            excused: excused)
    }

    @Test func `that refused calls go unreported is said`() {
        let details = [true, false].map { canReport in
            plan(.made(canReportCalls: canReport)).layers.first { $0.layer == .seccomp }?.detail ?? ""
        }
        #expect(!details[0].contains("not reported") && details[1].contains("not reported"))
    }

    @Test func `a host that has everything refuses nothing`() {
        let plan = plan(.made())
        #expect(plan.refusals.isEmpty)
        // Of a session without a network there is nothing to say about its gate, and of one that has no layer over its
        // workspace about that.
        #expect(plan.layers.map(\.layer) == Layer.allCases.filter { $0 != .egress && $0 != .overlay })
        #expect(plan.layers.allSatisfy { $0.state == .enforced && !$0.detail.isEmpty })
    }

    @Test func `a workspace that was to stay as it is never becomes writable instead`() {
        func layer(_ overlay: OverlaySupport, excused: Set<Layer> = []) -> LayerEnforcement? {
            EnforcementPlan(
                profile: Profile(name: "p", requiredLayers: []), limits: Limits(), host: .made(), overlay: overlay,
                excused: excused
            ).layers.first { $0.layer == .overlay }
        }
        #expect(layer(.possible)?.state == .enforced && layer(.possible)?.isRefusal == false)
        for excused in [[], [Layer.overlay]] as [Set<Layer>] {
            let missing = layer(.impossible("no overlayfs"), excused: excused)
            #expect(missing?.isRefusal == true && missing?.detail == "no overlayfs", "\(String(describing: missing))")
        }
    }

    @Test(arguments: [
        (HostSupport.made(landlock: 0), Layer.landlock, LayerEnforcement.State.missing),
        (.made(landlock: 0), .landlockScopes, .missing),
        (.made(landlock: 2), .landlock, .enforced),
        (.made(landlock: 2), .landlockTruncate, .degraded),
        (.made(landlock: 3), .landlockTruncate, .enforced),
        (.made(landlock: 5), .landlockScopes, .missing),
        (.made(landlock: 6), .landlockScopes, .enforced),
        (.made(landlock: 99), .landlock, .enforced),
        (.made(isRoot: false, obstacle: "kernel.unprivileged_userns_clone=0"), .namespaces, .missing),
        (.made(isRoot: false, obstacle: "kernel.unprivileged_userns_clone=0"), .mounts, .missing),
        (.made(userNamespaceLimit: 1), .namespaces, .missing),
        (.made(obstacles: [.namespaces: "clone3(2) is not available"]), .namespaces, .missing),
        (.made(obstacles: [.mounts: "mount_setattr(2) is not available"]), .mounts, .missing),
        (.made(obstacles: [.seccomp: "seccomp(2) is not available"]), .seccomp, .missing),
        (.made(canReportCalls: false), .seccomp, .enforced),
        (.made(cgroupParent: nil), .cgroup, .missing),
        (.made(hasCgroupKill: false), .cgroup, .missing),
        (.made(controllers: ["memory", "cpu"]), .processLimit, .enforced),
        (.made(controllers: ["pids", "cpu"]), .memoryLimit, .degraded),
        (.made(controllers: ["pids", "memory"]), .cpuLimit, .missing),
        (.made(isRoot: false, cgroupParent: nil), .cpuLimit, .missing),
        (.made(isRoot: false, cgroupParent: nil), .memoryLimit, .degraded),
        (.made(isRoot: false, cgroupParent: nil), .ioLimit, .missing),
        (.made(controllers: ["pids", "memory", "cpu"]), .ioLimit, .missing),
        (.scope(["memory", "pids"]), .cgroup, .enforced),
        (.scope(["memory", "pids"]), .memoryLimit, .enforced),
        (.scope(["memory", "pids"]), .cpuLimit, .missing),
        (.scope(["memory", "pids"]), .ioLimit, .missing),
        (.scope(["memory", "pids", "cpu", "io"]), .ioLimit, .enforced),
        (.scope(["memory", "pids"]).withoutScope("does not answer within 5 s"), .memoryLimit, .degraded),
        (.scope(["memory", "pids"]).withoutScope("does not answer within 5 s"), .cgroup, .missing),
    ])
    func `what a host lacks is said, and refused where it is required`(
        _ host: HostSupport, _ layer: Layer, _ state: LayerEnforcement.State
    ) {
        // A sandbox is made of these, whatever a profile requires and an operator excuses.
        let indispensable = [Layer.namespaces, .mounts, .seccomp].filter { plan(host).state(of: $0) == .missing }
        let lax = plan(host, required: [])
        #expect(lax.state(of: layer) == state)
        #expect(lax.refusals.map(\.layer) == indispensable && lax.refusals.allSatisfy(\.isIndispensable))
        let strict = plan(host, required: [layer])
        let needed = Set(state == .enforced ? [] : [layer]).union(indispensable)
        #expect(Set(strict.refusals.map(\.layer)) == needed)
        #expect(plan(host, required: [layer], excused: [layer]).refusals == lax.refusals)
        let others = Set(Layer.allCases).subtracting([layer])
        #expect(plan(host, required: [layer], excused: others).refusals.count == strict.refusals.count)
    }

    @Test func `a limit that is not set is no layer of the session`() {
        let plan = plan(.made(), limits: Limits())
        for layer in [Layer.memoryLimit, .processLimit, .cpuLimit, .ioLimit] {
            #expect(!plan.layers.contains { $0.layer == layer })
        }
    }

    @Test func `what cannot be limited on a disk is said`() {
        let limits = Limits(io: TransferLimits(read: ByteCount("1MiB"), write: ByteCount("1MiB")))
        #expect(plan(.made(), limits: limits).state(of: .ioLimit) == .degraded)
        #expect(plan(.scope(["io"]), limits: limits).state(of: .ioLimit) == .enforced)
        let nowhere = plan(.made(), limits: limits, disk: nil)
        #expect(nowhere.state(of: .ioLimit) == .missing && nowhere.refusals.map(\.layer) == [.ioLimit])
    }

    @Test func `who promised a scope and who did not is said`() throws {
        func detail(_ host: HostSupport) -> String { plan(host).layers.first { $0.layer == .cgroup }?.detail ?? "" }
        #expect(detail(.scope([])).contains("delegated by the user's systemd"))
        let without = detail(HostSupport.scope([]).withoutScope("refuses: no"))
        #expect(without.contains("the user's systemd refuses: no"), "\(without)")
        #expect(!detail(.made(cgroupParent: nil)).contains("systemd"))
    }

    @Test func `an excuse is remembered, not turned into enforcement`() throws {
        let plan = plan(.made(landlock: 0), excused: [.landlock, .landlockScopes])
        let landlock = try #require(plan.layers.first { $0.layer == .landlock })
        #expect(landlock.excused && landlock.required && landlock.state == .missing && !landlock.isRefusal)
    }
}
