// SPDX-License-Identifier: Apache-2.0
// Where tests of profiles are run: a directory of its own, taken away afterwards, by whoever is still there to do it.

internal import RemitKernel
internal import RemitSession
internal import RemitTask

/// Everything that a run of tests makes on the host.
final class ProfileTestGround {
    private static let prefix = "remit-profile-"

    let base: String
    private let parent: String
    private var guardian: GuardProcess?
    private var count = 0

    /// Sessions' control sockets, and what can be made again: compiled filters.
    var runtime: String { "\(base)/run" }

    /// - Throws: ``SystemCallError``; nothing is left behind then.
    init(_ environment: [String: String]) throws(SystemCallError) {
        // A control socket's path has 107 bytes at most.
        let temporary = environment["TMPDIR"].flatMap { $0.hasPrefix("/") && $0.utf8.count < 40 ? $0 : nil } ?? "/tmp"
        parent = try FileSystem.resolved(temporary)
        base = "\(parent)/\(Self.prefix)\(Random.identifier(8))"
        // Whoever stands in here is killed without a chance: a process that outlives us sweeps then, as one does that
        // outlives a supervisor. It starts before there is anything to sweep.
        guardian = try GuardProcess.start(
            initProcess: -1, cgroupKill: nil, arguments: ["remit", "profile", "sweep", base], environment: environment)
        do throws(SystemCallError) {
            try FileSystem.makeDirectory(base, mode: 0o755)
        } catch {
            remove()
            throw error
        }
    }

    /// Where one test is run.
    struct Place {
        let directory: String
        var workspace: String { "\(directory)/workspace" }
        var state: String { "\(directory)/state" }
        var configuration: String { "\(directory)/config" }
        var task: String { "\(directory)/task.json" }
    }

    /// Makes the place of one test: its workspace with its files, and a configuration with nothing but its profile.
    func prepare(_ test: ProfileTest, of suite: ProfileTestSuite) throws(SystemCallError) -> Place {
        count += 1
        let place = Place(directory: "\(base)/\(count)")
        for directory in [place.directory, place.workspace] {
            try FileSystem.makeDirectory(directory, mode: 0o755)
        }
        for directory in [place.state, place.configuration, "\(place.configuration)/profiles"] {
            try FileSystem.makeDirectory(directory, mode: 0o700)
        }
        for (name, file) in suite.sources {
            try FileSystem.copy(
                file, to: "\(place.configuration)/profiles/\(name).yaml", mode: 0o600, limit: 1 << 20)
        }
        var made = [place.workspace]
        for (path, content) in test.files.sorted(by: { $0.key < $1.key }) {
            var directory = place.workspace
            for step in path.split(separator: "/").dropLast() {
                directory += "/\(step)"
                guard !made.contains(directory) else { continue }
                try FileSystem.makeDirectory(directory, mode: 0o755)
                made.append(directory)
            }
            let file = "\(place.workspace)/\(path)"
            try FileSystem.replace(file, with: Array(content.utf8), mode: 0o644)
            made.append(file)
        }
        if CurrentProcess.isRoot {
            // Of the range that Remit's own agents come from: no id map is needed then.
            let user = 61_184 + UInt32.random(in: 0..<4_336)
            for path in made { try FileSystem.setOwner(of: path, user: user, group: user) }
        }
        try FileSystem.replace(place.task, with: Self.task(test, of: suite.profile, in: place), mode: 0o600)
        return place
    }

    private static func task(_ test: ProfileTest, of profile: Profile, in place: Place) -> [UInt8] {
        var task = TaskSpecification(name: "profile-test", profile: profile.name)
        let paths = test.paths.filter(FileSystem.exists)
        task.command = ["sh", "-c", test.run] + (paths.isEmpty ? [] : ["sh"] + paths)
        let isRead = (test.task.workspace ?? profile.filesystem.workspace) == .read
        task.workspace = Workspace(path: place.workspace, mode: isRead ? .read : .write)
        task.limits = test.task.limits
        task.network = test.task.network
        task.deadline = test.deadline
        return task.canonicalJSON()
    }

    /// Takes one test's place away.
    func remove(_ place: Place) { try? FileSystem.removeTree(place.directory) }

    /// Takes everything away.
    func remove() {
        try? FileSystem.removeTree(base)
        guardian?.dismiss()
        guardian = nil
    }

    /// Takes away what a killed run left at `base`, once its sessions have ended: their own guards see to that.
    ///
    /// - Returns: whether nothing is left.
    static func sweep(_ base: String) -> Bool {
        let name = base.split(separator: "/").last ?? ""
        guard base.hasPrefix("/"), name.hasPrefix(prefix), name.utf8.count == prefix.utf8.count + 8,
            let facts = try? FileSystem.facts(at: base), facts.isDirectory, facts.owner == CurrentProcess.userID
        else { return false }
        // A guard takes milliseconds; a provider that revokes there is none.
        for _ in 0..<600 {
            let places = (try? FileSystem.names(in: base)) ?? []
            let live = places.contains { place in
                let unfinished = (try? FileSystem.names(in: "\(base)/\(place)/state/unfinished")) ?? []
                return !unfinished.isEmpty
            }
            if !live { break }
            ProcessIdentity.pause(milliseconds: 50)
        }
        // A session that was about to begin may still have made something.
        for _ in 0..<20 {
            if (try? FileSystem.removeTree(base)) != nil || !FileSystem.exists(base) { return true }
            ProcessIdentity.pause(milliseconds: 50)
        }
        return false
    }
}
