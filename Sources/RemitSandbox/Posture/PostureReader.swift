// SPDX-License-Identifier: Apache-2.0
// Finds a session's processes in /proc and reads them. Nothing of the session is stopped, traced or changed.

internal import RemitKernel

/// Reads what a live session holds.
package struct PostureReader {
    private let expectation: PostureExpectation
    /// How often it looks for processes that appeared while it read.
    private static let looks = 8

    package init(_ expectation: PostureExpectation) { self.expectation = expectation }

    /// Reads every process of the session, again and again until none is new.
    ///
    /// - Throws: ``SandboxError`` when pid 1 of the sandbox is not there (any more).
    package func read() throws(SandboxError) -> Posture {
        guard ProcessIdentity(pid: expectation.first.pid) == expectation.first else {
            throw SandboxError("pid 1 of the sandbox (process \(expectation.first.pid) of the host) is gone")
        }
        var found: [Key: ProcessPosture] = [:]
        var seen: Set<Key> = []
        var gone = 0
        var isSettled = false
        for _ in 0..<Self.looks where !isSettled {
            isSettled = true
            for (key, role) in look() {
                let known = Set(found[key]?.tasks.map(\.task) ?? [])
                if seen.contains(key), known.isSuperset(of: tasks(of: key.pid)) { continue }
                isSettled = false
                seen.insert(key)
                if let process = process(key, role) {
                    found[key] = process
                } else {
                    gone += 1
                }
            }
        }
        return Posture(
            processes: found.values.sorted {
                ($0.role == .first ? 0 : 1, $0.pid) < ($1.role == .first ? 0 : 1, $1.pid)
            },
            limitFiles: limitFiles(),
            memoryMount: (try? ProcessDirectory.memoryMount()).flatMap(Self.mountNumber),
            gone: gone,
            isSettled: isSettled
        )
    }

    // MARK: finding

    /// A process that no later one can be mistaken for.
    private struct Key: Hashable {
        let pid: Int32
        let startTicks: UInt64
    }

    /// Every process there is now: descendants of pid 1 by their parents, strangers by namespaces or control group.
    private func look() -> [(Key, ProcessPosture.Role)] {
        var stats: [Int32: ProcessStat] = [:]
        for pid in ((try? FileSystem.names(in: "/proc")) ?? []).compactMap({ Int32($0) }) {
            let text = try? ProcessDirectory(pid).text("stat")
            stats[pid] = text.flatMap { ProcessStat($0) }
        }
        let children = Dictionary(grouping: stats.keys) { stats[$0]?.parent ?? 0 }
        var family: [Int32] = []
        var next = stats[expectation.first.pid] == nil ? [] : [expectation.first.pid]
        while let pid = next.popLast() {
            family.append(pid)
            next += (children[pid] ?? []).filter { $0 != pid }
        }
        let members = Set(family)
        var own: [Namespace: UInt64] = [:]
        for kind in Self.telling {
            own[kind] = family.lazy.compactMap { try? ProcessDirectory($0).namespace("ns/\(kind.rawValue)") }.first
        }
        let strangers = stats.keys.filter { !members.contains($0) && isStranger($0, own) }
        return (family + strangers).sorted().compactMap { pid in
            guard let stat = stats[pid] else { return nil }
            let role: ProcessPosture.Role =
                pid == expectation.first.pid ? .first : members.contains(pid) ? .agent : .stranger
            return (Key(pid: pid, startTicks: stat.startTicks), role)
        }
    }

    /// Namespaces of the session's that a process of the host could be put into.
    private static let telling: [Namespace] = [.process, .user, .mount, .network]

    private func isStranger(_ pid: Int32, _ own: [Namespace: UInt64]) -> Bool {
        guard let process = try? ProcessDirectory(pid) else { return false }
        for (kind, inode) in own where inode != expectation.hostNamespaces[kind] {
            if (try? process.namespace("ns/\(kind.rawValue)")) == inode { return true }
        }
        guard let cgroup = expectation.cgroup, let text = try? process.text("cgroup") else { return false }
        let paths = ProcessTables.controlGroups(text)
        return PostureComparison.isSame(paths[""], as: cgroup.path)
            || cgroup.controllerPaths.contains { PostureComparison.isSame(paths[$0.key], as: $0.value) }
    }

    private func tasks(of pid: Int32) -> [Int32] { (try? ProcessDirectory(pid).numbers("task")) ?? [] }

    // MARK: one process

    /// - Returns: `nil` when it ended meanwhile.
    private func process(_ key: Key, _ role: ProcessPosture.Role) -> ProcessPosture? {
        guard let process = try? ProcessDirectory(key.pid), let text = try? process.text("stat"),
            let stat = ProcessStat(text), stat.startTicks == key.startTicks, let numbers = try? process.numbers("task")
        else { return nil }
        let tasks = numbers.compactMap { task(process, $0) }
        guard !tasks.isEmpty else { return nil }
        let mounts = reading { () throws(SystemCallError) in
            guard let table = MountPosture.table(try process.text("mountinfo")) else {
                throw SystemCallError("understand `mountinfo`", .unsupported)
            }
            return table
        }
        let result = ProcessPosture(
            pid: key.pid,
            role: role,
            parent: stat.parent,
            name: tasks.lazy.compactMap { $0.status.value?.name }.first ?? "",
            tasks: tasks,
            mounts: mounts,
            mounted: mounted(process),
            descriptors: descriptors(process, numbers),
            limits: reading { () throws(SystemCallError) in ProcessTables.limits(try process.text("limits")) },
            owner: reading { () throws(SystemCallError) in try process.owner(of: "status") },
            terminal: .value(stat.terminal),
            interfaces: reading { () throws(SystemCallError) in
                ProcessTables.interfaces(try process.text("net/dev"))
            },
            routes: reading { () throws(SystemCallError) in ProcessTables.routes(try process.text("net/route")) }
        )
        // What was read of a process that ended in between is not what it held.
        guard (try? process.numbers("task"))?.contains(where: { task(process, $0) != nil }) == true else { return nil }
        return result
    }

    /// - Returns: `nil` when it is over.
    private func task(_ process: borrowing ProcessDirectory, _ number: Int32) -> TaskPosture? {
        let text: String
        do { text = try process.text("task/\(number)/status") } catch {
            if error.errno == .noSuchProcess || error.errno == .notFound { return nil }
            return unreadable(number, "\(error.errno)")
        }
        guard let status = TaskStatus(text) else { return unreadable(number, "this kernel's `status` is unknown") }
        if status.isOver { return nil }
        var namespaces: [Namespace: Reading<UInt64>] = [:]
        for kind in Namespace.allCases {
            do throws(SystemCallError) {
                let inode = try process.namespace("task/\(number)/ns/\(kind.rawValue)")
                namespaces[kind] = inode.map { .value($0) } ?? .unreadable("its link is unknown")
            } catch {
                namespaces[kind] = .unreadable("\(error.errno)")
            }
        }
        let groups: Reading<[String: String]>
        do { groups = .value(ProcessTables.controlGroups(try process.text("task/\(number)/cgroup"))) } catch {
            groups = .unreadable("\(error.errno)")
        }
        // One that is ending has left its groups already, though it did not say so at first.
        guard let end = try? process.text("task/\(number)/status"), TaskStatus(end)?.isOver != true else { return nil }
        return TaskPosture(task: number, status: .value(status), namespaces: namespaces, controlGroups: groups)
    }

    private func unreadable(_ number: Int32, _ reason: String) -> TaskPosture {
        TaskPosture(
            task: number, status: .unreadable(reason), namespaces: [:], controlGroups: .unreadable(reason)
        )
    }

    private func mounted(_ process: borrowing ProcessDirectory) -> [String: Reading<MountedFile>] {
        var result: [String: Reading<MountedFile>] = [:]
        for mount in expectation.mounts where mount.file != nil {
            do {
                let facts = try process.facts(of: "root\(mount.target)")
                result[mount.target] = .value(MountedFile(device: facts.device, inode: facts.inode))
            } catch {
                result[mount.target] = .unreadable("\(error.errno)")
            }
        }
        return result
    }

    // MARK: descriptors

    /// Those of every task: threads need not share their tables.
    private func descriptors(
        _ process: borrowing ProcessDirectory,
        _ tasks: [Int32]
    ) -> Reading<[DescriptorPosture]> {
        var result: [DescriptorPosture] = []
        var seen: Set<String> = []
        for task in tasks {
            let numbers: [Int32]
            do { numbers = try process.numbers("task/\(task)/fd") } catch {
                // A thread that ended is no gap.
                if error.errno == .notFound || error.errno == .noSuchProcess { continue }
                return .unreadable("\(error.errno)")
            }
            for number in numbers {
                guard let target = try? process.link("task/\(task)/fd/\(number)"),
                    seen.insert("\(number) \(target)").inserted
                else { continue }
                result.append(descriptor(process, task, number, target))
            }
        }
        return .value(result)
    }

    private func descriptor(
        _ process: borrowing ProcessDirectory,
        _ task: Int32,
        _ number: Int32,
        _ target: String
    ) -> DescriptorPosture {
        let details = (try? process.text("task/\(task)/fdinfo/\(number)", limit: 1 << 24)) ?? ""
        var found = DescriptorPosture(number: number, target: target, mount: Self.mountNumber(details))
        if target.hasPrefix("socket:["), let inode = UInt64(target.dropFirst(8).dropLast()) {
            do {
                // 0 is no namespace's: one that is not even this user's is none of the session's.
                found.network = .value(try process.networkNamespace(ofSocket: number, inode: inode) ?? 0)
            } catch {
                found.network = .unreadable("\(error.errno)")
            }
        }
        if let pid = ProcessTables.words("Pid", in: details)?.first.flatMap({ Int32($0) }) {
            let levels = ProcessTables.words("NSpid", in: details)?.count ?? 0
            found.isInner = pid <= 0 || levels > 1
        }
        return found
    }

    private static func mountNumber(_ details: String) -> Int? {
        ProcessTables.words("mnt_id", in: details)?.first.flatMap { Int($0) }
    }

    // MARK: limits

    private func limitFiles() -> [String: Reading<String>] {
        var result: [String: Reading<String>] = [:]
        for path in expectation.cgroup?.limitFiles ?? [] where FileSystem.exists(path) {
            result[path] = reading { () throws(SystemCallError) in
                let text = String(decoding: try FileSystem.read(path, limit: 4096), as: UTF8.self)
                return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            }
        }
        return result
    }

    private func reading<Value>(_ body: () throws(SystemCallError) -> Value) -> Reading<Value> {
        do { return .value(try body()) } catch { return .unreadable("\(error.errno)") }
    }
}
