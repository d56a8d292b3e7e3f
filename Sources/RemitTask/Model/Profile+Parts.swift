// SPDX-License-Identifier: Apache-2.0
// The sections of a profile.

/// What the session's root is built from.
package struct ProfileFilesystem: Hashable, Sendable, Codable {
    /// Directories and files of the host, by unique target, in the order of their targets' depth and name.
    package var binds: [Bind]
    /// Symbolic links to create in the new root: link to target.
    package var links: [String: String]
    /// The size of the private `/tmp`; nothing leaves it to the memory limit.
    package var temporary: ByteCount?
    /// The size of the private `/home/agent`; nothing leaves it to the memory limit.
    package var home: ByteCount?
    /// What `/proc` shows.
    package var processes: ProcessView
    /// Installations of the host that hold a program, read-only: the program's name to where they are bound.
    package var installations: [String: String]
    /// How a task may bind its workspace at most; nothing leaves it to the task.
    package var workspace: AccessMode?

    /// Makes an empty file system.
    package init(
        binds: [Bind] = [], links: [String: String] = [:], temporary: ByteCount? = nil, home: ByteCount? = nil,
        processes: ProcessView = .minimal, installations: [String: String] = [:], workspace: AccessMode? = nil
    ) {
        self.binds = binds
        self.links = links
        self.temporary = temporary
        self.home = home
        self.processes = processes
        self.installations = installations
        self.workspace = workspace
    }
}

/// One directory or file of the host, bound into the new root.
package struct Bind: Hashable, Sendable, Codable {
    /// An absolute path of the host.
    package var source: String
    /// An absolute path in the new root.
    package var target: String
    /// Whether it may be changed.
    package var mode: AccessMode
    /// Whether programs in it may be run; false gives `noexec`.
    package var execute: Bool
    /// Whether a session is refused when the source is missing.
    package var required: Bool

    /// Makes a bind: read-only, executable and required unless said otherwise.
    package init(
        source: String, target: String? = nil, mode: AccessMode = .read, execute: Bool = true, required: Bool = true
    ) {
        self.source = source
        self.target = target ?? source
        self.mode = mode
        self.execute = execute
        self.required = required
    }
}

/// What a session's `/proc` shows.
package enum ProcessView: String, Hashable, Sendable, Codable, CaseIterable {
    /// Process directories only: `subset=pid` of `proc(5)`.
    case minimal
    /// Besides, ``files``: how busy the host is, for programs that show it.
    case statistics

    /// The files of `/proc` that are there besides processes, sorted.
    ///
    /// What `top`, `htop`, `ps`, `free` and `uptime` cannot do without, and nothing more. Most of it sysinfo(2) and the
    /// processor tell every session; `stat` also counts interrupts.
    package var files: [String] { self == .statistics ? ["cpuinfo", "loadavg", "meminfo", "stat", "uptime"] : [] }
}

/// What the session's `/etc` holds.
package struct ProfileEtc: Hashable, Sendable, Codable {
    /// Files and directories of the host's `/etc`, bound read-only when they exist, sorted.
    package var copy: [String]
    /// Files made for the session: name relative to `/etc` to content.
    package var files: [String: String]

    /// Makes the contents of `/etc`.
    package init(copy: [String] = [], files: [String: String] = [:]) {
        self.copy = copy
        self.files = files
    }
}

/// Which variables the agent gets.
package struct ProfileEnvironment: Hashable, Sendable, Codable {
    /// Names, or beginnings of names with a trailing `*`, that are passed on from the caller, sorted.
    package var allow: [String]
    /// Variables with fixed values.
    package var set: [String: String]

    /// Makes an environment.
    package init(allow: [String] = [], set: [String: String] = [:]) {
        self.allow = allow
        self.set = set
    }

    /// What the agent gets of the caller's environment: the allowed variables, then the fixed ones over them.
    package func variables(from caller: [String: String]) -> [String: String] {
        var result = caller.filter { allows($0.key) }
        result.merge(set) { _, fixed in fixed }
        return result
    }

    /// Whether a variable of the caller is passed on; those that steer the dynamic linker never are.
    package func allows(_ name: String) -> Bool {
        guard VariableName.problem(name) == nil else { return false }
        return allow.contains { pattern in
            pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
        }
    }
}

/// Changes to the built-in system call rules: names of calls, and of groups of them, which start with `@`.
package struct ProfileSystemCalls: Hashable, Sendable, Codable {
    /// Names added to the built-in set, sorted.
    package var allow: [String]
    /// Names refused with `EPERM`, sorted.
    package var deny: [String]

    /// Makes a set of changes.
    package init(allow: [String] = [], deny: [String] = []) {
        self.allow = allow
        self.deny = deny
    }
}
