// SPDX-License-Identifier: Apache-2.0
// Which calls an observed session reports although they are allowed, and where their paths stand.

internal import RemitKernel

/// What a process does with a path.
package enum ObservedAct: String, Hashable, Sendable {
    /// Asks what is there.
    case look
    case read
    case write
    /// Changes its mode, times or attributes.
    case change
    /// Makes, where nothing was.
    case make
    case remove
    case execute
    /// Connects to a socket that is a file.
    case connect
    /// Makes a system call that is about no path.
    case call
}

/// The calls that are observed.
enum ObservedCalls {
    /// Where a call has a path, and what it is wanted for.
    struct Shape: Sendable {
        /// The argument that is the directory it starts from; nothing for the process's own.
        var directory: Int?
        let path: Int
        let act: ObservedAct
        /// The argument with AT_ flags.
        var flags: Int?
        /// The argument with O_ flags.
        var mode: Int?
        /// A link at the end is itself meant.
        var isLink = false
    }

    /// The shapes of every call about paths; some have two.
    static let shapes: [String: [Shape]] = {
        var all: [String: [Shape]] = [:]
        func add(_ names: String, _ shapes: Shape...) {
            for name in SystemCallGroup.words(names) { all[name] = shapes }
        }
        add("open", Shape(path: 0, act: .read, mode: 1))
        add("openat", Shape(directory: 0, path: 1, act: .read, mode: 2))
        add("creat truncate", Shape(path: 0, act: .write))
        add("stat access chdir statfs getxattr listxattr inotify_add_watch", Shape(path: 0, act: .look))
        all["inotify_add_watch"] = [Shape(path: 1, act: .look)]
        add("lstat readlink lgetxattr llistxattr", Shape(path: 0, act: .look, isLink: true))
        add("newfstatat", Shape(directory: 0, path: 1, act: .look, flags: 3))
        add("statx", Shape(directory: 0, path: 1, act: .look, flags: 2))
        add("faccessat", Shape(directory: 0, path: 1, act: .look))
        add("faccessat2", Shape(directory: 0, path: 1, act: .look, flags: 3))
        add("readlinkat", Shape(directory: 0, path: 1, act: .look, isLink: true))
        add("execve", Shape(path: 0, act: .execute))
        add("execveat", Shape(directory: 0, path: 1, act: .execute, flags: 4))
        add("mkdir mknod", Shape(path: 0, act: .make, isLink: true))
        add("mkdirat mknodat", Shape(directory: 0, path: 1, act: .make, isLink: true))
        add("rmdir unlink", Shape(path: 0, act: .remove, isLink: true))
        add("unlinkat", Shape(directory: 0, path: 1, act: .remove, isLink: true))
        add("rename", Shape(path: 0, act: .remove, isLink: true), Shape(path: 1, act: .make, isLink: true))
        add(
            "renameat renameat2", Shape(directory: 0, path: 1, act: .remove, isLink: true),
            Shape(directory: 2, path: 3, act: .make, isLink: true))
        add("link", Shape(path: 0, act: .look, isLink: true), Shape(path: 1, act: .make, isLink: true))
        add(
            "linkat", Shape(directory: 0, path: 1, act: .look, isLink: true),
            Shape(directory: 2, path: 3, act: .make, isLink: true))
        add("symlink", Shape(path: 1, act: .make, isLink: true))
        add("symlinkat", Shape(directory: 1, path: 2, act: .make, isLink: true))
        add("chmod utime utimes setxattr removexattr chown", Shape(path: 0, act: .change))
        add("lchown lsetxattr lremovexattr", Shape(path: 0, act: .change, isLink: true))
        add("fchmodat fchmodat2 fchownat futimesat utimensat", Shape(directory: 0, path: 1, act: .change))
        return all
    }()

    /// Calls that say something by being made at all: groups of which a profile may take away what nobody needs.
    static let telling: Set<String> = {
        let hot: Set<String> = ["sched_yield", "sched_getaffinity", "getrandom", "futex"]
        let calls = SystemCallGroup.words("@aio @chown @ipc @memlock @pkey @resources @sandbox @setuid @timer")
            .flatMap { SystemCallGroup.named($0)?.calls ?? [] }
        return Set(calls + ["connect", "socket", "socketpair", "bind", "listen"]).subtracting(hot)
    }()

    /// Every name that may be observed.
    static let names: Set<String> = Set(shapes.keys).union(telling)
}

extension SystemCallPolicy {
    /// The calls that this policy allows for some arguments and never reports: only these can be observed, for with them
    /// a report says by itself that the call is allowed.
    package var observable: Set<String> {
        let reported = Set((lines + fallbacks).filter { $0.rule.action == .notify }.map(\.rule.name))
        let allowed = Set(lines.filter { $0.rule.action == .allow }.map(\.rule.name))
        return allowed.subtracting(reported).intersection(ObservedCalls.names).subtracting(Self.silent)
    }

    /// What the launch needs before anybody answers reports.
    private static let silent: Set<String> = ["sendmsg", "sendto"]

    /// The same policy, but what it allows of the observed calls is reported first. What it refuses it refuses as
    /// before: no rule becomes weaker.
    package var observed: SystemCallPolicy {
        let names = observable
        var copy = self
        copy.lines = lines.map { line in
            guard line.rule.action == .allow, names.contains(line.rule.name) else { return line }
            return Line(rule: line.rule.with(.notify), source: line.source)
        }
        return copy
    }
}
