// SPDX-License-Identifier: Apache-2.0
// Writing the limits of a group, by either version of cgroups(7). What could not be written is not said to be enforced.

internal import Glibc

extension SessionCgroup {
    /// The controllers that a group made below `parent` could have: those the parent hands down already, or may hand
    /// down because no process lives in it. Version 2 only.
    package static func delegable(below parent: String) -> Set<String> {
        let handed = words("\(parent)/cgroup.subtree_control")
        // Only the hierarchy's root has no type; an empty file of processes is that of an empty group.
        let isRoot = !FileSystem.exists("\(parent)/cgroup.type")
        guard isRoot || words("\(parent)/cgroup.procs").isEmpty else { return handed }
        return handed.union(words("\(parent)/cgroup.controllers"))
    }

    private static func words(_ path: String) -> Set<String> {
        let bytes = (try? FileSystem.read(path, limit: 1 << 20)) ?? []
        return Set(String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init))
    }

    /// Hands every controller there is down to the groups below, as far as the kernel lets us.
    ///
    /// Never where processes live: that would make their group a threaded one, in which no session's could be.
    static func delegate(_ directory: String) {
        let isRoot = !FileSystem.exists("\(directory)/cgroup.type")
        guard isRoot || words("\(directory)/cgroup.procs").isEmpty else { return }
        for controller in CgroupLimits.controllers {
            try? write("+\(controller)", to: "\(directory)/cgroup.subtree_control")
        }
    }

    /// Writes limits into a group of the unified hierarchy.
    ///
    /// - Returns: the controllers whose limit was written.
    static func writeUnified(_ limits: CgroupLimits, _ path: String) -> Set<String> {
        var enforced: Set<String> = []
        func set(_ name: String, _ file: String, _ value: String?) {
            guard let value, (try? write(value, to: "\(path)/\(file)")) != nil else { return }
            enforced.insert(name)
        }
        set("memory", "memory.max", limits.memory.map(String.init))
        if enforced.contains("memory") {
            // A kernel without swap accounting has no such file, and a group that swaps is not limited.
            if FileSystem.exists("\(path)/memory.swap.max"),
                (try? write("0", to: "\(path)/memory.swap.max")) == nil
            {
                enforced.remove("memory")
            }
            if limits.endsTogether { try? write("1", to: "\(path)/memory.oom.group") }
        }
        set("pids", "pids.max", limits.processes.map(String.init))
        set("cpu", "cpu.max", limits.cpu.map { "\(Int($0 * 100_000)) 100000" })
        set(
            "io", "io.max",
            limits.io.map { io in
                let words = [io.read.map { "rbps=\($0)" }, io.write.map { "wbps=\($0)" }].compactMap { $0 }
                return "\(io.device) \(words.joined(separator: " "))"
            }
        )
        return enforced
    }

    /// Makes a group in one controller's hierarchy of version 1 and writes its limit.
    ///
    /// - Returns: its path; `nil` when the limit is not wanted or cannot be written.
    static func makeController(
        _ name: String,
        session: String,
        limits: CgroupLimits,
        in hierarchies: CgroupHierarchies
    ) -> String? {
        let settings = versionOneSettings(name, limits)
        guard !settings.isEmpty, let known = CgroupLimits.versionOne[name],
            let mount = hierarchies.controllers[known]
        else { return nil }
        let own = mount + (hierarchies.own[known] ?? "")
        let path = "\(FileSystem.exists(own) ? own : mount)/remit-\(session)"
        guard unsafe mkdir(path, 0o755) == 0 else { return nil }
        for (file, value) in settings {
            do { try write(value, to: "\(path)/\(file)") } catch {
                _ = unsafe rmdir(path)
                return nil
            }
        }
        if name == "memory" {
            // Not every kernel counts swap in version 1: then nothing of the group is to be swapped out.
            for (file, value) in [("memory.memsw.limit_in_bytes", settings[0].1), ("memory.swappiness", "0")] {
                try? write(value, to: "\(path)/\(file)")
            }
        }
        return path
    }

    private static func versionOneSettings(_ name: String, _ limits: CgroupLimits) -> [(String, String)] {
        let settings: [(String, String?)] =
            switch name {
            case "memory": [("memory.limit_in_bytes", limits.memory.map(String.init))]
            case "pids": [("pids.max", limits.processes.map(String.init))]
            case "cpu": [("cpu.cfs_quota_us", limits.cpu.map { String(Int($0 * 100_000)) })]
            case "io":
                [
                    ("blkio.throttle.read_bps_device", limits.io.flatMap { io in io.read.map { "\(io.device) \($0)" } }),
                    ("blkio.throttle.write_bps_device", limits.io.flatMap { io in io.write.map { "\(io.device) \($0)" } }),
                ]
            default: []
            }
        return settings.compactMap { file, value in value.map { (file, $0) } }
    }
}
