// SPDX-License-Identifier: Apache-2.0
// What each layer of the file system says to a path: the mount it lies on, its mode, Landlock's rules.

internal import RemitKernel
internal import RemitTask

extension PlannedRoot {
    /// Whether the agent may do this with a path, according to every layer that looks at paths.
    package func answer(_ path: String, to access: PathAccess) -> Answer {
        let place = resolve(path)
        return Answer(path, resolved: place.path, opinions(on: place, to: access))
    }

    /// The opinions on a place that was resolved already.
    package func opinions(on place: Place, to access: PathAccess) -> [Opinion] {
        switch place.node {
        case .loop: return [Opinion("mounts", .denies, "`\(place.path)` is a link that leads around in circles")]
        case .noWay(let end): return [absence(of: end, wanted: place.path)]
        case .missing where access != .write: return [absence(of: place.path, wanted: place.path)]
        default: return [mountOpinion(place, access), modeOpinion(place, access), landlockOpinion(place, access)]
        }
    }

    // MARK: what is not there

    /// Why there is nothing at a path, which somebody wanted for the sake of another.
    private func absence(of path: String, wanted: String) -> Opinion {
        let mount = mount(of: path)
        switch mount?.content {
        case .host(let source):
            return Opinion(
                "mounts", .denies, "the host has no `\(source)\(path.dropFirst(mount?.target.count ?? 0))`",
                line: line(of: path))
        case .fresh("tmpfs") where mount?.target != "/":
            return Opinion(
                "mounts", .denies, "`\(mount?.target ?? "/")` is the session's own, and empty when it starts",
                line: line(of: path))
        case .fresh("proc"):
            return Opinion(
                "mounts", .denies, "`/proc` shows processes, and nothing else of the host", line: line(of: path))
        default:
            return Opinion(
                "mounts", .denies,
                FileSystem.exists(wanted)
                    ? "the host has it, and nothing of the profile or the task brings it in"
                    : "nothing of the profile or the task brings it in, and the host has none")
        }
    }

    // MARK: the mount

    private func mountOpinion(_ place: Place, _ access: PathAccess) -> Opinion {
        let mount = place.mount
        let line = line(of: place.path)
        let name = mount.target == "/" ? "the session's root" : "`\(mount.target)`"
        // A device is written to whatever its mount says.
        if access == .write, place.node != .other, mount.attributes.contains(.readOnly) {
            let workspace = mount.target == "/" + SandboxPlan.Path.workspace
            return Opinion(
                "mounts", .denies, "\(name) is read-only",
                line: workspace ? .task("workspace.mode") : line)
        }
        if access == .execute, mount.attributes.contains(.noExecute) {
            return Opinion("mounts", .denies, "\(name) is mounted noexec", line: line)
        }
        switch mount.content {
        case .host(let source):
            let from = source == mount.target ? "" : ", `\(source)` of the host"
            let mode =
                mount.isCovered
                ? "in a layer of the session's own until it is applied"
                : mount.attributes.contains(.readOnly) ? "read-only" : "writable"
            return Opinion("mounts", .allows, "\(name)\(from), \(mode)", line: line)
        case .fresh where isStatistic(mount.target):
            return Opinion("mounts", .allows, "\(name), which the kernel counts for the whole host", line: line)
        case .fresh(let type):
            return Opinion("mounts", .allows, "\(name), a \(type) of the session's own", line: line)
        }
    }

    // MARK: modes

    private func modeOpinion(_ place: Place, _ access: PathAccess) -> Opinion {
        let layer = "permissions"
        let who = identity.user == CurrentProcess.userID ? "you" : "uid \(identity.user)"
        if let closed = place.closed {
            return Opinion(layer, .denies, "\(who) may not pass `\(closed.path)` (\(closed.ownership))")
        }
        guard let own = place.access else {
            return place.node == .unknown
                ? Opinion(layer, .silent, "only a running session shows what is there")
                : Opinion(layer, .allows, "it is the agent's own")
        }
        if access == .execute, place.node == .directory || place.node == .other {
            return Opinion(layer, .denies, "`\(place.path)` is not a plain file")
        }
        let needed: UInt32
        switch (access, place.node) {
        // To make a file takes writing and passing its directory.
        case (.write, .missing): needed = 3
        case (.write, _): needed = 2
        case (.read, .directory): needed = 5
        case (.read, _): needed = 4
        case (.execute, _): needed = 1
        }
        let verb = place.node == .missing ? "make files beside it" : access.rawValue + " it"
        return lets(own, needed)
            ? Opinion(layer, .allows, "\(who) may \(verb) (\(own))")
            : Opinion(layer, .denies, "\(who) may not \(verb) (\(own))")
    }

    /// Whether the mode, the times or the attributes of something may be changed, which takes owning it.
    func changeOpinions(on place: Place) -> [Opinion] {
        let mount = mountOpinion(place, .write)
        guard let own = place.access, own.owner != identity.user else { return [mount] }
        return [mount, Opinion("permissions", .denies, "only its owner may change it (\(own))")]
    }

    // MARK: Landlock

    private func landlockOpinion(_ place: Place, _ access: PathAccess) -> Opinion {
        guard let landlock else { return Opinion("landlock", .silent, "this host has none") }
        let needed: UInt64
        switch (access, place.node) {
        case (.write, .missing), (.write, .directory): needed = LandlockRuleset.makeFile
        case (.write, _): needed = LandlockRuleset.writeFile
        case (.read, .directory): needed = LandlockRuleset.readDirectory
        case (.read, _): needed = LandlockRuleset.readFile
        case (.execute, _): needed = LandlockRuleset.execute
        }
        guard landlock.handledFiles & needed != 0 else { return Opinion("landlock", .silent, "not handled by its ABI") }
        let at = place.node == .missing ? FileSystem.parent(of: place.path) : place.path
        let rule = rights.filter { rule in
            let rights =
                rule.path == at && place.node != .directory && place.node != .missing ? rule.file : rule.directory
            return Self.isWithin(at, rule.path) && rights & needed != 0
        }.max { $0.path.utf8.count < $1.path.utf8.count }
        guard let rule else {
            return Opinion("landlock", .denies, "no rule gives the right to \(access.rawValue) beneath `\(at)`")
        }
        return Opinion("landlock", .allows, "the rule for `\(rule.path)`")
    }

    private static func isWithin(_ path: String, _ directory: String) -> Bool {
        path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
    }
}
