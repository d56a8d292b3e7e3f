// SPDX-License-Identifier: Apache-2.0
// What the kernel counted of a session. A file that is not there, or does not say, is no figure: never 0.

internal import CLinux

/// What a session used, as far as somebody counted it.
package struct ResourceFigures: Hashable, Sendable {
    /// The most memory at once, in bytes.
    package var memoryPeak: UInt64?
    /// The most processes and threads at once.
    package var processesPeak: UInt64?
    /// Processor time in microseconds.
    package var cpuMicroseconds: UInt64?
    /// How long at least one process waited for memory, for a processor, for a disk, in microseconds.
    package var memoryPressure: UInt64?
    package var cpuPressure: UInt64?
    package var ioPressure: UInt64?
    /// Bytes from and to disks.
    package var bytesRead: UInt64?
    package var bytesWritten: UInt64?
    /// Processes that the kernel killed because memory ran out.
    package var memoryKills: UInt64?
    /// Processes that were not made because there were as many as there may be.
    package var processesRefused: UInt64?

    package init() {}

    /// These figures, and what is not among them from an earlier look.
    package func completed(by earlier: ResourceFigures) -> ResourceFigures {
        var figures = self
        figures.memoryPeak = memoryPeak ?? earlier.memoryPeak
        figures.processesPeak = processesPeak ?? earlier.processesPeak
        figures.cpuMicroseconds = cpuMicroseconds ?? earlier.cpuMicroseconds
        figures.memoryPressure = memoryPressure ?? earlier.memoryPressure
        figures.cpuPressure = cpuPressure ?? earlier.cpuPressure
        figures.ioPressure = ioPressure ?? earlier.ioPressure
        figures.bytesRead = bytesRead ?? earlier.bytesRead
        figures.bytesWritten = bytesWritten ?? earlier.bytesWritten
        figures.memoryKills = memoryKills ?? earlier.memoryKills
        figures.processesRefused = processesRefused ?? earlier.processesRefused
        return figures
    }
}

/// Reads the small text files of cgroups(7).
package enum CgroupText {
    /// The number of `key` in lines of `key number`.
    package static func value(_ key: String, in text: String) -> UInt64? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            if words.count == 2, words[0] == key { return UInt64(words[1]) }
        }
        return nil
    }

    /// A file that is one number.
    package static func number(_ text: String) -> UInt64? { UInt64(text.prefix { !$0.isNewline }) }

    /// The total of the `some` line of a pressure file, in microseconds.
    package static func pressure(_ text: String) -> UInt64? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("some ") }
        return line?.split(separator: " ").first { $0.hasPrefix("total=") }.flatMap { UInt64($0.dropFirst(6)) }
    }

    /// The sum over all devices of `key=number` in `io.stat`; `nil` when no device has one.
    package static func transfer(_ key: String, in text: String) -> UInt64? {
        var sum: UInt64?
        for line in text.split(separator: "\n") {
            for word in line.split(separator: " ").dropFirst() where word.hasPrefix("\(key)=") {
                if let count = UInt64(word.dropFirst(key.count + 1)) { sum = (sum ?? 0) &+ count }
            }
        }
        return sum
    }

    /// The sum over all devices of `MAJOR:MINOR Word number` in `blkio.throttle.io_service_bytes`.
    package static func versionOneTransfer(_ word: String, in text: String) -> UInt64? {
        var sum: UInt64?
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 3, words[1] == word, let count = UInt64(words[2]) { sum = (sum ?? 0) &+ count }
        }
        return sum
    }
}

extension SessionCgroup {
    /// CPU time used so far in microseconds, where the host counts it.
    package var cpuMicroseconds: UInt64? {
        text("\(path)/cpu.stat").flatMap { CgroupText.value("usage_usec", in: $0) }
    }

    /// What was counted until now; read it before the group is removed.
    package var figures: ResourceFigures {
        var figures = ResourceFigures()
        let memory = controllerPaths["memory"]
        figures.memoryPeak = text(memory.map { "\($0)/memory.max_usage_in_bytes" } ?? "\(path)/memory.peak")
            .flatMap(CgroupText.number)
        figures.processesPeak = text("\(controllerPaths["pids"] ?? path)/pids.peak").flatMap(CgroupText.number)
        figures.cpuMicroseconds = cpuMicroseconds
        figures.memoryPressure = text("\(path)/memory.pressure").flatMap(CgroupText.pressure)
        figures.cpuPressure = text("\(path)/cpu.pressure").flatMap(CgroupText.pressure)
        figures.ioPressure = text("\(path)/io.pressure").flatMap(CgroupText.pressure)
        if let group = controllerPaths["io"], let said = text("\(group)/blkio.throttle.io_service_bytes") {
            figures.bytesRead = CgroupText.versionOneTransfer("Read", in: said)
            figures.bytesWritten = CgroupText.versionOneTransfer("Write", in: said)
        } else if let said = text("\(path)/io.stat") {
            figures.bytesRead = CgroupText.transfer("rbytes", in: said)
            figures.bytesWritten = CgroupText.transfer("wbytes", in: said)
        }
        figures.memoryKills = memoryKills
        figures.processesRefused = processesRefused
        return figures
    }

    private var memoryKills: UInt64? {
        let file = controllerPaths["memory"].map { "\($0)/memory.oom_control" } ?? "\(path)/memory.events"
        return text(file).flatMap { CgroupText.value("oom_kill", in: $0) }
    }

    private var processesRefused: UInt64? {
        text("\(controllerPaths["pids"] ?? path)/pids.events").flatMap { CgroupText.value("max", in: $0) }
    }

    /// Limits the session ran into so far: `memory` when a process was killed for it, `processes` when a fork failed.
    package var limitsReached: [String] {
        (memoryKills ?? 0 > 0 ? ["memory"] : []) + (processesRefused ?? 0 > 0 ? ["processes"] : [])
    }

    /// Files that become "priority" readable when the session runs into a limit, open. Each has to be read from its
    /// start before it speaks again.
    package func openLimitEvents() -> [DescriptorBox] {
        let files = [
            controllerPaths["memory"] == nil ? "\(path)/memory.events" : nil,
            // That of version 1 speaks to nobody.
            controllerPaths["pids"] == nil ? "\(path)/pids.events" : nil,
        ]
        var opened: [DescriptorBox] = []
        for file in files.compactMap({ $0 }) {
            guard let descriptor = try? FileSystem.open(file) else { continue }
            opened.append(DescriptorBox(descriptor))
        }
        return opened
    }

    /// An event counter that the kernel raises when memory runs out in a group of version 1, just before it kills; see
    /// Memory Resource Controller in the kernel's documentation of cgroup-v1.
    package func openMemoryEvent() -> DescriptorBox? {
        guard let group = controllerPaths["memory"],
            let control = try? FileSystem.open("\(group)/memory.oom_control")
        else { return nil }
        let number = linux_event_counter()
        guard number >= 0 else { return nil }
        let event = DescriptorBox(OwnedDescriptor(adopting: number))
        // The kernel keeps what it needs of the file: ours may be closed.
        let words = "\(number) \(control.number)"
        guard (try? Self.write(words, to: "\(group)/cgroup.event_control")) != nil else { return nil }
        return event
    }

    private func text(_ path: String) -> String? {
        (try? FileSystem.read(path, limit: 65_536)).map { String(decoding: $0, as: UTF8.self) }
    }
}
