// SPDX-License-Identifier: Apache-2.0
// A posture that holds, and one change for every kind of item: each is found, and nothing else with it.

import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

/// A session made up: pid 1, an agent with two threads, and a control group of version 1 and 2.
enum MadePosture {
    static let own: [Namespace: UInt64] = [
        .cgroup: 11, .ipc: 12, .mount: 13, .network: 14, .process: 15, .user: 16, .uts: 17, .time: 8,
    ]
    static let host: [Namespace: UInt64] = [
        .cgroup: 1, .ipc: 2, .mount: 3, .network: 4, .process: 5, .user: 6, .uts: 7, .time: 8,
    ]

    static let expectation = PostureExpectation(
        session: "abc", first: ProcessIdentity(pid: 100, startTicks: 5), user: 1001, group: 1002, groups: [27],
        filters: 1, ownNamespaces: Set(Namespace.allCases).subtracting([.time]), hostNamespaces: host,
        mounts: [
            MountExpectation(
                target: "/", type: "tmpfs", attributes: [.readOnly, .noSetUser, .noDevices], isRecursive: false,
                file: nil),
            MountExpectation(
                target: "/usr", type: nil, attributes: [.readOnly, .noSetUser, .noDevices], isRecursive: true,
                file: MountedFile(device: 9, inode: 90)),
            MountExpectation(
                target: "/workspace", type: nil, attributes: [.noSetUser, .noDevices], isRecursive: true,
                file: MountedFile(device: 9, inode: 91)),
            MountExpectation(
                target: "/proc", type: "proc", attributes: [.noSetUser, .noDevices, .noExecute], isRecursive: false,
                file: nil),
        ],
        limits: ["Max core file size": 0, "Max open files": 4096], hasTerminal: false,
        cgroup: CgroupExpectation(
            path: "/sys/fs/cgroup/unified/remit/abc",
            controllerPaths: ["pids": "/sys/fs/cgroup/pids/remit-abc", "cpu": "/sys/fs/cgroup/cpu/remit-abc"],
            limits: CgroupLimits(memory: 1 << 30, processes: 64, cpu: 1.5))
    )

    static let mounts = MountPosture.table(
        """
        93 43 0:41 / / ro,nosuid,nodev,relatime - tmpfs none rw
        65 93 254:0 /usr /usr ro,nosuid,nodev,relatime - ext4 /dev/vda rw
        66 65 254:1 / /usr/local ro,nosuid,nodev,noexec,relatime - ext4 /dev/vdb rw
        42 93 254:0 /home/me/work /workspace rw,nosuid,nodev,relatime - ext4 /dev/vda rw
        43 93 0:42 / /proc rw,nosuid,nodev,noexec,relatime - proc none rw,hidepid=ptraceable,subset=pid
        """)

    static func task(_ number: Int32) -> TaskPosture {
        TaskPosture(
            task: number,
            status: TaskStatus(
                """
                Name:\tsh
                State:\tS (sleeping)
                TracerPid:\t0
                Uid:\t1001\t1001\t1001\t1001
                Gid:\t1002\t1002\t1002\t1002
                Groups:\t27
                CapInh:\t0
                CapPrm:\t0
                CapEff:\t0
                CapBnd:\t0
                CapAmb:\t0
                NoNewPrivs:\t1
                Seccomp:\t2
                Seccomp_filters:\t1
                """
            ).map { .value($0) } ?? .unreadable("the test is wrong"),
            namespaces: own.mapValues { .value($0) },
            controlGroups: .value(["": "/remit/abc", "pids": "/remit-abc", "cpu": "/remit-abc", "memory": "/"])
        )
    }

    static func process(_ pid: Int32, _ role: ProcessPosture.Role, tasks: [Int32]) -> ProcessPosture {
        ProcessPosture(
            pid: pid, role: role, parent: 99, name: "sh", tasks: tasks.map(task),
            mounts: mounts.map { .value($0) } ?? .unreadable("the test is wrong"),
            mounted: [
                "/usr": .value(MountedFile(device: 9, inode: 90)),
                "/workspace": .value(MountedFile(device: 9, inode: 91)),
            ],
            descriptors: .value(
                role == .first
                    ? [
                        DescriptorPosture(number: 9, target: "pipe:[7]", mount: 16),
                        DescriptorPosture(number: 44, target: "anon_inode:[signalfd]", mount: 17),
                    ]
                    : [
                        DescriptorPosture(number: 0, target: "pipe:[1]", mount: 16),
                        DescriptorPosture(number: 3, target: "socket:[2]", mount: 8, network: .value(14)),
                        DescriptorPosture(number: 4, target: "anon_inode:[eventpoll]", mount: 17),
                        DescriptorPosture(number: 5, target: "anon_inode:inotify", mount: 17),
                        DescriptorPosture(number: 6, target: "/memfd:x (deleted)", mount: 1),
                        DescriptorPosture(number: 7, target: "anon_inode:[pidfd]", mount: 17, isInner: true),
                        DescriptorPosture(number: 8, target: "/workspace/a b", mount: 42),
                        DescriptorPosture(number: 9, target: "net:[14]", mount: 4),
                    ]),
            limits: .value(
                role == .first
                    ? ["Max open files": 20_000] : ["Max core file size": 0, "Max open files": 4096]),
            owner: .value(role == .first ? 0 : 1001), terminal: .value(0), interfaces: .value(["lo"]),
            routes: .value(0)
        )
    }

    static let posture = Posture(
        processes: [process(100, .first, tasks: [100]), process(101, .agent, tasks: [101, 102])],
        limitFiles: [
            "/sys/fs/cgroup/unified/remit/abc/memory.max": .value("1073741824"),
            "/sys/fs/cgroup/pids/remit-abc/pids.max": .value("64"),
            "/sys/fs/cgroup/cpu/remit-abc/cpu.cfs_quota_us": .value("150000"),
            "/sys/fs/cgroup/cpu/remit-abc/cpu.cfs_period_us": .value("100000"),
        ],
        memoryMount: 1, gone: 0, isSettled: true
    )
}

@Suite struct PostureComparisonTests {
    /// One change, and the items that it must make differ.
    struct Change: Sendable, CustomTestStringConvertible {
        let name: String
        let items: Set<String>
        let apply: @Sendable (inout Posture) -> Void

        var testDescription: String { name }

        init(_ name: String, _ items: Set<String>, _ apply: @escaping @Sendable (inout Posture) -> Void) {
            self.name = name
            self.items = items
            self.apply = apply
        }

        /// A change of the second thread's status.
        static func status(
            _ name: String, _ item: String, _ change: @escaping @Sendable (inout TaskStatus) -> Void
        ) -> Change {
            Change(name, [item]) { posture in
                guard case .value(var status) = posture.processes[1].tasks[1].status else { return }
                change(&status)
                posture.processes[1].tasks[1].status = .value(status)
            }
        }

        /// A change of the mounts, which every process shows.
        static func mounts(
            _ name: String, _ item: String, _ change: @escaping @Sendable (inout [MountPosture]) -> Void
        ) -> Change {
            Change(name, [item]) { posture in
                for index in posture.processes.indices {
                    guard case .value(var table) = posture.processes[index].mounts else { continue }
                    change(&table)
                    posture.processes[index].mounts = .value(table)
                }
            }
        }

        /// One more descriptor of the agent's.
        static func descriptor(_ descriptor: DescriptorPosture) -> Change {
            Change("a descriptor \(descriptor.target)", ["descriptor \(descriptor.number)"]) { posture in
                guard case .value(let all) = posture.processes[1].descriptors else { return }
                posture.processes[1].descriptors = .value(all + [descriptor])
            }
        }

        static func file(_ name: String, _ item: String, _ path: String, _ text: String) -> Change {
            Change(name, [item]) { $0.limitFiles[path] = .value(text) }
        }
    }

    static let tasks: [Change] =
        [
            .status("a uid of root's", "uid") { $0.users[3] = 0 },
            .status("a saved gid", "gid") { $0.groups[2] = 0 },
            .status("a group", "supplementary groups") { $0.supplementary = [27, 999] },
            .status("no new privileges", "no_new_privs") { $0.noNewPrivileges = false },
            .status("no filter", "seccomp") { $0.seccompMode = 0 },
            .status("a filter less", "seccomp filters") { $0.filters = 0 },
            .status("a filter more", "seccomp filters") { $0.filters = 2 },
            .status("a tracer", "tracer") { $0.tracer = 4711 },
        ]
        + TaskStatus.capabilitySets.map { set in
            .status("a capability in \(set)", "capabilities") { $0.capabilities[set] = 1 << 21 }
        }

    static let namespaces: [Change] = Namespace.allCases.flatMap { kind in
        [UInt64(77), kind == .time ? 79 : MadePosture.host[kind] ?? 0].map { inode in
            Change("namespace \(kind.rawValue) \(inode)", ["namespace \(kind.rawValue)"]) {
                $0.processes[1].tasks[1].namespaces[kind] = .value(inode)
            }
        }
    }

    static let files: [Change] = [
        .mounts("a writable root", "mount /") { $0[0].attributes.remove(.readOnly) },
        .mounts("set-id files", "mount /usr") { $0[1].attributes.remove(.noSetUser) },
        .mounts("devices in the workspace", "mount /workspace") { $0[3].attributes.remove(.noDevices) },
        .mounts("a writable tree within a tree", "mount /usr/local") { $0[2].attributes.remove(.readOnly) },
        .mounts("a tie to the host", "mount /workspace") { $0[3].propagation = ["shared:1"] },
        .mounts("a tie within a tree", "mount /usr/local") { $0[2].propagation = ["master:1"] },
        .mounts("another file system", "mount /") { $0[0].type = "ext4" },
        .mounts("a mount too many", "mount /sys") { $0.append($0[0].at("/sys")) },
        .mounts("a mount over another", "mount /workspace") { $0.append($0[3]) },
        .mounts("all of /proc", "view of /proc") { $0[4].options = ["rw", "hidepid=ptraceable"] },
        .mounts("a mount too few", "mount /usr") { $0.removeSubrange(1...2) },
        Change("another directory as workspace", ["source of /workspace"]) {
            $0.processes[0].mounted["/workspace"] = .value(MountedFile(device: 9, inode: 2))
        },
        Change("mounts of its own", ["mount /usr"]) { posture in
            guard case .value(var table) = posture.processes[1].mounts else { return }
            table[1].attributes = []
            posture.processes[1].mounts = .value(table)
        },
        .descriptor(DescriptorPosture(number: 20, target: "/etc/passwd", mount: 28)),
        .descriptor(DescriptorPosture(number: 20, target: "/workspace/a b", mount: 28)),
        .descriptor(DescriptorPosture(number: 20, target: "/memfd:x (deleted)", mount: 28)),
        .descriptor(DescriptorPosture(number: 20, target: "socket:[9]", network: .value(4))),
        .descriptor(DescriptorPosture(number: 20, target: "anon_inode:[pidfd]", isInner: false)),
        .descriptor(DescriptorPosture(number: 20, target: "pidfd:[12]", isInner: false)),
        .descriptor(DescriptorPosture(number: 20, target: "anon_inode:seccomp notify")),
        .descriptor(DescriptorPosture(number: 20, target: "anon_inode:[io_uring]")),
        .descriptor(DescriptorPosture(number: 20, target: "anon_inode:[fscontext]")),
        .descriptor(DescriptorPosture(number: 20, target: "mnt:[3]")),
        .descriptor(DescriptorPosture(number: 20, target: "net:[99]")),
        .descriptor(DescriptorPosture(number: 20, target: "unheard-of")),
        Change("a file in pid 1", ["descriptor 5"]) {
            $0.processes[0].descriptors = .value([DescriptorPosture(number: 5, target: "/usr/bin/sh", mount: 65)])
        },
    ]

    static let processes: [Change] = [
        Change("a stranger", ["origin"]) { $0.processes.append(MadePosture.process(400, .stranger, tasks: [400])) },
        Change("no agent", ["agent"]) { $0.processes.removeLast() },
        Change("pid 1 that may be inspected", ["inspectable by its user"]) { $0.processes[0].owner = .value(1001) },
        Change("a limit raised", ["limit: open files"]) {
            $0.processes[1].limits = .value(["Max core file size": 0, "Max open files": 4097])
        },
        Change("no limit", ["limit: core file size"]) {
            $0.processes[1].limits = .value(["Max core file size": .max, "Max open files": 1])
        },
        Change("a terminal", ["controlling terminal"]) { $0.processes[1].terminal = .value(34_816) },
        Change("an interface", ["network interfaces"]) { $0.processes[1].interfaces = .value(["eth0", "lo"]) },
        Change("a route", ["routes"]) { $0.processes[1].routes = .value(1) },
        Change("the host's group", ["control group"]) {
            $0.processes[1].tasks[1].controlGroups = .value(["": "/", "pids": "/remit-abc", "cpu": "/remit-abc"])
        },
        Change("another controller's group", ["control group pids"]) {
            $0.processes[1].tasks[1].controlGroups = .value(
                ["": "/remit/abc", "pids": "/", "cpu": "/remit-abc"])
        },
        .file("more memory", "limit memory", "/sys/fs/cgroup/unified/remit/abc/memory.max", "max"),
        .file("more processes", "limit processes", "/sys/fs/cgroup/pids/remit-abc/pids.max", "65"),
        .file("all processors", "limit cpu", "/sys/fs/cgroup/cpu/remit-abc/cpu.cfs_quota_us", "-1"),
        .file("a shorter period", "limit cpu", "/sys/fs/cgroup/cpu/remit-abc/cpu.cfs_period_us", "50000"),
    ]

    @Test func `what was planned holds, every item of it`() {
        let comparison = PostureComparison(MadePosture.posture, with: MadePosture.expectation)
        #expect(comparison.holds && comparison.unreadable.isEmpty, "\(comparison.differences)")
        #expect(comparison.items.count > 60)
    }

    @Test(arguments: tasks + namespaces + files + processes)
    func `every difference is found, and nothing but it`(_ change: Change) {
        var posture = MadePosture.posture
        change.apply(&posture)
        #expect(posture != MadePosture.posture, "the change changes nothing")
        let comparison = PostureComparison(posture, with: MadePosture.expectation)
        #expect(Set(comparison.differences.map(\.what)) == change.items, "\(comparison.differences)")
        #expect(!comparison.holds)
    }

    @Test func `what is stricter than planned holds`() {
        var posture = MadePosture.posture
        posture.limitFiles["/sys/fs/cgroup/unified/remit/abc/memory.max"] = .value("4096")
        posture.processes[1].limits = .value(["Max core file size": 0, "Max open files": 12])
        if case .value(var table) = posture.processes[1].mounts {
            table[3].attributes.formUnion([.readOnly, .noExecute])
            posture.processes[1].mounts = .value(table)
        }
        #expect(PostureComparison(posture, with: MadePosture.expectation).holds)
    }

    @Test func `what cannot be read is neither fine nor wrong, and always said`() {
        var posture = MadePosture.posture
        posture.isSettled = false
        posture.memoryMount = nil
        posture.limitFiles = [:]
        for index in posture.processes.indices {
            posture.processes[index].mounts = .unreadable("denied")
            posture.processes[index].mounted = [:]
            posture.processes[index].descriptors = .unreadable("denied")
            posture.processes[index].limits = .unreadable("denied")
            posture.processes[index].owner = .unreadable("denied")
            posture.processes[index].terminal = .unreadable("denied")
            posture.processes[index].interfaces = .unreadable("denied")
            posture.processes[index].routes = .unreadable("denied")
            for task in posture.processes[index].tasks.indices {
                posture.processes[index].tasks[task].status = .unreadable("denied")
                posture.processes[index].tasks[task].namespaces = [:]
                posture.processes[index].tasks[task].controlGroups = .unreadable("denied")
            }
        }
        let comparison = PostureComparison(posture, with: MadePosture.expectation)
        #expect(comparison.items.allSatisfy { $0.verdict == .unreadable }, "\(comparison.items)")
        #expect(comparison.items.count > 40)
    }

    @Test func `a group of another session is not this one's`() {
        let group = "/sys/fs/cgroup/unified/remit/abc"
        #expect(PostureComparison.isSame("/remit/abc", as: group))
        #expect(PostureComparison.isSame("/abc", as: group))
        for other in ["/", "", "/remit", "/remit/ab", "/remit/abcd", "bc", "/remit/abc/child", "/../remit/abc"] {
            #expect(!PostureComparison.isSame(other, as: group), "\(other)")
        }
        #expect(!PostureComparison.isSame(nil, as: group))
    }
}

extension MountPosture {
    /// The same mount somewhere else.
    fileprivate func at(_ target: String) -> MountPosture {
        var copy = self
        copy.target = target
        copy.identifier += 1000
        return copy
    }
}
