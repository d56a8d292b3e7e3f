// SPDX-License-Identifier: Apache-2.0
// The lesson as a profile that a person reads before anything runs under it: every list says why it is as it is.

internal import RemitKernel
internal import RemitTask

extension ProfileLesson {
    /// What of the run goes into the profile's comments.
    package struct Run: Sendable {
        package var name: String
        package var command: [String]
        /// Its exit status, or what else became of it, in words; nothing where it succeeded.
        package var failure: String?
        /// The most that it held at once, as far as that was counted.
        package var memoryPeak: Int?
        package var processesPeak: Int?

        package init(
            name: String, command: [String], failure: String?, memoryPeak: Int? = nil, processesPeak: Int? = nil
        ) {
            self.name = name
            self.command = command
            self.failure = failure
            self.memoryPeak = memoryPeak
            self.processesPeak = processesPeak
        }
    }

    /// The profile as text.
    package func yaml(_ run: Run) -> String {
        var out = Lines()
        out.comment("Learned by `remit profile learn` from one run, and compared with profile `\(base.name)`:")
        out.comment("    " + Self.printable(run.command.joined(separator: " "), limit: 200))
        out.comment("It is what that run needed. What it does on another day, or when something fails, was not seen:")
        out.comment("read it, and try it with `remit run --observe` and `remit explain`.")
        if let failure = run.failure {
            out.comment(
                "The run did not succeed (\(Self.printable(failure, limit: 80))): what comes after was not seen.")
        }
        out.add("apiVersion: remit/v1")
        out.add("kind: Profile")
        out.add("name: \(run.name)")
        out.add("description: \(Remedy.quoted("learned from `\(Self.printable(run.command.first ?? "", limit: 60))`"))")
        filesystem(&out)
        etc(&out)
        environment(&out)
        systemCalls(&out)
        limits(&out, run)
        network(&out)
        out.add("layers:")
        out.add("  required: [\(base.requiredLayers.map(\.rawValue).joined(separator: ", "))]")
        tests(&out)
        notSeen(&out)
        return out.text
    }

    private func filesystem(_ out: inout Lines) {
        out.add("filesystem:")
        out.add("  binds:")
        for bind in binds {
            let source = Remedy.quoted(bind.source)
            if bind.target == "/usr", bind.source == "/usr" {
                out.add(
                    "    - /usr                        # programs and libraries, read-only; run were: " + some(programs)
                )
                continue
            }
            out.add("    - source: \(source)")
            if bind.source != bind.target { out.add("      target: \(Remedy.quoted(bind.target))") }
            if bind.mode == .write { out.add("      mode: write") }
            if !bind.execute { out.add("      execute: false                # nothing in it was run or loaded") }
        }
        let links = base.filesystem.links.sorted { $0.key < $1.key }
        if !links.isEmpty {
            out.add(
                "  links: {"
                    + links.map { "\(Remedy.quoted($0.key)): \(Remedy.quoted($0.value))" }.joined(separator: ", ") + "}"
            )
        }
        if let size = base.filesystem.temporary { out.add("  temporary: {size: \(size)}       # as in `\(base.name)`") }
        if let size = base.filesystem.home { out.add("  home: {size: \(size)}") }
        out.add("  processes: \(processes.rawValue)")
    }

    private func etc(_ out: inout Lines) {
        let files = base.etc.files.sorted { $0.key < $1.key }
        if copies.isEmpty && files.isEmpty { return out.comment("nothing of the host's /etc was needed") }
        out.add("etc:")
        if !copies.isEmpty {
            out.add("  copy:                           # each was looked at or read")
            for path in copies {
                out.add(
                    "    - \(Remedy.quoted(path))" + (base.etc.copy.contains(path) ? "" : "   # not in `\(base.name)`"))
            }
        }
        if files.isEmpty { return }
        out.add("  files:                          # as in `\(base.name)`")
        for (name, content) in files { out.add("    \(Remedy.quoted(name)): \(Remedy.quoted(content))") }
    }

    private func environment(_ out: inout Lines) {
        let own = base.environment
        if own.allow.isEmpty, own.set.isEmpty { return }
        out.comment("which variables a program reads cannot be seen: these are those of `\(base.name)`")
        out.add("environment:")
        if !own.allow.isEmpty { out.add("  allow: [\(own.allow.map(Remedy.quoted).joined(separator: ", "))]") }
        if own.set.isEmpty { return }
        out.add("  set:")
        for (name, value) in own.set.sorted(by: { $0.key < $1.key }) {
            out.add("    \(name): \(Remedy.quoted(value))")
        }
    }

    private func systemCalls(_ out: inout Lines) {
        let allow = base.systemCalls.allow
        if deniedCalls.isEmpty, allow.isEmpty { return }
        out.add("systemCalls:")
        if !allow.isEmpty { out.add("  allow: [\(allow.map(Remedy.quoted).joined(separator: ", "))]") }
        if deniedCalls.isEmpty { return }
        out.add("  deny:                           # the run made none of these; refused calls are counted")
        for word in deniedCalls {
            let purpose = SystemCallGroup.named(word)?.purpose
            out.add("    - \(Remedy.quoted(word))" + (purpose.map { "   # \($0)" } ?? ""))
        }
    }

    private func limits(_ out: inout Lines, _ run: Run) {
        let limits = base.limits
        var parts: [String] = []
        if let memory = limits.memory { parts.append("memory: \(memory)") }
        if let processes = limits.processes { parts.append("processes: \(processes)") }
        if let cpu = limits.cpu { parts.append("cpu: \(cpu)") }
        if let files = limits.openFiles { parts.append("openFiles: \(files)") }
        if let size = limits.fileSize { parts.append("fileSize: \(size)") }
        if parts.isEmpty { return }
        var peaks: [String] = []
        if let memory = run.memoryPeak { peaks.append("\((memory + 1_048_575) >> 20) MiB") }
        if let processes = run.processesPeak { peaks.append("\(processes) processes") }
        if !peaks.isEmpty { out.comment("the run held at most \(peaks.joined(separator: " and "))") }
        out.add("limits: {\(parts.joined(separator: ", "))}")
    }

    private func network(_ out: inout Lines) {
        out.add("network:")
        let hosts = evidence.hosts.sorted { ($0.name, $0.port) < ($1.name, $1.port) }
        if hosts.isEmpty {
            return out.add("  allow: []                       # the run reached nobody, so no task may")
        }
        out.add("  allow:                          # at most; a task still has to ask")
        for host in hosts { out.add("    - {host: \(Remedy.quoted(host.name)), ports: [\(host.port)]}") }
    }

    /// What has to stay true of it: programs are there, what was needed of /etc is, and secrets are not.
    private func tests(_ out: inout Lines) {
        out.add("tests:")
        let system = programs.filter { $0.hasPrefix("/usr/") && Remedy.quoted($0) == $0 }
        if !system.isEmpty {
            out.add("  - name: the programs that were run are there")
            out.add(
                "    run: for program in \(system.prefix(64).joined(separator: " ")); do test -x $program || exit 1; done"
            )
        }
        let paths = copies.filter { Remedy.quoted($0) == $0 }
        if !paths.isEmpty {
            out.add("  - name: what was needed of /etc is there")
            out.add("    run: for path; do test -r \"$path\" || exit 1; done")
            out.add("    paths: [\(paths.joined(separator: ", "))]")
        }
        out.add("  - name: no passwords of the host")
        out.add("    run: cat /etc/shadow")
        out.add("    refused: {by: mounts}")
        out.add("  - name: no programs are changed")
        out.add("    run: touch /usr/bin/remit-learned")
        out.add("    refused: {by: mounts}")
    }

    private func notSeen(_ out: inout Lines) {
        func list(_ title: String, _ items: [String]) {
            if items.isEmpty { return }
            out.comment("")
            out.comment(title)
            for item in items.prefix(12) { out.comment("    " + Self.printable(item, limit: 90)) }
            if items.count > 12 { out.comment("    and \(items.count - 12) more") }
        }
        list(
            "On the host, looked for, and not learned:",
            hidden.map { $0.path + ($0.reason.map { ": \($0)" } ?? ": add it where it is needed") })
        list(
            "Refused while learning:",
            refused.compactMap { seen in
                seen.path.map {
                    "\(seen.act.rawValue) \($0): \(seen.opinions.first { $0.say == .denies }?.detail ?? "")"
                }
            })
        list("Forbidden system calls that were tried:", evidence.refusedCalls.sorted())
        list("Looked for, and nowhere:", absent)
        list("Programs that were looked at and not run:", unrun)
    }

    private func some(_ paths: [String]) -> String {
        let names = Set(paths.compactMap { $0.split(separator: "/").last.map(String.init) }).sorted()
        let text = names.prefix(8).map { Self.printable($0, limit: 24) }.joined(separator: ", ")
        return text + (names.count > 8 ? " and \(names.count - 8) more" : names.isEmpty ? "none" : "")
    }

    /// Text of a run in a comment: nothing in it may end the comment.
    static func printable(_ text: String, limit: Int) -> String { Excerpt.of(text, limit: limit) }

    private struct Lines {
        var text = ""
        mutating func add(_ line: String) { text += line + "\n" }
        mutating func comment(_ line: String) { text += line.isEmpty ? "#\n" : "# \(line)\n" }
    }
}
