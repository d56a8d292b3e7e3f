// SPDX-License-Identifier: Apache-2.0
// What the kernel writes in /proc, and what it would never write.

import RemitKernel
import Testing

@testable import RemitSandbox

@Suite struct PostureParserTests {
    static let status = """
        Name:\tpython3
        State:\tS (sleeping)
        TracerPid:\t0
        Uid:\t1001\t1001\t1001\t1001
        Gid:\t1002\t1002\t1002\t1002
        Groups:\t27 4\u{20}
        NSpid:\t23078\t2
        VmSize:\t   14236 kB
        CapInh:\t0000000000000000
        CapPrm:\t0000000000000000
        CapEff:\t0000000000000400
        CapBnd:\t000001ffffffffff
        CapAmb:\t0000000000000000
        NoNewPrivs:\t1
        Seccomp:\t2
        Seccomp_filters:\t3

        """

    @Test func `a status reads as the kernel meant it`() throws {
        let status = try #require(TaskStatus(Self.status))
        #expect(status.name == "python3" && status.state == "S" && !status.isOver && status.tracer == 0)
        #expect(status.users == [1001, 1001, 1001, 1001] && status.groups == [1002, 1002, 1002, 1002])
        #expect(status.supplementary == [4, 27])
        #expect(status.capabilities == ["Inh": 0, "Prm": 0, "Eff": 0x400, "Bnd": 0x1ff_ffff_ffff, "Amb": 0])
        #expect(status.noNewPrivileges && status.seccompMode == 2 && status.filters == 3)
    }

    @Test func `a task without memory is over, whatever it says of its state`() throws {
        let ending = Self.status.replacing("VmSize:\t   14236 kB\n", with: "")
        #expect(try #require(TaskStatus(ending)).isOver)
    }

    @Test func `without groups and without a count of filters it is still a status`() throws {
        let old = Self.status.replacing("27 4", with: "").replacing("Seccomp_filters:\t3\n", with: "")
        let status = try #require(TaskStatus(old))
        #expect(status.supplementary.isEmpty && status.filters == nil)
    }

    @Test(arguments: [
        ("Uid:\t1001\t1001\t1001\t1001", "Uid:\t1001\t1001\t1001"), ("Uid:\t1001", "Uid:\t-1"),
        ("CapEff:\t0000000000000400", "CapEff:\tzz"), ("CapBnd:", "Bound:"), ("Seccomp:\t2", "Seccomp:\t"),
        ("NoNewPrivs:\t1\n", ""), ("TracerPid:\t0", "TracerPid:\tnobody"), ("Groups:\t27 4", "Groups:\t27 x"),
    ])
    func `a status that lacks something is none`(_ good: String, _ bad: String) {
        #expect(TaskStatus(Self.status.replacing(good, with: bad)) == nil)
    }

    @Test func `a second line of the same name changes nothing`() throws {
        let status = try #require(TaskStatus(Self.status + "Seccomp:\t0\nNoNewPrivs:\t0\n"))
        #expect(status.seccompMode == 2 && status.noNewPrivileges)
    }

    @Test func `a command name that looks like fields moves none`() throws {
        let text = "7 (a) S 99 (b)) S 5 7 7 34816 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 1 2 3"
        let stat = try #require(ProcessStat(text))
        #expect(stat.parent == 5 && stat.terminal == 34816 && stat.startTicks == 4242)
        #expect(ProcessStat("7 (sh) S 5") == nil && ProcessStat("") == nil && ProcessStat("7 sh S 1 2 3") == nil)
    }

    @Test func `mounts read with their flags, their ties and their odd names`() throws {
        let text = """
            93 43 0:41 / / ro,nosuid,nodev,relatime - tmpfs none rw,size=16384k
            42 93 254:0 /a\\040b\\134c /work\\011space rw,nosuid,noexec shared:7 master:3 - ext4 /dev/vda rw

            """
        let table = try #require(MountPosture.table(text))
        #expect(table.map(\.identifier) == [93, 42] && table.map(\.type) == ["tmpfs", "ext4"])
        #expect(table[0].attributes == [.readOnly, .noSetUser, .noDevices] && table[0].propagation.isEmpty)
        #expect(table[1].target == "/work\tspace" && table[1].root == "/a b\\c")
        #expect(table[1].attributes == [.noSetUser, .noExecute] && table[1].propagation == ["shared:7", "master:3"])
        #expect(table.map(\.flags) == ["ro,nosuid,nodev", "rw,nosuid,noexec"])
    }

    @Test(arguments: [
        "93 43 0:41 / / ro", "x 43 0:41 / / ro - tmpfs none rw", "93 43 0:41 / / ro shared:1 tmpfs none rw",
        "93 43 0:41 / / ro,nosuid -", "\u{0}\u{1}\u{2}", "- - - - - - - -",
    ])
    func `a table with a line that is none of the kernel's is no table`(_ line: String) {
        #expect(MountPosture.table("93 43 0:41 / / ro,nosuid - tmpfs none rw\n\(line)\n") == nil)
    }

    @Test func `limits, control groups and interfaces`() {
        let limits = """
            Limit                     Soft Limit           Hard Limit           Units
            Max core file size        0                    0                    bytes
            Max open files            1024                 4096                 files
            Max cpu time              unlimited            unlimited            seconds
            nonsense
            """
        #expect(
            ProcessTables.limits(limits) == ["Max core file size": 0, "Max open files": 4096, "Max cpu time": .max])
        let groups = "9:name=systemd:/\n2:cpu,cpuacct:/a:b\n0::/remit/x\nnonsense\n"
        #expect(
            ProcessTables.controlGroups(groups)
                == ["name=systemd": "/", "cpu": "/a:b", "cpuacct": "/a:b", "": "/remit/x"])
        let devices = "Inter-|  Receive\n face |bytes\n    lo:  0 0\n  eth0: 1 2\n"
        #expect(ProcessTables.interfaces(devices) == ["eth0", "lo"])
        #expect(ProcessTables.routes("Iface\tDestination\n") == 0)
        #expect(ProcessTables.routes("Iface\tDestination\neth0\t00000000\n") == 1)
        #expect(ProcessTables.routes("") == 0)
    }

    @Test func `no garbage brings a parser down`() {
        var generator = SystemRandomNumberGenerator()
        let seeds = [
            Self.status, "93 43 0:41 / /a\\04 ro - tmpfs none rw", "7 (a) S 5 7 7 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5",
        ]
        for round in 0..<3000 {
            var bytes = Array(seeds[round % seeds.count].utf8)
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = .random(in: 0...255, using: &generator)
                case 1: bytes.insert(.random(in: 0...255, using: &generator), at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 4))
                }
                if bytes.isEmpty { bytes = [0] }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            _ = TaskStatus(text)
            _ = ProcessStat(text)
            _ = MountPosture.table(text)
            _ = ProcessTables.limits(text)
            _ = ProcessTables.controlGroups(text)
            _ = ProcessTables.interfaces(text)
            _ = ProcessTables.words("NSpid", in: text)
        }
    }
}
