// SPDX-License-Identifier: Apache-2.0
// Mounts and open descriptors.

internal import RemitKernel

extension PostureComparison {
    // MARK: mounts

    /// Processes in one mount namespace have one table: it is judged once, for the first process that shows it.
    mutating func judgeMounts() {
        var judged: Set<[MountPosture]> = []
        for process in posture.processes {
            switch process.mounts {
            case .unreadable(let reason):
                add(
                    PostureItem(
                        "mounts", expected: "as planned", found: reason, .unreadable, process: process.pid))
            case .value(let table):
                if judged.insert(table).inserted { judge(table, process.pid) }
            }
        }
        for process in posture.processes { judgeMountedFiles(process) }
    }

    private mutating func judge(_ table: [MountPosture], _ pid: Int32) {
        let planned = Set(expectation.mounts.map(\.target))
        for mount in expectation.mounts {
            let found = table.filter { $0.target == mount.target }
            let isFine =
                found.count == 1
                && found.allSatisfy { seen in
                    seen.attributes.isSuperset(of: mount.attributes) && seen.propagation.isEmpty
                        && (mount.type == nil || mount.type == seen.type)
                }
            let texts = found.map { seen in
                ([mount.type == nil ? nil : seen.type, seen.flags] + seen.propagation.map { $0 })
                    .compactMap { $0 }.joined(separator: " ")
            }
            add(
                PostureItem(
                    "mount \(mount.target)", expected: mount.text,
                    found: texts.isEmpty ? "none" : texts.joined(separator: " and "),
                    isFine ? .holds : .differs, process: pid))
        }
        judgeViews(table, pid)
        for seen in table where !planned.contains(seen.target) {
            let around = expectation.mounts.filter { $0.isRecursive && seen.target.hasPrefix($0.target + "/") }
                .max { $0.target.utf8.count < $1.target.utf8.count }
            let isFine =
                around.map { seen.attributes.isSuperset(of: $0.attributes) && seen.propagation.isEmpty } ?? false
            add(
                PostureItem(
                    "mount \(seen.target)", expected: around.map { "\($0.text), as \($0.target)" } ?? "none",
                    found: ([seen.type, seen.flags] + seen.propagation).joined(separator: " "),
                    isFine ? .holds : .differs, process: pid))
        }
    }

    /// No plan may show more of a process table than processes: files that it shows besides are mounts of their own.
    private mutating func judgeViews(_ table: [MountPosture], _ pid: Int32) {
        for seen in table where seen.type == "proc" {
            add(
                PostureItem(
                    "view of \(seen.target)", expected: SandboxPlan.processesOnly,
                    found: seen.options.joined(separator: ","),
                    seen.options.contains(SandboxPlan.processesOnly) ? .holds : .differs, process: pid))
        }
    }

    /// What is mounted is what the supervisor approved. Only one process has to show it: they share the mounts.
    private mutating func judgeMountedFiles(_ process: ProcessPosture) {
        guard process.role != .stranger, process.pid == showing else { return }
        for mount in expectation.mounts {
            guard let file = mount.file else { continue }
            add(
                "source of \(mount.target)", "\(file)", process.mounted[mount.target] ?? .unreadable("not read"),
                process: process.pid, found: { "\($0)" }, holds: { $0 == file })
        }
    }

    /// The first process whose root may be looked into; otherwise the first one.
    private var showing: Int32? {
        let shows = posture.processes.first { process in
            process.role != .stranger && process.mounted.values.contains { $0.value != nil }
        }
        return (shows ?? posture.processes.first)?.pid
    }

    // MARK: descriptors

    mutating func judgeDescriptors(_ process: ProcessPosture) {
        let expected =
            process.role == .first
            ? "pipes and a signalfd" : "pipes, its own sockets and events, files inside"
        guard case .value(let all) = process.descriptors else {
            add(
                PostureItem(
                    "descriptors", expected: expected, found: process.descriptors.reason, .unreadable,
                    process: process.pid))
            return
        }
        let judged = all.map { ($0, judge($0, process)) }
        for (descriptor, judgement) in judged {
            guard case .failure(let problem) = judgement else { continue }
            add(
                PostureItem(
                    "descriptor \(descriptor.number)", expected: expected, found: problem.text, problem.verdict,
                    process: process.pid))
        }
        let kinds = Set(judged.compactMap { try? $0.1.get() }).sorted()
        add(
            PostureItem(
                "descriptors", expected: expected, found: kinds.isEmpty ? "none" : kinds.joined(separator: ", "),
                .holds, process: process.pid))
    }

    /// Why a descriptor is none that the session may have.
    private struct Problem: Error {
        let text: String
        var verdict: PostureItem.Verdict = .differs
    }

    /// Events that a process makes for itself, and nothing of which leads outside.
    private static let events: Set<String> = [
        "eventfd", "eventpoll", "timerfd", "signalfd", "inotify", "landlock-ruleset",
    ]

    private func judge(_ descriptor: DescriptorPosture, _ process: ProcessPosture) -> Result<String, Problem> {
        let target = descriptor.target
        let kind = String(target.prefix { $0 != ":" })
        if process.role == .first {
            let isPlanned = kind == "pipe" || target == "anon_inode:[signalfd]"
            return isPlanned ? .success(kind == "pipe" ? "pipe" : "signalfd") : .failure(Problem(text: target))
        }
        if target.hasPrefix("/") { return judgeFile(descriptor, process) }
        switch kind {
        case "pipe": return .success("pipe")
        case "socket": return judgeSocket(descriptor)
        case "pidfd": return judgeProcessHandle(descriptor)
        case "anon_inode":
            let name = target.dropFirst("anon_inode:".count).filter { $0 != "[" && $0 != "]" }
            if name == "pidfd" { return judgeProcessHandle(descriptor) }
            return Self.events.contains(name) ? .success(name) : .failure(Problem(text: target))
        default:
            // A namespace of its own, opened through /proc.
            let number = UInt64(target.drop { $0 != "[" }.dropFirst().dropLast())
            let own = process.tasks.flatMap { $0.namespaces.values.compactMap(\.value) }
            let host = Set(expectation.hostNamespaces.filter { expectation.ownNamespaces.contains($0.key) }.values)
            guard Namespace(rawValue: kind) != nil, let number, own.contains(number), !host.contains(number) else {
                return .failure(Problem(text: target))
            }
            return .success("namespace")
        }
    }

    private func judgeFile(_ descriptor: DescriptorPosture, _ process: ProcessPosture) -> Result<String, Problem> {
        guard let mount = descriptor.mount else {
            return .failure(Problem(text: "\(descriptor.target): its mount is not shown", verdict: .unreadable))
        }
        if descriptor.target.hasPrefix("/memfd:"), mount == posture.memoryMount { return .success("memfd") }
        // The session's mounts, not the process's own: one that left them took nothing of theirs along.
        guard let table = posture.processes.lazy.filter({ $0.role != .stranger }).compactMap(\.mounts.value).first
        else {
            return .failure(Problem(text: "\(descriptor.target): \(process.mounts.reason)", verdict: .unreadable))
        }
        return table.contains { $0.identifier == mount }
            ? .success(descriptor.target.hasPrefix("/dev/pts/") ? "terminal" : "file")
            : .failure(Problem(text: "\(descriptor.target) of a mount that is not the session's"))
    }

    private func judgeSocket(_ descriptor: DescriptorPosture) -> Result<String, Problem> {
        switch descriptor.network {
        case .value(let namespace) where namespace == reference(.network) && !isHosts(namespace): .success("socket")
        case .value: .failure(Problem(text: "\(descriptor.target) of another network namespace"))
        case .unreadable(let reason): .failure(Problem(text: "\(descriptor.target): \(reason)", verdict: .unreadable))
        case nil: .failure(Problem(text: "\(descriptor.target): not read", verdict: .unreadable))
        }
    }

    private func isHosts(_ network: UInt64) -> Bool {
        expectation.ownNamespaces.contains(.network) && network == expectation.hostNamespaces[.network]
    }

    private func judgeProcessHandle(_ descriptor: DescriptorPosture) -> Result<String, Problem> {
        switch descriptor.isInner {
        case true?: .success("pidfd")
        case false?: .failure(Problem(text: "\(descriptor.target) of a process of the host"))
        case nil: .failure(Problem(text: "\(descriptor.target): its process is not shown", verdict: .unreadable))
        }
    }
}

extension MountExpectation {
    /// As the table of items shows it.
    var text: String {
        let flags = attributes.flags(elseWritable: false)
        return [type, flags.isEmpty ? nil : flags, file == nil ? nil : "of the host"].compactMap { $0 }
            .joined(separator: " ")
    }
}
