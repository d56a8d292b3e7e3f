// SPDX-License-Identifier: Apache-2.0
// Finds out what an allowed call is about, and what the other layers will say to it. It only ever reports: the call goes
// on whatever is found, and the layers below decide.

internal import RemitKernel
internal import RemitTask

/// Looks at the reported calls of one session.
package final class Observer {
    /// Different things that are looked at; what comes after is only counted.
    package static let limit = 16_384

    private let root: PlannedRoot
    private let names: [Int32: String]
    /// The caller's home, which the agent's is not.
    private let home: String?
    private let host: HostGlance
    private var rootDirectory: DescriptorBox?
    private var seen: Set<Key> = []
    /// Reports that came after the limit, or that could not be looked at.
    package private(set) var lost = 0

    private struct Key: Hashable {
        let act: ObservedAct
        let text: String
    }

    /// - Parameter policy: the policy that the session's filter was made from, before it was made to report.
    init(_ root: PlannedRoot, policy: SystemCallPolicy, home: String?) {
        self.root = root
        self.home = home
        host = HostGlance(home: home)
        names = Dictionary(
            policy.observable.compactMap { name in SystemCallNumbers.number(of: name).map { ($0, name) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Whether a report is of a call that is allowed, and only observed.
    func observes(_ report: SystemCallReport) -> Bool { names[report.call] != nil }

    /// What a call is about that was not seen before.
    func look(_ report: SystemCallReport, isPending: () -> Bool) -> [Observation] {
        guard let name = names[report.call] else { return [] }
        enter(report.process)
        guard seen.count < Self.limit else {
            lost += 1
            return []
        }
        guard let shapes = ObservedCalls.shapes[name] else {
            var found = first(.call, name) ? [Observation(.call, call: name, path: nil, outcome: .allowed)] : []
            if name == "connect", let path = socketPath(report), isPending(), first(.connect, path) {
                found.append(judge(path, .connect, name, follows: true))
            }
            return found
        }
        var found: [Observation] = []
        for shape in shapes {
            guard let path = path(report, shape) else { continue }
            // Read before it is known whose memory it was: believed only if the caller still waits.
            let act = act(report, shape)
            guard first(act, path) else { continue }
            guard isPending() else { return found }
            found.append(judge(path, act, name, follows: !isLink(report, shape)))
        }
        return found
    }

    private func first(_ act: ObservedAct, _ text: String) -> Bool { seen.insert(Key(act: act, text: text)).inserted }

    // MARK: what it is about

    private static let emptyPath: UInt64 = 0x1000
    private static let noFollow: UInt64 = 0x100

    private func act(_ report: SystemCallReport, _ shape: ObservedCalls.Shape) -> ObservedAct {
        guard let mode = shape.mode else { return shape.act }
        let flags = report.arguments[mode]
        // O_PATH looks, O_CREAT makes unless there is something; O_WRONLY, O_RDWR and O_TRUNC write.
        if flags & 0o10000000 != 0 { return .look }
        if flags & 0o100 != 0 { return .make }
        return flags & 0o1003 != 0 ? .write : .read
    }

    private func isLink(_ report: SystemCallReport, _ shape: ObservedCalls.Shape) -> Bool {
        if shape.isLink { return true }
        if let flags = shape.flags { return report.arguments[flags] & Self.noFollow != 0 }
        // O_NOFOLLOW
        return shape.mode.map { report.arguments[$0] & 0o400000 != 0 } ?? false
    }

    /// The absolute path that a call means, links not resolved.
    private func path(_ report: SystemCallReport, _ shape: ObservedCalls.Shape) -> String? {
        guard let text = CallerView.text(of: report.process, at: report.arguments[shape.path]) else {
            lost += 1
            return nil
        }
        if text.hasPrefix("/") { return text }
        // Of an open file itself there is nothing to find out any more.
        if text.isEmpty { return nil }
        var directory: Int32?
        if let argument = shape.directory {
            let number = Int32(truncatingIfNeeded: report.arguments[argument])
            if number != FileSystem.currentDirectory { directory = number }
        }
        guard let base = CallerView.base(of: report.process, directory: directory) else { return nil }
        return base == "/" ? "/\(text)" : "\(base)/\(text)"
    }

    /// The path of a local socket that is a file.
    private func socketPath(_ report: SystemCallReport) -> String? {
        let length = Int(min(report.arguments[2], 110))
        guard length > 2, let bytes = CallerView.bytes(of: report.process, at: report.arguments[1], count: length),
            bytes.count > 2, bytes[0] == 1, bytes[1] == 0, bytes[2] != 0
        else { return nil }
        let path = String(decoding: bytes[2...].prefix { $0 != 0 }, as: UTF8.self)
        if path.hasPrefix("/") { return path }
        return CallerView.base(of: report.process, directory: nil).map { "\($0)/\(path)" }
    }

    // MARK: what the layers will say

    private func judge(_ path: String, _ act: ObservedAct, _ call: String, follows: Bool) -> Observation {
        func observation(
            _ found: String, _ outcome: Observation.Outcome, _ opinions: [Opinion] = [], isDirectory: Bool = false
        ) -> Observation {
            Observation(
                act, call: call, path: found, asked: path, outcome: outcome, opinions: opinions,
                isDirectory: isDirectory)
        }
        if path.hasPrefix("/proc/") || path == "/proc", !root.isStatistic(path) { return process(path, act, call) }
        guard let directory = rootNumber else { return observation(path, .allowed) }
        do throws(SystemCallError) {
            let file = try RootedFile(path, in: directory, follows: follows)
            // To make what is there is to open it, or fails with EEXIST: no layer refused.
            if act == .make, !call.hasPrefix("open") { return observation(file.path, .allowed) }
            let opinions = opinions(on: file.path, file.facts, act)
            return observation(
                file.path, opinions.contains { $0.say == .denies } ? .denied : .allowed, opinions,
                isDirectory: file.facts.isDirectory)
        } catch {
            guard error.errno == .notFound || error.errno == .notDirectory else {
                let opinion = Opinion("permissions", .denies, "on the way there: \(error.errno)")
                return error.errno == .denied ? observation(path, .denied, [opinion]) : observation(path, .absent)
            }
            if act == .make, let made = try? RootedFile(FileSystem.parent(of: path), in: directory, follows: true) {
                let opinions = opinions(on: made.path, made.facts, .make)
                let name = path.split(separator: "/").last.map(String.init) ?? ""
                return observation(
                    made.path == "/" ? "/\(name)" : "\(made.path)/\(name)",
                    opinions.contains { $0.say == .denies } ? .denied : .allowed, opinions)
            }
            return absence(path, act, call)
        }
    }

    /// Nothing is there: because the host has nothing, or because the session was not given it.
    private func absence(_ path: String, _ act: ObservedAct, _ call: String) -> Observation {
        let place = root.resolve(path)
        let agents = "/\(SandboxPlan.Path.home)/"
        if let home, place.path.hasPrefix(agents), host.has("\(home)/\(place.path.dropFirst(agents.count))") {
            let opinion = Opinion(
                "mounts", .denies, "your home has it, and a session has a home of its own",
                line: .profile("filesystem.home.size"))
            return Observation(
                act, call: call, path: place.path, asked: path, outcome: .hidden, opinions: [opinion])
        }
        let isOwn = place.path.split(separator: "/").first.map { ["workspace", "tmp", "home"].contains($0) } ?? true
        guard !isOwn, host.has(place.path) else {
            return Observation(act, call: call, path: place.path, outcome: .absent)
        }
        let opinion = Opinion("mounts", .denies, "the host has it, and nothing of the profile or the task brings it in")
        return Observation(act, call: call, path: place.path, outcome: .hidden, opinions: [opinion])
    }

    /// In /proc every process sees its own: only what is not there at all can be told apart.
    private func process(_ path: String, _ act: ObservedAct, _ call: String) -> Observation {
        let first = path.dropFirst(6).split(separator: "/").first.map(String.init) ?? ""
        let isProcess = first.isEmpty || first.allSatisfy(\.isNumber) || first == "self" || first == "thread-self"
        if isProcess { return Observation(act, call: call, path: "/proc", outcome: .allowed, isDirectory: true) }
        guard host.has(path) else { return Observation(act, call: call, path: path, outcome: .absent) }
        let opinion = Opinion(
            "mounts", .denies, "`/proc` shows processes, and nothing else of the host",
            line: .profile("filesystem.processes"))
        return Observation(act, call: call, path: path, outcome: .hidden, opinions: [opinion])
    }

    private func opinions(on path: String, _ facts: FileSystem.Facts, _ act: ObservedAct) -> [Opinion] {
        let access: PathAccess
        switch act {
        case .look, .call: return []
        case .read: access = .read
        case .write, .make, .connect: access = .write
        case .remove: return removal(path)
        case .change: return root.changeOpinions(on: root.place(path, facts, isMade: false))
        case .execute: access = .execute
        }
        // A socket is a file that is written to; what is behind it is somebody else's.
        return root.opinions(on: root.place(path, facts, isMade: act == .make && facts.isDirectory), to: access)
    }

    private func removal(_ path: String) -> [Opinion] {
        let parent = FileSystem.parent(of: path)
        guard let directory = rootNumber, let file = try? RootedFile(parent, in: directory, follows: true) else {
            return []
        }
        return root.opinions(on: root.place(file.path, file.facts, isMade: true), to: .write)
    }

    private var rootNumber: CInt? { rootDirectory?.number }

    /// Takes hold of the session's root as soon as there is a process in it.
    private func enter(_ process: Int32) {
        guard rootDirectory == nil, let directory = try? CallerView.root(of: process) else { return }
        rootDirectory = DescriptorBox(directory)
    }
}

extension PlannedRoot {
    /// A place of a live session: what is there was just looked at.
    ///
    /// - Parameter isMade: something is made in, or removed from, this directory.
    func place(_ path: String, _ facts: FileSystem.Facts, isMade: Bool) -> Place {
        let node: Place.Node = facts.isDirectory ? .directory : facts.isRegular ? .file : .other
        let mount = mount(of: path) ?? .ownRoot
        // A mount maps the owner's files onto the agent by itself: what it shows is what holds.
        let own = Ownership(mode: facts.permissions & 0o777, owner: facts.owner, group: facts.group)
        return Place(
            path: isMade ? (path == "/" ? "/*" : path + "/*") : path, node: isMade ? .missing : node, mount: mount,
            hostPath: nil, facts: facts, access: own, closed: nil)
    }
}
