// SPDX-License-Identifier: Apache-2.0
// What a session holds against what its plan says: a value, and no reading.

internal import RemitKernel

/// One thing that was looked at.
package struct PostureItem: Hashable, Sendable {
    package enum Verdict: String, Hashable, Sendable {
        /// As planned, or stricter.
        case holds
        case differs
        /// This user may not look, or the kernel does not say: neither good nor bad.
        case unreadable
    }

    /// The process; `nil`: the session as a whole.
    package let process: Int32?
    /// The thread; `nil`: the process as a whole.
    package let task: Int32?
    package let what: String
    package let expected: String
    package let found: String
    package let verdict: Verdict

    init(
        _ what: String, expected: String, found: String, _ verdict: Verdict, process: Int32? = nil, task: Int32? = nil
    ) {
        self.process = process
        self.task = task
        self.what = what
        self.expected = expected
        self.found = found
        self.verdict = verdict
    }
}

/// Every item of a posture, judged.
package struct PostureComparison: Hashable, Sendable {
    package private(set) var items: [PostureItem] = []
    let posture: Posture
    let expectation: PostureExpectation

    package var differences: [PostureItem] { items.filter { $0.verdict == .differs } }
    package var unreadable: [PostureItem] { items.filter { $0.verdict == .unreadable } }
    /// Nothing that could be read differs.
    package var holds: Bool { differences.isEmpty }

    package init(_ posture: Posture, with expectation: PostureExpectation) {
        self.posture = posture
        self.expectation = expectation
        judgeWhole()
        for process in posture.processes {
            judge(process)
            for task in process.tasks { judge(task, of: process) }
        }
        judgeMounts()
        judgeCgroup()
    }

    mutating func add(_ item: PostureItem) { items.append(item) }

    /// Adds an item that holds when `problem` is nil, and is unreadable when the reading is.
    mutating func add<Value>(
        _ what: String,
        _ expected: String,
        _ reading: Reading<Value>,
        process: Int32? = nil,
        task: Int32? = nil,
        found: (Value) -> String,
        holds: (Value) -> Bool
    ) {
        switch reading {
        case .value(let value):
            add(
                PostureItem(
                    what, expected: expected, found: found(value), holds(value) ? .holds : .differs,
                    process: process, task: task))
        case .unreadable(let reason):
            add(PostureItem(what, expected: expected, found: reason, .unreadable, process: process, task: task))
        }
    }

    // MARK: the session

    private mutating func judgeWhole() {
        let tasks = posture.processes.reduce(0) { $0 + $1.tasks.count }
        let count = "\(posture.processes.count) processes, \(tasks) tasks"
        add(
            PostureItem(
                "processes", expected: "every one read",
                found: posture.isSettled ? count : "\(count), and new ones faster than they could be read",
                posture.isSettled ? .holds : .unreadable))
        // There is no session without its first process, and none is looked at without the agent's.
        for (role, name) in [(ProcessPosture.Role.first, "pid 1"), (.agent, "agent")] {
            let isThere = posture.processes.contains { $0.role == role }
            guard !isThere else { continue }
            add(PostureItem(name, expected: "a process", found: "none", .differs))
        }
    }

    // MARK: a process

    private mutating func judge(_ process: ProcessPosture) {
        let pid = process.pid
        if process.role == .stranger {
            add(
                PostureItem(
                    "origin", expected: "a descendant of process \(expectation.first.pid)",
                    found: "a child of process \(process.parent)", .differs, process: pid))
        }
        judgeDescriptors(process)
        if process.role == .first {
            let user = expectation.user
            add(
                "inspectable by its user", "no", process.owner, process: pid,
                found: { $0 == user ? "yes" : "no" }, holds: { $0 != user })
        } else {
            for (name, most) in expectation.limits.sorted(by: { $0.key < $1.key }) {
                let limit: Reading<UInt64> =
                    switch process.limits {
                    case .value(let all): all[name].map { .value($0) } ?? .unreadable("`limits` has no such row")
                    case .unreadable(let reason): .unreadable(reason)
                    }
                add(
                    "limit: \(name.dropFirst(4))", "at most \(Self.amount(most))", limit, process: pid,
                    found: Self.amount, holds: { $0 <= most })
            }
        }
        if !expectation.hasTerminal {
            add(
                "controlling terminal", "none", process.terminal, process: pid,
                found: { $0 == 0 ? "none" : "device \($0 >> 8):\($0 & 0xff)" }, holds: { $0 == 0 })
        }
        if expectation.ownNamespaces.contains(.network) {
            add(
                "network interfaces", "lo", process.interfaces, process: pid,
                found: { $0.joined(separator: ", ") }, holds: { $0.allSatisfy { $0 == "lo" } })
            add(
                "routes", "none", process.routes, process: pid,
                found: { $0 == 0 ? "none" : "\($0)" }, holds: { $0 == 0 })
        }
    }

    static func amount(_ value: UInt64) -> String { value == .max ? "unlimited" : "\(value)" }

    // MARK: a task

    private mutating func judge(_ task: TaskPosture, of process: ProcessPosture) {
        let (pid, number) = (process.pid, task.task)
        func add<Value>(
            _ what: String, _ expected: String, found: @escaping (TaskStatus) -> Value,
            text: (Value) -> String, holds: (Value) -> Bool
        ) -> PostureItem where Value: Hashable & Sendable {
            switch task.status.map(found) {
            case .value(let value):
                PostureItem(
                    what, expected: expected, found: text(value), holds(value) ? .holds : .differs,
                    process: pid, task: number)
            case .unreadable(let reason):
                PostureItem(what, expected: expected, found: reason, .unreadable, process: pid, task: number)
            }
        }
        let user = expectation.user
        let group = expectation.group
        let groups = Set(expectation.groups)
        items += [
            // Whatever a plan says: the agent is never root.
            add("uid", "\(user)", found: \.users, text: Self.ids, holds: { $0.allSatisfy { $0 == user && $0 != 0 } }),
            add("gid", "\(group)", found: \.groups, text: Self.ids, holds: { $0.allSatisfy { $0 == group } }),
            add(
                "supplementary groups", Self.groups(expectation.groups), found: \.supplementary, text: Self.groups,
                holds: { groups.isSuperset(of: $0) }),
            add(
                "capabilities", "none", found: \.capabilities, text: Self.capabilities,
                holds: { $0.values.allSatisfy { $0 == 0 } }),
            add("no_new_privs", "set", found: \.noNewPrivileges, text: { $0 ? "set" : "not set" }, holds: { $0 }),
            add("seccomp", "filter", found: \.seccompMode, text: Self.mode, holds: { $0 == 2 }),
            add("tracer", "none", found: \.tracer, text: { $0 == 0 ? "none" : "process \($0)" }, holds: { $0 == 0 }),
        ]
        let filters: Reading<Int> =
            switch task.status {
            case .value(let status): status.filters.map { .value($0) } ?? .unreadable("this kernel does not say")
            case .unreadable(let reason): .unreadable(reason)
            }
        let count = expectation.filters
        self.add(
            "seccomp filters", "\(count)", filters, process: pid, task: number,
            found: { "\($0)" }, holds: { $0 == count })
        judgeNamespaces(task, pid)
        judgeMembership(task, pid)
    }

    private static func ids(_ ids: [UInt32]) -> String {
        Set(ids).count == 1 ? "\(ids[0])" : ids.map { "\($0)" }.joined(separator: " ")
    }

    private static func groups(_ groups: [UInt32]) -> String {
        groups.isEmpty ? "none" : groups.map { "\($0)" }.joined(separator: " ")
    }

    private static func mode(_ mode: Int) -> String { [0: "none", 1: "strict", 2: "filter"][mode] ?? "mode \(mode)" }

    private static func capabilities(_ sets: [String: UInt64]) -> String {
        let held = sets.filter { $0.value != 0 }.sorted { $0.key < $1.key }
        return held.isEmpty ? "none" : held.map { "\($0.key) \(String($0.value, radix: 16))" }.joined(separator: ", ")
    }
}
