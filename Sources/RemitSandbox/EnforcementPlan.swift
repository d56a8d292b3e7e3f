// SPDX-License-Identifier: Apache-2.0
// Compatibility is a value: what was asked, what this host has, and what will really be enforced.

package import RemitKernel
package import RemitTask

/// How one layer will hold in this session.
package struct LayerEnforcement: Hashable, Sendable {
    package enum State: String, Sendable {
        /// As designed.
        case enforced
        /// By something weaker, which `detail` names.
        case degraded
        /// Not at all.
        case missing
    }

    package let layer: Layer
    package let state: State
    /// By what it is enforced, or what is missing, and what would change that.
    package let detail: String
    /// The profile does not start a session without it.
    package let required: Bool
    /// The operator named it as an exception.
    package let excused: Bool
    /// No exception makes a session without it.
    package let isIndispensable: Bool

    /// The session's control group has to hold it.
    let byCgroup: Bool

    /// Required, not fully enforced, and not excused: no session starts.
    package var isRefusal: Bool { required && state != .enforced && !excused }
}

/// Which layers this host will enforce for a session.
package struct EnforcementPlan: Hashable, Sendable {
    package let layers: [LayerEnforcement]

    /// Layers for which the session is refused.
    package var refusals: [LayerEnforcement] { layers.filter(\.isRefusal) }

    /// The layer is promised, and it is the session's control group that has to keep the promise.
    package func isHeldByCgroup(_ layer: Layer) -> Bool {
        layers.contains { $0.layer == layer && $0.state == .enforced && $0.byCgroup }
    }

    package func state(of layer: Layer) -> LayerEnforcement.State {
        layers.first { $0.layer == layer }?.state ?? .missing
    }

    /// - Parameters:
    ///   - limits: the session's limits; a limit that is not set is not a layer of it.
    ///   - disk: what the workspace is on; `nil` without a workspace, or where that is no disk.
    ///   - gate: what the session's network is held by; `nil` for a session without one.
    ///   - overlay: what keeps the workspace as it is; `nil` for a session that does not ask for that.
    ///   - excused: layers named by `--allow-degraded`.
    package init(
        profile: Profile, limits: Limits, host: HostSupport, disk: BlockDevice? = nil, gate: GateSupport? = nil,
        overlay: OverlaySupport? = nil,
        excused: Set<Layer>
    ) {
        var limitable = Set(CgroupLimits.controllers.filter(host.canLimit))
        if disk == nil { limitable.remove("io") }
        layers = Layer.allCases.compactMap { layer in
            let judged =
                switch layer {
                case .ioLimit: limits.io.map { Self.judge($0, host, disk) }
                case .egress: gate.map(Self.judge)
                case .overlay: overlay.map(Self.judge)
                default: Self.judge(layer, limits, host, limitable)
                }
            guard let (state, detail) = judged else { return nil }
            let isIndispensable = state == .missing && Self.indispensable.contains(layer)
            return LayerEnforcement(
                layer: layer,
                state: state,
                detail: detail,
                required: profile.requiredLayers.contains(layer) || isIndispensable,
                excused: excused.contains(layer) && !isIndispensable,
                isIndispensable: isIndispensable,
                byCgroup: layer == .cgroup || layer.controller.map(limitable.contains) ?? false
            )
        }
    }

    /// What no session starts without, whatever is excused: a sandbox is made of the first three, of which even its first
    /// process loads a filter; a network that nothing holds is none to have; and a workspace that was to stay as it is, is
    /// never bound writable instead.
    private static let indispensable: Set<Layer> = [.namespaces, .mounts, .seccomp, .egress, .overlay]

    private static func judge(
        _ layer: Layer,
        _ limits: Limits,
        _ host: HostSupport,
        _ limitable: Set<String>
    ) -> (LayerEnforcement.State, String)? {
        if let obstacle = host.obstacles[layer] { return (.missing, obstacle) }
        switch layer {
        case .namespaces, .mounts:
            if let obstacle = host.userNamespaceObstacle {
                return (.missing, "unprivileged user namespaces are off (\(obstacle))")
            }
            if host.userNamespaceLimit < 2 {
                return (.missing, "user namespaces are off (user.max_user_namespaces=\(host.userNamespaceLimit))")
            }
            return layer == .namespaces
                ? (.enforced, "user, mount, pid, net, ipc, uts and cgroup namespaces")
                : (.enforced, "a new root; the host's is not reachable")
        case .usernsDoor: return (.enforced, "user.max_user_namespaces used up and checked")
        case .capabilities: return (.enforced, "none, bounding set empty, securebits locked, no_new_privs")
        case .landlock:
            guard host.landlock.abi > 0 else {
                return (.missing, "the kernel has no Landlock, or it is off (add `landlock` to the lsm= boot option)")
            }
            return (.enforced, "ABI \(min(host.landlock.abi, LandlockRuleset.testedABI))")
        case .landlockTruncate:
            // What no rule lets an agent write is on a read-only mount as well, so this is the second of two locks.
            return host.landlock.abi >= 3
                ? (.enforced, "truncation follows the file rules")
                : (
                    .degraded,
                    "by read-only mounts alone: needs Landlock ABI 3 (Linux 6.2), this host has \(host.landlock.abi)"
                )
        case .landlockScopes:
            return host.landlock.abi >= 6
                ? (.enforced, "signals and abstract sockets")
                : (.missing, "needs Landlock ABI 6 (Linux 6.12), this host has \(host.landlock.abi)")
        case .seccomp:
            let detail = "allowlist, native architecture only"
            return (
                .enforced, host.canReportCalls ? detail : detail + "; refused calls are not reported, so not counted"
            )
        case .cgroup:
            guard let parent = host.cgroupParent else {
                let systemd = host.scopeObstacle.map { ", and the user's systemd \($0)" } ?? ""
                return (.missing, "no control group this user may write to\(systemd); the pid namespace kills instead")
            }
            return host.hasCgroupKill
                ? (
                    .enforced,
                    host.usesScope
                        ? "in a scope of its own, delegated by the user's systemd under \(parent)"
                        : "born in a group of its own under \(parent)"
                )
                : (.missing, "the kernel has no cgroup.kill (Linux 5.14)")
        case .memoryLimit:
            guard let memory = limits.memory else { return nil }
            return limitable.contains("memory")
                ? (.enforced, "\(memory) by control group")
                : (
                    .degraded,
                    "\(memory) resident, sampled every \(SampledLimits.milliseconds) ms by the supervisor, "
                        + "and of data per process (RLIMIT_DATA)"
                )
        case .processLimit:
            guard let processes = limits.processes else { return nil }
            return limitable.contains("pids")
                ? (.enforced, "\(processes) by control group")
                : (.enforced, "\(processes) by RLIMIT_NPROC, counted in the session's own user namespace")
        case .cpuLimit:
            guard let cpu = limits.cpu else { return nil }
            return limitable.contains("cpu")
                ? (.enforced, "\(cpu) CPUs by control group")
                : (.missing, "needs \(Self.need("cpu", host))")
        case .ioLimit, .egress, .overlay: return nil
        case .guard: return (.enforced, "a process of its own")
        }
    }

    private static func judge(_ gate: GateSupport) -> (LayerEnforcement.State, String) {
        switch gate {
        case .absent(let program): (.missing, "there is no `\(program)`")
        case .redirecting:
            (.enforced, "no route but to the gate; nftables brings it every connection")
        case .listening:
            (
                .degraded,
                "no route but to the gate; nftables is not to be had here, so that ports which no rule names are refused by "
                    + "the kernel, and not recorded"
            )
        }
    }

    private static func judge(_ overlay: OverlaySupport) -> (LayerEnforcement.State, String) {
        switch overlay {
        case .possible: (.enforced, "writes to the workspace go to a layer of the session's own, by overlayfs")
        case .impossible(let obstacle): (.missing, obstacle)
        }
    }

    private static func judge(
        _ io: TransferLimits, _ host: HostSupport, _ disk: BlockDevice?
    ) -> (LayerEnforcement.State, String) {
        guard let disk else { return (.missing, "the workspace is on no disk that a control group could limit") }
        guard host.canLimit("io") else { return (.missing, "needs \(need("io", host))") }
        let words = "\(io) a second on disk \(disk), by control group"
        guard host.cgroups.isHybrid, io.write != nil else { return (.enforced, words) }
        return (.degraded, "\(words) of version 1, which does not see what is written back later")
    }

    /// What a limit lacks that only a control group can hold.
    private static func need(_ controller: String, _ host: HostSupport) -> String {
        host.cgroupParent == nil
            ? "a control group this user may write to"
            : "the `\(controller)` controller, which \(host.usesScope ? "the user's systemd was" : "we are") not given"
    }
}

/// By what the network of a session is held.
package enum GateSupport: Hashable, Sendable {
    /// Every connection is brought to the gate.
    case redirecting
    /// Only the connections to ports that a rule names are.
    case listening
    /// There is no gate: where it should be.
    case absent(String)
}

/// Limits that no control group holds, looked after by the supervisor.
package enum SampledLimits {
    /// How often it looks: what a session can take in between is above its limit until then.
    package static let milliseconds = 200
}

extension Layer {
    /// The control group controller that can hold it; nil for a layer that is no limit.
    var controller: String? {
        switch self {
        case .memoryLimit: "memory"
        case .processLimit: "pids"
        case .cpuLimit: "cpu"
        case .ioLimit: "io"
        default: nil
        }
    }
}
