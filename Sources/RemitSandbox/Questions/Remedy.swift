// SPDX-License-Identifier: Apache-2.0
// What it would take to allow something that was refused, and whether that is wise.

internal import RemitTask

/// One line of YAML that would allow what was refused, and advice about writing it.
package struct Remedy: Hashable, Sendable {
    package enum Wisdom: String, Hashable, Sendable {
        /// Nothing speaks against it where the agent needs it.
        case fine
        /// It widens what the agent can do: look at why it is wanted first.
        case careful
        /// No session should have it; most of it no line can give.
        case never
    }

    /// Where the line goes.
    package enum Target: String, Hashable, Sendable {
        case profile, task, configuration
        /// No file: it cannot be allowed.
        case nowhere
    }

    package let target: Target
    /// The line as YAML in flow style, such as `etc: {copy: [/etc/gitconfig]}`; nothing where there is none.
    package let yaml: String?
    package let wisdom: Wisdom
    /// Why, in one clause.
    package let why: String

    package init(_ target: Target, _ yaml: String?, _ wisdom: Wisdom, _ why: String) {
        self.target = target
        self.yaml = yaml
        self.wisdom = wisdom
        self.why = why
    }
}

extension Remedy {
    /// What would let a path be read, written, run or connected to.
    ///
    /// - Parameters:
    ///   - act: what was tried.
    ///   - opinion: the layer that refused.
    ///   - home: the caller's home.
    package static func path(_ path: String, _ act: ObservedAct, refusedBy opinion: Opinion?, home: String?) -> Remedy {
        if let why = SecretPlaces.reason(path, home: home) { return Remedy(.nowhere, nil, .never, why) }
        if path == "/" + SandboxPlan.Path.sealed {
            return Remedy(.nowhere, nil, .never, "it is there for Landlock to be tried on")
        }
        let isWrite = [.write, .make, .remove, .change].contains(act)
        if !isWrite, ProcessView.statistics.files.contains(where: { path == "/proc/" + $0 }) {
            return Remedy(
                .profile, "filesystem: {processes: statistics}", .careful,
                "it counts what the whole host does, down to the interrupts when somebody types")
        }
        if path.hasPrefix("/proc/") {
            return Remedy(
                .nowhere, nil, .never, "what the host runs and has is nobody's business inside; programs do without")
        }
        if path.hasPrefix("/sys/") || path == "/sys" {
            return Remedy(
                .nowhere, nil, .never, "the host's devices and control groups are not the agent's; programs do without")
        }
        if path.hasPrefix("/dev/") {
            return Remedy(.nowhere, nil, .never, "devices lead to the kernel and past every other layer")
        }
        if path == "/workspace" || path.hasPrefix("/workspace/") {
            if opinion?.layer == "mounts", isWrite {
                return Remedy(
                    .task, "workspace: {mode: write}", .fine,
                    "where the task is to change files; the outcome can bound which")
            }
            return Remedy(
                .nowhere, nil, .careful, "the file's own mode refuses it: chmod(1) on the host, where that is meant")
        }
        if isWrite {
            let isSystem = ["/usr", "/etc", "/bin", "/lib", "/sbin", "/opt"].contains {
                path == $0 || path.hasPrefix($0 + "/")
            }
            return isSystem
                ? Remedy(
                    .nowhere, nil, .never,
                    "a program changed there runs outside of the session as well: write to the workspace, /tmp or $HOME"
                )
                : Remedy(
                    .profile, "filesystem: {binds: [{source: \(quoted(directory(path))), mode: write}]}", .careful,
                    "every session under the profile may then change it")
        }
        if opinion?.layer == "permissions" {
            return Remedy(
                .nowhere, nil, .careful,
                "the host does not let the agent's user: no line of a profile gives a right the user has not")
        }
        if path.hasPrefix("/etc/") {
            return act == .execute
                ? Remedy(.nowhere, nil, .never, "nothing in /etc is run in a session")
                : Remedy(
                    .profile, "etc: {copy: [\(quoted(path))]}", .fine, "when nothing in it is secret: look at it first")
        }
        return Remedy(
            .profile, "filesystem: {binds: [\(quoted(directory(path)))]}", .careful,
            "everything beneath it can be read then, by every session under the profile")
    }

    /// What would let a system call be made; `line` is the one that refuses it.
    package static func call(_ name: String, _ source: SystemCallSource) -> Remedy {
        switch source {
        case .profile(let word, let list, _):
            Remedy(
                .profile, "systemCalls: {\(list): […]}, without \(quoted(word))", .careful,
                "the profile took it away on purpose")
        case .floor: Remedy(.nowhere, nil, .never, "it is part of the floor that holds in every session")
        case .arguments(let why): Remedy(.nowhere, nil, .never, why)
        case .absent(let why): Remedy(.nowhere, nil, .never, why)
        case .group: Remedy(.nowhere, nil, .careful, "only with other arguments")
        case .unlisted:
            Remedy(
                .profile, "systemCalls: {allow: [\(name)]}", .careful, "nobody has looked at what it can be used for")
        }
    }

    /// What would let a host be reached.
    package static func host(_ host: String, port: UInt16?, reason: String?) -> Remedy {
        let ports = port.map { ", ports: [\($0)]" } ?? ""
        let line = "network: {allow: [{host: \(quoted(host))\(ports)}]}"
        if host == "169.254.169.254" || host.hasPrefix("metadata.") {
            return Remedy(.nowhere, nil, .never, "what it hands out are credentials of the machine")
        }
        if reason == "address" || host.allSatisfy({ $0.isNumber || $0 == "." || $0 == ":" }) {
            return Remedy(
                .task, line, .careful, "an address says nothing of who answers: name the host, where it has a name")
        }
        return Remedy(
            .task, line, .careful, "whatever the agent has read may go there: narrow it by `http: {methods, paths}`")
    }

    /// What would pass a variable on.
    package static func variable(_ name: String) -> Remedy {
        let words = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH", "COOKIE", "PRIVATE"]
        if words.contains(where: name.uppercased().contains) {
            return Remedy(
                .nowhere, nil, .never, "it looks like a secret: ask for a credential, which ends with the session")
        }
        if name.hasPrefix("LD_") || name == "SSH_AUTH_SOCK" || name.hasPrefix("DBUS_") {
            return Remedy(.nowhere, nil, .never, "it leads out of the session, or into its programs")
        }
        return Remedy(
            .profile, "environment: {allow: [\(name)]}", .fine,
            "where a program needs it; its value is the agent's then")
    }

    /// What would raise a limit.
    package static func limit(_ name: String, value: String?) -> Remedy {
        Remedy(
            .profile, "limits: {\(name): …}", .fine,
            "more than \(value ?? "now"), where the host has it; a task may only lower it")
    }

    /// The nearest directory that is worth bringing in: of a tree of programs or data, not of a single file.
    static func directory(_ path: String) -> String {
        let parts = path.split(separator: "/").map(String.init)
        let depth =
            parts.first == "home" ? 3 : ["opt", "srv", "nix"].contains(parts.first ?? "") ? 2 : max(1, parts.count - 1)
        return "/" + parts.prefix(min(depth, parts.count)).joined(separator: "/")
    }

    /// Text as a YAML scalar: plain where nothing in it means anything to YAML.
    package static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || "/._-+".utf8.contains(byte)
            }
        let startsPlain =
            text.utf8.first.map { $0 == 0x2f || (97...122).contains($0) || (65...90).contains($0) } ?? false
        if isPlain, startsPlain, !["true", "false", "null", "yes", "no", "on", "off"].contains(text.lowercased()) {
            return text
        }
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            default:
                scalar.value < 0x20 || scalar.value == 0x7f
                    ? "\\x" + String(scalar.value + 256, radix: 16).suffix(2) : String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }
}
