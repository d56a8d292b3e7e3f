// SPDX-License-Identifier: Apache-2.0
// What one profile gives that another does not: for whoever reviews a change to a profile.

internal import RemitNetwork
package import RemitTask

/// One difference between two profiles.
package struct ProfileChange: Hashable, Sendable {
    /// Which way it goes, for the agent.
    package enum Direction: String, Hashable, Sendable, CaseIterable {
        /// Something is possible that was not.
        case gained
        /// Something is no longer possible.
        case lost
        /// Something is otherwise, and neither more nor less.
        case changed
    }

    /// What it is about, in the order of a report.
    package enum Aspect: String, Hashable, Sendable, CaseIterable {
        case read, write, execute
        case path
        case volume
        case systemCall = "system call"
        case variable
        case limit
        case network
        /// A host without this layer starts sessions.
        case withoutLayer = "start without"
    }

    /// Which way it goes.
    package let direction: Direction
    /// What it is about.
    package let aspect: Aspect
    /// A path, a call or a group of them, a variable, a limit, a host, a layer.
    package let subject: String
    /// How it is under the first profile; nothing where it is not.
    package let before: String?
    /// How it is under the second profile; nothing where it is not.
    package let after: String?
    /// The line that makes the difference: of the second profile, or of the first where it has none.
    package let origin: Origin?
}

/// Compares two profiles in terms of what they let an agent do.
package struct ProfileDifference: Sendable {
    /// Every difference, sorted by aspect and subject.
    package private(set) var changes: [ProfileChange] = []
    private let one: Profile
    private let other: Profile

    /// Compares `one`, as it was, with `other`, as it would be.
    ///
    /// - Throws: ``SandboxError`` when the system-call rules of either are wrong.
    package init(from one: Profile, to other: Profile) throws(SandboxError) {
        self.one = one
        self.other = other
        comparePaths()
        compareVolumes()
        try compareSystemCalls()
        compareVariables()
        compareLimits()
        compareNetwork()
        compareLayers()
        let order = ProfileChange.Aspect.allCases
        changes.sort { left, right in
            let (first, second) = (order.firstIndex(of: left.aspect) ?? 0, order.firstIndex(of: right.aspect) ?? 0)
            return (first, left.subject) < (second, right.subject)
        }
    }

    /// Adds a difference, unless there is none.
    ///
    /// - Parameter key: the path of the value, for its origin.
    private mutating func add(
        _ direction: ProfileChange.Direction, _ aspect: ProfileChange.Aspect, _ subject: String,
        _ before: String?, _ after: String?, key: String
    ) {
        guard before != after else { return }
        changes.append(
            ProfileChange(
                direction: direction, aspect: aspect, subject: subject, before: before, after: after,
                origin: other.origins[key] ?? one.origins[key]))
    }

    // MARK: paths

    /// What of the host one path of the root shows, and what may be done with it.
    private struct View: Hashable {
        var source: String
        var canWrite: Bool
        var canExecute: Bool
        var key: String
    }

    private static func view(_ path: String, _ profile: Profile) -> View? {
        if let copy = profile.etc.copy.filter({ AbsolutePath.isWithin(path, $0) }).max() {
            return View(source: path, canWrite: false, canExecute: false, key: "etc.copy.\(copy)")
        }
        let shown = profile.filesystem.binds.filter { AbsolutePath.isWithin(path, $0.target) }
        guard let bind = shown.max(by: { $0.target.utf8.count < $1.target.utf8.count }) else { return nil }
        return View(
            source: bind.source + path.dropFirst(bind.target.count), canWrite: bind.mode == .write,
            canExecute: bind.execute, key: "filesystem.binds.\(bind.target)")
    }

    private mutating func comparePaths() {
        let paths = [one, other].flatMap { $0.filesystem.binds.map(\.target) + $0.etc.copy }
        for path in Set(paths).sorted() {
            let (before, after) = (Self.view(path, one), Self.view(path, other))
            let key = after?.key ?? before?.key ?? ""
            compare(.read, path, before != nil, after != nil, key)
            compare(.write, path, before?.canWrite ?? false, after?.canWrite ?? false, key)
            compare(.execute, path, before?.canExecute ?? false, after?.canExecute ?? false, key)
            if let before, let after {
                add(.changed, .path, path, "shows \(before.source)", "shows \(after.source)", key: key)
            }
        }
        let (few, more) = (one.filesystem.processes.files, other.filesystem.processes.files)
        for file in Set(few + more) {
            compare(.read, "/proc/\(file)", few.contains(file), more.contains(file), "filesystem.processes")
        }
        for (program, target) in other.filesystem.installations.merging(
            one.filesystem.installations, uniquingKeysWith: { own, _ in own })
        {
            let key = "filesystem.installations.\(program)"
            let (before, after) = (one.filesystem.installations[program], other.filesystem.installations[program])
            let subject = after ?? target
            for aspect in [ProfileChange.Aspect.read, .execute] where (before == nil) != (after == nil) {
                let words = "the caller's installation of \(program)"
                add(
                    after != nil ? .gained : .lost, aspect, subject, before.map { _ in words },
                    after.map { _ in words },
                    key: key)
            }
            if let before, let after { add(.changed, .path, "installation of \(program)", before, after, key: key) }
        }
        compareTexts(.path, one.filesystem.links, other.filesystem.links, "filesystem.links.") { "link to \($0)" }
        compareTexts(.path, one.etc.files, other.etc.files, "etc.files.") { "holds `\(Excerpt.of($0))`" }
        let (before, after) = (one.filesystem.workspace != .read, other.filesystem.workspace != .read)
        compare(.write, "/workspace", before, after, "filesystem.workspace")
    }

    private mutating func compare(
        _ aspect: ProfileChange.Aspect, _ subject: String, _ before: Bool, _ after: Bool, _ key: String
    ) {
        add(after ? .gained : .lost, aspect, subject, before ? "yes" : nil, after ? "yes" : nil, key: key)
    }

    private mutating func compareTexts(
        _ aspect: ProfileChange.Aspect, _ before: [String: String], _ after: [String: String], _ key: String,
        _ words: (String) -> String
    ) {
        for name in Set(before.keys).union(after.keys) {
            let direction: ProfileChange.Direction =
                before[name] == nil ? .gained : after[name] == nil ? .lost : .changed
            add(direction, aspect, name, before[name].map(words), after[name].map(words), key: key + name)
        }
    }

    private mutating func compareVolumes() {
        compareAmounts(
            .volume, "/tmp", one.filesystem.temporary, other.filesystem.temporary, "filesystem.temporary.size")
        compareAmounts(.volume, "/home/agent", one.filesystem.home, other.filesystem.home, "filesystem.home.size")
    }

    /// More is gained; nothing is no limit.
    private mutating func compareAmounts<Amount: Comparable>(
        _ aspect: ProfileChange.Aspect, _ subject: String, _ before: Amount?, _ after: Amount?, _ key: String
    ) {
        let isMore =
            switch (before, after) {
            case (_, nil): true
            case (nil, _): false
            case (let before?, let after?): after > before
            }
        func words(_ amount: Amount?) -> String { amount.map { "\($0)" } ?? "no limit" }
        add(isMore ? .gained : .lost, aspect, subject, words(before), words(after), key: key)
    }

    // MARK: system calls

    private mutating func compareSystemCalls() throws(SandboxError) {
        let before = try SystemCallPolicy(one.systemCalls, origins: one.origins, notify: true).answers
        let after = try SystemCallPolicy(other.systemCalls, origins: other.origins, notify: true).answers
        struct Key: Hashable {
            let direction: ProfileChange.Direction
            let before: SystemCallPolicy.Answer
            let after: SystemCallPolicy.Answer
            let word: String
            let origin: Origin?
        }
        var groups: [Key: [String]] = [:]
        for name in Set(before.keys).union(after.keys) {
            let (was, becomes) = (before[name] ?? .absent, after[name] ?? .absent)
            guard was.answer != becomes.answer else { continue }
            // The side on which a profile's word decides is the one that makes the difference.
            let source = becomes.word == nil ? was : becomes
            let direction: ProfileChange.Direction =
                becomes.answer.freedom == was.answer.freedom
                ? .changed : becomes.answer.freedom > was.answer.freedom ? .gained : .lost
            let key = Key(
                direction: direction, before: was.answer, after: becomes.answer, word: source.word ?? name,
                origin: source.origin)
            groups[key, default: []].append(name)
        }
        for (key, names) in groups {
            let subject =
                SystemCallGroup.isGroup(key.word)
                ? "\(key.word): \(names.sorted().joined(separator: " "))" : names.sorted().joined(separator: " ")
            changes.append(
                ProfileChange(
                    direction: key.direction, aspect: .systemCall, subject: subject, before: key.before.rawValue,
                    after: key.after.rawValue, origin: key.origin))
        }
    }

    // MARK: environment, limits, network, layers

    private mutating func compareVariables() {
        let (before, after) = (one.environment, other.environment)
        func passed(_ name: String, _ environment: ProfileEnvironment) -> String? {
            if let value = environment.set[name] { return "`\(Excerpt.of(value))`" }
            return Self.covers(environment.allow, name) ? "the caller's" : nil
        }
        for name in Set(before.allow + after.allow + before.set.keys + after.set.keys) {
            let (was, becomes) = (passed(name, before), passed(name, after))
            // What the caller has flows in, or no longer does; a fixed value is neither more nor less than another.
            let direction: ProfileChange.Direction =
                if was == nil || becomes == "the caller's" { .gained } else if becomes == nil || was == "the caller's" {
                    .lost
                } else { .changed }
            let key = other.origins["environment.set.\(name)"] ?? one.origins["environment.set.\(name)"]
            add(
                direction, .variable, name, was, becomes,
                key: key == nil ? "environment.allow.\(name)" : "environment.set.\(name)")
        }
    }

    /// Whether a list of names and beginnings of names holds a name, or all that begin as a pattern says.
    private static func covers(_ list: [String], _ name: String) -> Bool {
        list.contains { pattern in
            pattern == name || pattern.hasSuffix("*") && name.hasPrefix(pattern.dropLast())
        }
    }

    private mutating func compareLimits() {
        let (before, after) = (one.limits, other.limits)
        compareAmounts(.limit, "memory", before.memory, after.memory, "limits.memory")
        compareAmounts(.limit, "processes", before.processes, after.processes, "limits.processes")
        compareAmounts(.limit, "cpu", before.cpu, after.cpu, "limits.cpu")
        compareAmounts(.limit, "openFiles", before.openFiles, after.openFiles, "limits.openFiles")
        compareAmounts(.limit, "fileSize", before.fileSize, after.fileSize, "limits.fileSize")
        compareAmounts(.limit, "io.read", before.io?.read, after.io?.read, "limits.io")
        compareAmounts(.limit, "io.write", before.io?.write, after.io?.write, "limits.io")
        let (was, becomes) = (before.whenReached ?? .continue, after.whenReached ?? .continue)
        add(
            becomes == .continue ? .gained : .lost, .limit, "whenReached", was.rawValue, becomes.rawValue,
            key: "limits.whenReached")
    }

    private mutating func compareNetwork() {
        let (before, after) = (one.network, other.network)
        switch (before.allow, after.allow) {
        case (nil, nil): break
        case (let list?, nil): add(.gained, .network, "any host", Self.words(list), "no bound", key: Self.key(list))
        case (nil, let list?): add(.lost, .network, "any host", "no bound", Self.words(list), key: Self.key(list))
        case (let was?, let becomes?):
            for entry in becomes where !was.contains(entry) {
                add(.gained, .network, "\(entry)", nil, "at most", key: "network.allow.\(entry)")
            }
            for entry in was where !becomes.contains(entry) {
                add(.lost, .network, "\(entry)", "at most", nil, key: "network.allow.\(entry)")
            }
        }
        for entry in after.deny where !before.deny.contains(entry) {
            add(.lost, .network, "\(entry)", nil, "never", key: "network.deny.\(entry)")
        }
        for entry in before.deny where !after.deny.contains(entry) {
            add(.gained, .network, "\(entry)", "never", nil, key: "network.deny.\(entry)")
        }
        let (was, becomes) = (before.tripwire ?? .block, after.tripwire ?? .block)
        add(
            becomes == .block ? .gained : .lost, .network, "tripwire", was.rawValue, becomes.rawValue,
            key: "network.tripwire")
    }

    /// Where a bound was written: an empty list has a line of its own.
    private static func key(_ entries: [NetworkEntry]) -> String {
        entries.first.map { "network.allow.\($0)" } ?? "network.allow"
    }

    private static func words(_ entries: [NetworkEntry]) -> String {
        entries.isEmpty ? "nothing" : entries.map { "\($0)" }.joined(separator: ", ")
    }

    private mutating func compareLayers() {
        for layer in Set(one.requiredLayers + other.requiredLayers) {
            let (was, becomes) = (one.requiredLayers.contains(layer), other.requiredLayers.contains(layer))
            add(
                becomes ? .lost : .gained, .withoutLayer, layer.rawValue, was ? "refused" : "starts",
                becomes ? "refused" : "starts", key: "layers.required.\(layer.rawValue)")
        }
    }
}
