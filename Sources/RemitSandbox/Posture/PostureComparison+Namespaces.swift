// SPDX-License-Identifier: Apache-2.0
// Namespaces, control groups and the limits written in them.

internal import RemitKernel

extension PostureComparison {
    // MARK: namespaces

    /// The session's own namespace of a kind, as the first process that may be looked into shows it.
    func reference(_ kind: Namespace) -> UInt64? {
        let family = posture.processes.filter { $0.role != .stranger }.flatMap(\.tasks)
        return family.lazy.compactMap { $0.namespaces[kind]?.value }.first
    }

    mutating func judgeNamespaces(_ task: TaskPosture, _ pid: Int32) {
        for kind in Namespace.allCases {
            let isOwn = expectation.ownNamespaces.contains(kind)
            let host = expectation.hostNamespaces[kind]
            let own = reference(kind)
            let reading = task.namespaces[kind] ?? .unreadable(task.status.reason)
            // A kernel without time namespaces has none to share.
            if !isOwn, host == nil { continue }
            add(
                "namespace \(kind.rawValue)", isOwn ? "the session's" : "the host's", reading,
                process: pid, task: task.task,
                found: { inode in
                    inode == host ? "the host's" : inode == own ? "the session's" : "another one (\(inode))"
                },
                holds: { isOwn ? $0 != host && $0 == own : $0 == host })
        }
    }

    // MARK: control groups

    /// Whether a path in `/proc/PID/cgroup` is the group of that directory: its path from the mount point on.
    static func isSame(_ path: String?, as directory: String) -> Bool {
        guard let path, path.hasPrefix("/"), path != "/", directory.hasSuffix(path) else { return false }
        return FileSystem.baseName(path) == FileSystem.baseName(directory)
    }

    mutating func judgeMembership(_ task: TaskPosture, _ pid: Int32) {
        guard let cgroup = expectation.cgroup else { return }
        let groups = [("", cgroup.path)] + cgroup.controllerPaths.sorted { $0.key < $1.key }
        for (controller, directory) in groups {
            add(
                controller.isEmpty ? "control group" : "control group \(controller)", directory, task.controlGroups,
                process: pid, task: task.task,
                found: { all in
                    Self.isSame(all[controller], as: directory) ? directory : all[controller] ?? "none"
                },
                holds: { Self.isSame($0[controller], as: directory) })
        }
    }

    mutating func judgeCgroup() {
        guard let cgroup = expectation.cgroup else { return }
        for limit in cgroup.expectedLimits {
            let read = limit.files.compactMap { file in posture.limitFiles[file].map { (file, $0) } }
            guard let (file, reading) = read.first else {
                add(PostureItem(limit.what, expected: limit.expected, found: "no such file", .unreadable))
                continue
            }
            let period = posture.limitFiles[file.replacingLast("cpu.cfs_period_us")]?.value
            add(limit.what, limit.expected, reading, found: { $0 }, holds: { limit.holds($0, period) })
        }
    }
}

extension Reading {
    /// Why it was not read.
    var reason: String { if case .unreadable(let reason) = self { reason } else { "not read" } }
}

extension CgroupExpectation {
    /// A limit that a file of a control group has to say.
    struct Limit {
        let what: String
        let expected: String
        /// The file in version 2, and in version 1.
        let files: [String]
        /// Whether its text is no more than was planned; the second text is version 1's cpu.cfs_period_us.
        let holds: (String, String?) -> Bool
    }

    var expectedLimits: [Limit] { memoryLimits + processLimits + cpuLimits + transferLimits }

    private var memoryLimits: [Limit] {
        guard let memory = limits.memory else { return [] }
        let directory = controllerPaths["memory"] ?? path
        let first = Limit(
            what: "limit memory", expected: "at most \(memory)",
            files: ["\(directory)/memory.max", "\(directory)/memory.limit_in_bytes"]
        ) { text, _ in UInt64(text).map { $0 <= memory } ?? false }
        // Version 1 counts swap only on some kernels, and a version 2 without swap has no such file.
        guard controllerPaths["memory"] == nil, FileSystem.exists("\(directory)/memory.swap.max") else {
            return [first]
        }
        return [
            first,
            Limit(what: "limit swap", expected: "0", files: ["\(directory)/memory.swap.max"]) { text, _ in text == "0"
            },
        ]
    }

    private var processLimits: [Limit] {
        guard let processes = limits.processes else { return [] }
        let directory = controllerPaths["pids"] ?? path
        return [
            Limit(what: "limit processes", expected: "at most \(processes)", files: ["\(directory)/pids.max"]) {
                text, _ in
                Int(text).map { $0 <= processes } ?? false
            }
        ]
    }

    private var cpuLimits: [Limit] {
        guard let cpu = limits.cpu else { return [] }
        let directory = controllerPaths["cpu"] ?? path
        return [
            Limit(
                what: "limit cpu", expected: "at most \(cpu) processors",
                files: ["\(directory)/cpu.max", "\(directory)/cpu.cfs_quota_us"]
            ) { text, period in
                let words = text.split(separator: " ").map { Double($0) }
                // "max 100000" and -1 are no limit.
                guard let quota = words.first ?? nil, quota > 0 else { return false }
                let over = words.count > 1 ? words[1] : period.flatMap { Double($0) } ?? 100_000
                return over.map { $0 > 0 && quota / $0 <= cpu + 0.000_01 } ?? false
            }
        ]
    }

    private var transferLimits: [Limit] {
        guard let io = limits.io else { return [] }
        let directory = controllerPaths["io"] ?? path
        return [("read", "rbps", io.read), ("write", "wbps", io.write)].compactMap { name, key, most in
            most.map { most in
                Limit(
                    what: "limit \(name)", expected: "at most \(most) a second of disk \(io.device)",
                    files: ["\(directory)/io.max", "\(directory)/blkio.throttle.\(name)_bps_device"]
                ) { text, _ in
                    // One disk after the other: `8:0 rbps=1 wbps=max …`, in version 1 `8:0 1`.
                    let words = text.split(separator: " ")
                    guard let start = words.firstIndex(of: Substring("\(io.device)")) else { return false }
                    let own = words[(start + 1)...].prefix { !$0.contains(":") }
                    let value = own.first { $0.hasPrefix("\(key)=") }?.dropFirst(key.count + 1) ?? own.first
                    return value.flatMap { UInt64($0) }.map { $0 <= most } ?? false
                }
            }
        }
    }

    /// Every file that a reader has to read.
    var limitFiles: [String] {
        expectedLimits.flatMap(\.files)
            + expectedLimits.flatMap(\.files).filter { $0.hasSuffix("cpu.cfs_quota_us") }
            .map { $0.replacingLast("cpu.cfs_period_us") }
    }
}

extension String {
    /// The path with another last component.
    fileprivate func replacingLast(_ name: String) -> String { "\(FileSystem.parent(of: self))/\(name)" }
}

extension FileSystem {
    fileprivate static func baseName(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }
}
