// SPDX-License-Identifier: Apache-2.0
// What `remit profile show` prints: every value of a resolved profile, and who wrote it.

internal import RemitNetwork

/// One value of a resolved profile.
package struct ProfileEntry: Hashable, Sendable, Codable {
    /// Its path: `filesystem.links./bin`.
    package let path: String
    /// Its value on one line.
    package let value: String
    /// Where it was written; nothing for a built-in default.
    package let origin: Origin?
}

extension Profile {
    /// Every value with its origin, sorted by path.
    package var explanation: [ProfileEntry] {
        var values: [String: String] = ["filesystem.processes": filesystem.processes.rawValue]
        values["description"] = description
        for bind in filesystem.binds { values["filesystem.binds.\(bind.target)"] = bind.summary }
        for (path, target) in filesystem.links { values["filesystem.links.\(path)"] = target }
        for (program, target) in filesystem.installations {
            values["filesystem.installations.\(program)"] = "\(target), unless it is in a bind already"
        }
        values["filesystem.workspace"] = filesystem.workspace.map { "\($0.rawValue), at most" }
        values["filesystem.temporary.size"] = filesystem.temporary?.description
        values["filesystem.home.size"] = filesystem.home?.description
        for path in etc.copy { values["etc.copy.\(path)"] = "when it exists" }
        for (name, content) in etc.files { values["etc.files.\(name)"] = Excerpt.of(content) }
        for name in environment.allow { values["environment.allow.\(name)"] = "from the caller" }
        for (name, value) in environment.set { values["environment.set.\(name)"] = Excerpt.of(value, limit: 4096) }
        for name in systemCalls.allow { values["systemCalls.allow.\(name)"] = "allowed" }
        for name in systemCalls.deny { values["systemCalls.deny.\(name)"] = "EPERM" }
        values["limits.memory"] = limits.memory?.description
        values["limits.processes"] = limits.processes?.description
        values["limits.cpu"] = limits.cpu?.description
        values["limits.openFiles"] = limits.openFiles?.description
        values["limits.fileSize"] = limits.fileSize?.description
        values["limits.io"] = limits.io?.description
        values["limits.whenReached"] = limits.whenReached?.rawValue
        for entry in network.allow ?? [] { values["network.allow.\(entry)"] = "at most" }
        if network.allow == [] { values["network.allow"] = "nothing" }
        for entry in network.deny { values["network.deny.\(entry)"] = "never" }
        values["network.tripwire"] = network.tripwire?.rawValue
        for layer in requiredLayers { values["layers.required.\(layer.rawValue)"] = "required" }
        return values.sorted { $0.key < $1.key }.map {
            ProfileEntry(path: $0.key, value: $0.value, origin: origins[$0.key])
        }
    }
}

extension Bind {
    /// `read, from /opt/tools, noexec, when it exists`
    fileprivate var summary: String {
        var words = [mode.rawValue]
        if source != target { words.append("from \(source)") }
        if !execute { words.append("noexec") }
        if !required { words.append("when it exists") }
        return words.joined(separator: ", ")
    }
}
