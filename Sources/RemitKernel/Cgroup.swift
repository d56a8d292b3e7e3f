// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Where this host has its control groups, see cgroups(7).
package struct CgroupHierarchies: Hashable, Sendable {
    /// The mount of the unified hierarchy.
    package let unified: String?
    /// Mounts of version 1 controllers, by what version 1 calls them.
    package let controllers: [String: String]
    /// This process's own group, by controller; the unified one is "".
    package let own: [String: String]

    /// A host where version 1 has the controllers and version 2 only kills and freezes.
    package var isHybrid: Bool { unified != nil && !controllers.isEmpty }

    /// What version 1 calls a controller.
    package static func versionOne(_ controller: String) -> String? { CgroupLimits.versionOne[controller] }

    /// Reads /proc/self/mountinfo and /proc/self/cgroup.
    package static func probe() -> CgroupHierarchies {
        CgroupHierarchies(mountinfo: text("/proc/self/mountinfo"), cgroup: text("/proc/self/cgroup"))
    }

    private static func text(_ path: String) -> String {
        ((try? FileSystem.read(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }) ?? ""
    }
}

extension CgroupHierarchies {
    /// - Parameters:
    ///   - mountinfo: the text of /proc/self/mountinfo.
    ///   - cgroup: the text of /proc/self/cgroup.
    init(mountinfo: String, cgroup: String) {
        let mounts = mountinfo.split(separator: "\n").compactMap { line -> (String, String, Substring)? in
            let fields = line.split(separator: " ")
            // Six fields, any number of optional ones, a hyphen, and then the type, the source and its options.
            guard let hyphen = fields.dropFirst(6).firstIndex(of: "-"), fields.count > hyphen + 3,
                fields[hyphen + 1].hasPrefix("cgroup")
            else { return nil }
            return (String(fields[hyphen + 1]), String(fields[4]), fields[hyphen + 3])
        }
        var controllers: [String: String] = [:]
        for (type, path, options) in mounts where type == "cgroup" {
            for option in options.split(separator: ",") where CgroupLimits.versionOne.values.contains(String(option)) {
                controllers[String(option)] = path
            }
        }
        var own: [String: String] = [:]
        for line in cgroup.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for name in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                own[String(name)] = String(parts[2])
            }
        }
        self.init(unified: mounts.first { $0.0 == "cgroup2" }?.1, controllers: controllers, own: own)
    }
}

/// The limits a control group can hold.
package struct CgroupLimits: Hashable, Sendable {
    /// Bytes.
    package var memory: UInt64?
    package var processes: Int?
    /// Processors' worth of time, for example 1.5.
    package var cpu: Double?
    package var io: TransferLimit?
    /// When memory runs out the kernel kills the whole group at once, not only the process that took most.
    package var endsTogether: Bool

    package init(
        memory: UInt64? = nil, processes: Int? = nil, cpu: Double? = nil, io: TransferLimit? = nil,
        endsTogether: Bool = false
    ) {
        self.memory = memory
        self.processes = processes
        self.cpu = cpu
        self.io = io
        self.endsTogether = endsTogether
    }

    /// Bytes per second from and to one disk.
    package struct TransferLimit: Hashable, Sendable {
        package let device: BlockDevice
        package let read: UInt64?
        package let write: UInt64?

        package init(device: BlockDevice, read: UInt64?, write: UInt64?) {
            self.device = device
            self.read = read
            self.write = write
        }
    }

    /// The controllers that hold these limits, and what version 1 calls them.
    static let versionOne = ["memory": "memory", "pids": "pids", "cpu": "cpu", "io": "blkio"]

    /// The controllers in the order in which they are enabled.
    package static let controllers = ["memory", "pids", "cpu", "io"]
}
