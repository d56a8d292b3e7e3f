// SPDX-License-Identifier: Apache-2.0

/// What the kernel says of one task in `/proc/PID/task/TID/status`, see proc_pid_status(5).
package struct TaskStatus: Hashable, Sendable {
    package var name: String
    /// `Z` and `X` are tasks that are over.
    package var state: String
    package var tracer: Int32
    /// Real, effective, saved and file-system uid, as the reader's user namespace numbers them.
    package var users: [UInt32]
    /// Real, effective, saved and file-system gid.
    package var groups: [UInt32]
    /// Supplementary groups, ascending.
    package var supplementary: [UInt32]
    /// `Inh`, `Prm`, `Eff`, `Bnd` and `Amb`.
    package var capabilities: [String: UInt64]
    package var noNewPrivileges: Bool
    /// 0 none, 1 strict, 2 filter.
    package var seccompMode: Int
    /// How many filters; `nil` where the kernel does not say (before Linux 5.10).
    package var filters: Int?
    /// A task gives its memory up before it leaves its control groups, and both before its state says that it is over.
    package var hasMemory: Bool

    package static let capabilitySets = ["Inh", "Prm", "Eff", "Bnd", "Amb"]

    var isOver: Bool { state == "Z" || state == "X" || !hasMemory }

    /// - Returns: `nil` when something is missing that every kernel this runs on says.
    package init?(_ text: String) {
        var lines: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            // The first of a name counts: only the kernel writes before the second.
            let key = line[..<colon]
            if lines[key] == nil { lines[key] = line[line.index(after: colon)...] }
        }
        func words(_ key: Substring) -> [Substring]? { lines[key]?.split(whereSeparator: \.isWhitespace) }
        func numbers(_ key: Substring, count: Int? = nil) -> [UInt32]? {
            guard let words = words(key) else { return nil }
            let numbers = words.compactMap { UInt32($0) }
            return numbers.count == words.count && (count == nil || numbers.count == count) ? numbers : nil
        }
        guard let state = words("State")?.first, let tracer = words("TracerPid")?.first.flatMap({ Int32($0) }),
            let users = numbers("Uid", count: 4), let groups = numbers("Gid", count: 4),
            let supplementary = numbers("Groups"), let privileges = words("NoNewPrivs")?.first,
            let mode = words("Seccomp")?.first.flatMap({ Int($0) })
        else { return nil }
        var capabilities: [String: UInt64] = [:]
        for set in Self.capabilitySets {
            guard let word = words("Cap\(set)")?.first, let mask = UInt64(word, radix: 16) else { return nil }
            capabilities[set] = mask
        }
        name = (lines["Name"] ?? "").drop { $0 == "\t" }.description
        self.state = String(state)
        self.tracer = tracer
        self.users = users
        self.groups = groups
        self.supplementary = supplementary.sorted()
        self.capabilities = capabilities
        noNewPrivileges = privileges == "1"
        seccompMode = mode
        filters = words("Seccomp_filters")?.first.flatMap { Int($0) }
        hasMemory = lines["VmSize"] != nil
    }
}

/// What of `/proc/PID/stat` has no other place, see proc_pid_stat(5).
package struct ProcessStat: Hashable, Sendable {
    package let parent: Int32
    /// The controlling terminal's device number; 0: none.
    package let terminal: Int
    package let startTicks: UInt64

    package init?(_ text: String) {
        // The command name is in parentheses and may hold anything, so fields count from the last one.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 19, let parent = Int32(fields[1]), let terminal = Int(fields[4]),
            let ticks = UInt64(fields[19])
        else { return nil }
        self.parent = parent
        self.terminal = terminal
        startTicks = ticks
    }
}

/// The text files of /proc that are tables.
enum ProcessTables {
    /// `/proc/PID/limits`: the hard value by the row's name; `.max` for `unlimited`.
    static func limits(_ text: String) -> [String: UInt64] {
        var result: [String: UInt64] = [:]
        for line in text.split(separator: "\n").dropFirst() {
            let (name, values) = (line.prefix(26), line.dropFirst(26).split(separator: " "))
            guard name.count == 26, values.count >= 2 else { continue }
            let row = name.reversed().drop { $0 == " " }.reversed()
            if let value = values[1] == "unlimited" ? .max : UInt64(values[1]) { result[String(row)] = value }
        }
        return result
    }

    /// `/proc/PID/cgroup`: the path by controller; the unified hierarchy's is "".
    static func controlGroups(_ text: String) -> [String: String] {
        var result: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for name in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                result[String(name)] = String(parts[2])
            }
        }
        return result
    }

    /// `/proc/PID/net/dev`: the interfaces' names.
    static func interfaces(_ text: String) -> [String] {
        text.split(separator: "\n").dropFirst(2).compactMap { line in
            line.firstIndex(of: ":").map { String(line[..<$0].drop { $0 == " " }) }
        }.sorted()
    }

    /// `/proc/PID/net/route`: how many routes there are.
    static func routes(_ text: String) -> Int { max(0, text.split(separator: "\n").count - 1) }

    /// One value of `/proc/PID/fdinfo/N`.
    static func words(_ key: String, in text: String) -> [Substring]? {
        text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
            .map { $0.dropFirst(key.utf8.count + 1).split(whereSeparator: \.isWhitespace) }
    }
}
