// SPDX-License-Identifier: Apache-2.0
// Merging a chain of profiles, remembering where each value came from.

/// A profile in the making: layers are applied from the most distant ancestor to the profile asked for.
struct ProfileMerge {
    private var profile = Profile(name: "")

    /// Merges the layers, given with the profile asked for first and its most distant ancestor last.
    static func resolve(_ chain: [ProfileLayer]) -> Profile {
        var merge = ProfileMerge()
        for layer in chain.reversed() { merge.apply(layer) }
        merge.profile.lineage = chain.map(\.name)
        merge.sort()
        return merge.profile
    }

    private mutating func apply(_ layer: ProfileLayer) {
        profile.name = layer.name
        // A description is about one profile: a child without one does not do what its parent says of itself.
        profile.description = layer.description
        profile.origins["description"] = nil
        applyFilesystem(layer)
        profile.etc.copy += new(layer.etc.copy, "etc.copy")
        profile.environment.allow += new(layer.environment.allow, "environment.allow")
        for (name, content) in layer.etc.files { profile.etc.files[name] = content }
        for (name, value) in layer.environment.set { profile.environment.set[name] = value }
        applySystemCalls(layer)
        profile.limits.memory = layer.limits.memory ?? profile.limits.memory
        profile.limits.processes = layer.limits.processes ?? profile.limits.processes
        profile.limits.cpu = layer.limits.cpu ?? profile.limits.cpu
        profile.limits.openFiles = layer.limits.openFiles ?? profile.limits.openFiles
        profile.limits.fileSize = layer.limits.fileSize ?? profile.limits.fileSize
        profile.limits.io = layer.limits.io ?? profile.limits.io
        profile.limits.whenReached = layer.limits.whenReached ?? profile.limits.whenReached
        applyNetwork(layer)
        for required in layer.requiredLayers where !profile.requiredLayers.contains(required) {
            profile.requiredLayers.append(required)
        }
        for test in layer.tests {
            // What a child says of the same act counts: it may allow, or forbid, what its parent does not.
            if let index = profile.tests.firstIndex(where: { $0.name == test.name }) {
                profile.tests[index] = test
            } else {
                profile.tests.append(test)
            }
        }
        for (path, line) in layer.lines where isDecided(path) {
            profile.origins[path] = Origin(profile: layer.name, line: line)
        }
    }

    /// A word of a joined list belongs to whoever wrote it first, every other value to whoever wrote it last.
    private func isDecided(_ path: String) -> Bool {
        let isJoined = Self.joined.contains { path.hasPrefix($0) }
        return !isJoined || profile.origins[path] == nil
    }

    private static let joined = [
        "etc.copy.", "environment.allow.", "systemCalls.allow.", "systemCalls.deny.", "layers.required.",
        "network.allow.", "network.deny.",
    ]

    private mutating func applyFilesystem(_ layer: ProfileLayer) {
        // At one path there is either a bind or a link: the last writer decides.
        for bind in layer.binds {
            removeBind(at: bind.target)
            profile.filesystem.binds.append(bind)
            profile.filesystem.links[bind.target] = nil
            profile.origins["filesystem.links.\(bind.target)"] = nil
        }
        for (path, target) in layer.links {
            profile.filesystem.links[path] = target
            removeBind(at: path)
        }
        profile.filesystem.temporary = layer.temporary ?? profile.filesystem.temporary
        profile.filesystem.home = layer.home ?? profile.filesystem.home
        profile.filesystem.processes = layer.processes ?? profile.filesystem.processes
        profile.filesystem.installations.merge(layer.installations) { _, own in own }
        profile.filesystem.workspace = layer.workspace ?? profile.filesystem.workspace
    }

    private mutating func removeBind(at target: String) {
        guard profile.origins.removeValue(forKey: "filesystem.binds.\(target)") != nil else { return }
        profile.filesystem.binds.removeAll { $0.target == target }
    }

    private mutating func applySystemCalls(_ layer: ProfileLayer) {
        for call in layer.systemCalls.allow where profile.origins.removeValue(forKey: "systemCalls.deny.\(call)") != nil
        {
            profile.systemCalls.deny.removeAll { $0 == call }
        }
        for call in layer.systemCalls.deny where profile.origins.removeValue(forKey: "systemCalls.allow.\(call)") != nil
        {
            profile.systemCalls.allow.removeAll { $0 == call }
        }
        profile.systemCalls.allow += new(layer.systemCalls.allow, "systemCalls.allow")
        profile.systemCalls.deny += new(layer.systemCalls.deny, "systemCalls.deny")
    }

    /// Rules add up along the chain, as the words of other lists do; a child that says nothing changes nothing.
    private mutating func applyNetwork(_ layer: ProfileLayer) {
        func added(_ entries: [NetworkEntry], to list: String) -> [NetworkEntry] {
            entries.filter { profile.origins["network.\(list).\($0)"] == nil }
        }
        if let allow = layer.network.allow {
            profile.network.allow = (profile.network.allow ?? []) + added(allow, to: "allow")
        }
        profile.network.deny += added(layer.network.deny, to: "deny")
        profile.network.tripwire = layer.network.tripwire ?? profile.network.tripwire
    }

    private func new(_ words: [String], _ path: String) -> [String] {
        words.filter { profile.origins["\(path).\($0)"] == nil }
    }

    private mutating func sort() {
        // A parent directory is mounted before what lies in it.
        profile.filesystem.binds.sort { left, right in
            let (one, other) = (Self.depth(left.target), Self.depth(right.target))
            return one == other ? left.target < right.target : one < other
        }
        profile.etc.copy.sort()
        profile.environment.allow.sort()
        profile.systemCalls.allow.sort()
        profile.systemCalls.deny.sort()
        profile.requiredLayers.sort()
    }

    private static func depth(_ path: String) -> Int {
        path.utf8.reduce(into: 0) { $0 += $1 == UInt8(ascii: "/") ? 1 : 0 }
    }
}
