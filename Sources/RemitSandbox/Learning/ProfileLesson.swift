// SPDX-License-Identifier: Apache-2.0
// From what one observed run did to the least that would have let it: pure, so that it can be tried on made-up runs.

internal import RemitKernel
package import RemitTask

/// What a run teaches about the profile it needs.
package struct ProfileLesson: Sendable {
    /// What was seen of the run.
    package struct Evidence: Sendable {
        package var observations: [Observation]
        /// Links that the paths led through, inside.
        package var links: Set<String>
        /// Hosts that were reached, with their ports.
        package var hosts: Set<ReachedHost>
        /// Forbidden system calls that were tried.
        package var refusedCalls: Set<String>

        package init(
            observations: [Observation], links: Set<String> = [], hosts: Set<ReachedHost> = [],
            refusedCalls: Set<String> = []
        ) {
            self.observations = observations
            self.links = links
            self.hosts = hosts
            self.refusedCalls = refusedCalls
        }
    }

    /// A host that was reached.
    package struct ReachedHost: Hashable, Sendable {
        package let name: String
        package let port: UInt16

        package init(name: String, port: UInt16) {
            self.name = name
            self.port = port
        }
    }

    package let base: Profile
    package let evidence: Evidence
    /// The profile of the session that was observed.
    let seen: Profile
    private let home: String?

    /// - Parameters:
    ///   - base: what the learned profile is compared with, and takes everything from that no run can show.
    ///   - seen: the profile of the observed session: it shows more than `base`.
    ///   - home: the caller's home.
    package init(base: Profile, seen: Profile, evidence: Evidence, home: String?) {
        self.base = base
        self.seen = seen
        self.evidence = evidence
        self.home = home
    }

    /// Every path that something was found at.
    private var used: Set<String> {
        Set(evidence.observations.filter { $0.outcome == .allowed }.compactMap(\.path)).union(evidence.links)
    }

    /// What was run.
    package var programs: [String] {
        Set(evidence.observations.filter { $0.act == .execute && $0.outcome == .allowed }.compactMap(\.path)).sorted()
    }

    // MARK: the file system

    /// The directories of the host that were needed, in the order of a profile.
    package var binds: [Bind] {
        seen.filesystem.binds.flatMap { bind -> [Bind] in
            // Programs and libraries are too many to name, and the kernel opens some of them by itself.
            if bind.target == "/usr" { return [bind] }
            let inside = used.filter { Self.isWithin($0, bind.target) && $0 != bind.target }
            guard !inside.isEmpty else { return [] }
            return groups(inside, of: bind).map { target in
                var narrowed = bind
                narrowed.target = target
                narrowed.source = bind.source + target.dropFirst(bind.target.count)
                narrowed.required = true
                narrowed.execute = bind.execute && runs(beneath: target)
                return narrowed
            }
        }
    }

    /// Of a directory such as /opt, which holds what has nothing to do with each other, only what was needed.
    private func groups(_ paths: Set<String>, of bind: Bind) -> [String] {
        guard ["/opt", "/srv", "/nix"].contains(bind.target) else { return [bind.target] }
        let first = paths.compactMap { path in
            path.dropFirst(bind.target.count + 1).split(separator: "/").first.map { "\(bind.target)/\($0)" }
        }
        return Set(first).sorted()
    }

    /// Whether something beneath was run, or may have been loaded to be run.
    private func runs(beneath directory: String) -> Bool {
        evidence.observations.contains { observation in
            guard let path = observation.path, Self.isWithin(path, directory) else { return false }
            let name = path.split(separator: "/").last ?? ""
            return observation.act == .execute || name.contains(".so") || name.hasSuffix(".node")
        }
    }

    /// What of the host's /etc was needed: whole directories rather than their files.
    package var copies: [String] {
        var result: Set<String> = []
        for path in used where path.hasPrefix("/etc/") {
            if path == "/etc" || base.etc.files[String(path.dropFirst(5))] != nil { continue }
            guard let entry = entry(for: path), SecretPlaces.reason(entry, home: home) == nil else { continue }
            result.insert(entry)
        }
        // What lies in a directory that is there anyway needs no line of its own.
        return result.filter { one in !result.contains { $0 != one && Self.isWithin(one, $0) } }.sorted()
    }

    /// What of `/proc` was needed: never more than the base shows, since many programs look at what they can do without.
    package var processes: ProcessView {
        base.filesystem.processes.files.contains { used.contains("/proc/" + $0) } ? base.filesystem.processes : .minimal
    }

    private func entry(for path: String) -> String? {
        let known = (base.etc.copy + seen.etc.copy).filter { Self.isWithin(path, $0) }
        return known.min { $0.utf8.count > $1.utf8.count }
    }

    // MARK: system calls

    /// Groups that can be taken away whole, and by which calls it shows that they are needed.
    private static let groups: [(name: String, shownBy: Set<String>?)] = [
        ("@aio", nil), ("@chown", nil), ("@memlock", nil),
        ("@network-io", ["socket", "socketpair", "connect", "bind", "listen"]), ("@pkey", nil), ("@resources", nil),
        ("@sandbox", nil), ("@setuid", nil), ("@timer", nil),
    ]

    /// Groups of calls that the run did without, and that the base has.
    package var deniedCalls: [String] {
        let made = Set(evidence.observations.map(\.call)).union(evidence.refusedCalls)
        let unused = Self.groups.filter { group in
            let calls = group.shownBy ?? Set(SystemCallGroup.named(group.name)?.calls ?? [])
            return calls.isDisjoint(with: made)
        }.map(\.name)
        let other = made.contains("memfd_create") ? [] : ["memfd_create"]
        return Set(base.systemCalls.deny + unused + other).subtracting(base.systemCalls.allow).sorted()
    }

    // MARK: what was not seen

    /// Paths that are on the host, were looked for, and are not part of the profile: with the reason where they never are.
    package var hidden: [(path: String, reason: String?)] {
        Set(evidence.observations.filter { $0.outcome == .hidden }.compactMap(\.path)).sorted().map { path in
            (path, SecretPlaces.reason(path, home: home) ?? (Self.isKernels(path) ? "it tells of the host" : nil))
        }
    }

    private static func isKernels(_ path: String) -> Bool {
        ["/proc", "/sys", "/dev"].contains { isWithin(path, $0) }
    }

    /// What a layer refused, besides: the run's error paths may be in there.
    package var refused: [Observation] { evidence.observations.filter { $0.outcome == .denied } }

    /// What was looked for and is nowhere: on another host, or another day, it may be there.
    ///
    /// What was found in another place was only searched for along a path, and is left out.
    package var absent: [String] {
        let found = Set(used.map(Self.name))
        let looked = evidence.observations.filter { $0.outcome == .absent && $0.act != .make && $0.act != .remove }
        let own = ["/workspace", "/tmp", "/proc"]
        return Set(looked.compactMap(\.path)).filter { path in
            !own.contains { Self.isWithin(path, $0) } && !found.contains(Self.name(path))
        }.sorted()
    }

    private static func name(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }

    /// Programs that were looked at and not run: a branch that this run did not take.
    package var unrun: [String] {
        let run = Set(programs).union(evidence.links)
        let places = ["/usr/bin/", "/usr/local/bin/", "/usr/sbin/", "/usr/local/sbin/"]
        let looked = evidence.observations.filter { $0.outcome == .allowed && !$0.isDirectory && $0.act == .look }
        return Set(looked.compactMap(\.path)).filter { path in
            places.contains { path.hasPrefix($0) } && !run.contains(path)
        }.sorted()
    }

    static func isWithin(_ path: String, _ directory: String) -> Bool {
        path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
    }
}
