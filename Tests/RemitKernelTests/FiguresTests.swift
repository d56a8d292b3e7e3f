// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import RemitKernel

@Suite struct FiguresTests {
    @Test func `the figures of control group files are read`() {
        #expect(CgroupText.value("oom_kill", in: "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n") == 2)
        #expect(CgroupText.value("usage_usec", in: "usage_usec 1234\nuser_usec 1000\n") == 1234)
        #expect(CgroupText.number("4096\n") == 4096)
        #expect(
            CgroupText.pressure("some avg10=0.00 avg60=0.12 avg300=0.00 total=5678\nfull avg10=0.00 total=9\n") == 5678)
        #expect(
            CgroupText.transfer("wbytes", in: "8:0 rbytes=1 wbytes=20 rios=3\n254:0 rbytes=5 wbytes=300 rios=1\n")
                == 320)
        #expect(
            CgroupText.versionOneTransfer("Read", in: "8:0 Read 100\n8:0 Write 7\n8:16 Read 11\nTotal 118\n") == 111)
    }

    @Test(arguments: [
        "", "\n\n", "oom_kill", "oom_kill x", "oom_kill -1", "oom_kill 1 2", "oom_kill  1", "max\n", "some",
        "some total=",
        "some total=x", "some total=-1", "full total=3", "8:0", "8:0 rbytes=", "8:0 rbytes=x", "8:0 Read x", "Read 5",
        "18446744073709551616", "\u{0}\u{1}\u{2}", "8:0 8:0 8:0 8:0",
    ])
    func `what is no figure is no figure, and not zero`(_ text: String) {
        #expect(CgroupText.value("oom_kill", in: text) == nil)
        #expect(CgroupText.number(text) == nil)
        #expect(CgroupText.pressure(text) == nil)
        #expect(CgroupText.transfer("rbytes", in: text) == nil)
        #expect(CgroupText.versionOneTransfer("Read", in: text) == nil)
    }

    @Test func `a disk is named by its numbers, and only a disk`() {
        #expect(BlockDevice("8:16") == BlockDevice(major: 8, minor: 16))
        for text in ["", "8", "8:", ":8", "8:1:2", "a:b", "-1:2", "8: 1"] {
            #expect(BlockDevice(text) == nil, "\(text)")
        }
        // tmpfs, overlay, btrfs: device numbers without a device.
        #expect(BlockDevice(of: 0x2a) == nil)
        // No partition, as far as this host knows: the disk itself.
        #expect(BlockDevice(of: 4090 << 8 | 7)?.description == "4090:7")
    }

    @Test func `what processes hold together is added up, grandchildren and children of threads included`() throws {
        let script =
            "import threading, subprocess\nt = threading.Thread(target=lambda: subprocess.run(['sleep', '5']))\nt.start(); x = bytearray(40 << 20); print('ready', flush=True); t.join()"
        let output = try pipe()
        let plan = LaunchPlan(
            setup: [
                .deathSignal, .defaultSignals, .duplicate("out", as: 1), .closeOnExec,
                .execute(["/bin/sh"]),
            ],
            arguments: ["sh", "-c", "python3 -c \"$0\"; :", script], environment: ["PATH=/usr/bin:/bin"]
        )
        let child = try Child.launch(plan, descriptors: ["out": output.write.number])
        defer { child.finish() }
        var byte: UInt8 = 0
        #expect(read(output.read.number, &byte, 1) == 1)
        usleep(300_000)
        let now = SessionProcesses(below: child.pid)
        // Two threads, and the sleep that the second one waits for.
        #expect(now.count == 3 && now.memory > 40 << 20 && now.memory < 400 << 20, "\(now)")
        #expect(SessionProcesses(below: child.pid, atMost: 1).count == 2)
    }
}

@Suite(.enabled(if: Host.hasCgroups, "needs root and a unified hierarchy with cgroup.kill")) struct CgroupFiguresTests {
    @Test func `a group counts what its processes used`() throws {
        let limits = CgroupLimits(memory: 256 << 20, processes: 20)
        let group = try #require(
            try SessionCgroup.create(session: "figures-\(Random.identifier(8))", limits: limits, in: Host.cgroups))
        defer { group.remove() }
        let plan = LaunchPlan(
            setup: [.deathSignal, .awaitMapping, .defaultSignals, .closeOnExec, .execute(["/usr/bin/python3"])],
            arguments: ["python3", "-c", "x = bytearray(64 << 20)\nfor i in range(1000000): pass"],
            environment: ["PATH=/usr/bin:/bin"]
        )
        let child = try Child.launch(plan, descriptors: [:], cgroup: group)
        try child.mapped()
        #expect(child.waitForEnd(30_000)?.exitCode == 0)
        let figures = group.figures
        #expect(try #require(figures.cpuMicroseconds) > 10_000)
        #expect(try #require(child.processorMicroseconds) > 10_000)
        if group.enforced.contains("memory") {
            #expect(try #require(figures.memoryPeak) > 64 << 20)
            #expect(figures.memoryKills == 0)
        }
        if let peak = figures.processesPeak { #expect(peak >= 1 && peak <= 20) }
        #expect(group.limitsReached.isEmpty)
    }

    @Test(.enabled(if: Host.hasMemoryLimit, "needs the memory controller"))
    func `memory that runs out is heard of while it happens`() throws {
        let group = try #require(
            try SessionCgroup.create(
                session: "figures-\(Random.identifier(8))", limits: CgroupLimits(memory: 32 << 20), in: Host.cgroups))
        defer { group.remove() }
        let loop = try EventLoop()
        var hears = 0
        var files = group.openLimitEvents()
        for file in files {
            _ = try FileSystem.readAll(file.number, limit: 4096, name: "events")
            _ = try loop.watch(file.number, for: .priority) { _ in
                lseek(file.number, 0, SEEK_SET)
                _ = try? FileSystem.readAll(file.number, limit: 4096, name: "events")
                if group.limitsReached == ["memory"] { hears += 1 }
            }
        }
        if let event = group.openMemoryEvent() {
            files.append(event)
            _ = try loop.watch(event.number, for: .read) { _ in
                var count: UInt64 = 0
                _ = read(event.number, &count, 8)
                hears += 1
            }
        }
        let plan = LaunchPlan(
            setup: [.deathSignal, .awaitMapping, .defaultSignals, .closeOnExec, .execute(["/usr/bin/python3"])],
            arguments: ["python3", "-c", "x = bytearray(128 << 20)"], environment: ["PATH=/usr/bin:/bin"]
        )
        let child = try Child.launch(plan, descriptors: [:], cgroup: group)
        try child.mapped()
        var isOver = false
        loop.schedule(after: .seconds(10)) { isOver = true }
        try loop.run { isOver || hears > 0 }
        #expect(hears > 0)
        #expect(child.waitForEnd()?.signal == SIGKILL)
        #expect(group.limitsReached == ["memory"])
    }
}
