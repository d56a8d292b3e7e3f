// SPDX-License-Identifier: Apache-2.0

import RemitTask
import Testing

@Suite struct TaskFileTests {
    static func task(_ rest: String) throws -> TaskSpecification {
        try TaskFile.decode("apiVersion: remit/v1\nkind: Task\nname: sample\n" + rest, file: "task.yaml")
    }

    @Test func `every key of a task is decoded`() throws {
        let task = try TaskFile.decode(Samples.task, file: "task.yaml")
        let expected = TaskSpecification(
            name: "fix-orders-bug", intent: "Fix the rounding error in orders.py and make its tests pass",
            owner: "alice@example.com", ticket: "ORD-1234", profile: "default",
            command: ["python3", "agent.py", "--retries", "3"], workspace: Workspace(path: "./src", mode: .write),
            environment: ["LANG": "C.UTF-8", "PORT": "8080"],
            limits: Limits(
                memory: ByteCount(bytes: 2 << 30), processes: 256, cpu: 1.5, openFiles: 1024,
                fileSize: ByteCount(bytes: 1 << 30),
                io: TransferLimits(read: ByteCount(bytes: 8 << 20), write: ByteCount(bytes: 4 << 20)), whenReached: .end
            ),
            deadline: .seconds(1800), idle: .seconds(300), sockets: ["orders-postgres"],
            credentials: [
                CredentialRequest(
                    name: "orders-db", provider: "orders",
                    scope: ["tables": .many(["orders"]), "privileges": .many(["SELECT"]), "database": .one("shop")],
                    ttl: .seconds(120), expose: .environment(variable: "ORDERS_URL")
                ),
                CredentialRequest(name: "token", provider: "session-token", scope: ["audience": .one("orders")]),
            ],
            outcome: Outcome(
                changed: ["src/**", "tests/*.py"].compactMap(PathPattern.init), artifacts: ["report.json"],
                verify: ["python3", "-m", "pytest", "-q"]
            )
        )
        #expect(task == expected)
    }

    @Test func `a task needs only its name`() throws {
        #expect(try Self.task("") == TaskSpecification(name: "sample"))
    }

    @Test(arguments: ["yes", "on", "true", "1.10", "0777", "1e3", "0x1F", "2026-01-01", "=", ".inf", "12:30"])
    func `unquoted text is itself, whatever YAML would make of it`(text: String) throws {
        #expect(try Self.task("intent: \(text)\n").intent == text)
        #expect(try Self.task("command: [\(text)]\n").command == [text])
        #expect(try Self.task("environment: {A: \(text)}\n").environment == ["A": text])
    }

    @Test func `a folded intent loses the line break that ends the block`() throws {
        #expect(try Self.task("intent: >\n  fix the\n  rounding\n").intent == "fix the rounding")
    }

    @Test func `a script of several lines may be an argument`() throws {
        #expect(try Self.task("command:\n  - sh\n  - -c\n  - |\n    a\n    \tb\n").command == ["sh", "-c", "a\n\tb\n"])
    }

    @Test func `positions of values are kept for later errors`() throws {
        let file = try TaskFile.decode(bytes: Array(Samples.task.utf8), file: "task.yaml")
        #expect(file.position(of: "credentials[0].provider").description == "17:15")
        #expect(file.position(of: "outcome.verify[1]").description == "28:21")
        #expect(file.position(of: "limits.nothing") == file.position(of: "limits"))
        #expect(file.error(at: "profile", "unknown").description == "task.yaml:7:10: unknown")
    }

    @Test func `what a task asks is checked against the configuration`() throws {
        let file = try TaskFile.decode(bytes: Array(Samples.task.utf8), file: "task.yaml")
        var configuration = try Configuration.decode(Samples.configuration, file: "config.yaml")
        try configuration.check(file)
        configuration.sockets = [:]
        var error = #expect(throws: FileError.self) { try configuration.check(file) }
        #expect(error?.description == "task.yaml:14:11: unknown socket `orders-postgres`")
        configuration.providers["orders"]?.maximumTTL = .seconds(60)
        error = #expect(throws: FileError.self) { try configuration.check(file) }
        #expect(
            error?.description == "task.yaml:19:10: `credentials[0].ttl` is `2m`, but provider `orders` allows `1m`")
        configuration.providers = ["ordres": ProviderInstance(kind: .postgres)]
        error = #expect(throws: FileError.self) { try configuration.check(file) }
        #expect(error?.description == "task.yaml:17:15: unknown provider `orders`: did you mean `ordres`?")
    }

    @Test func `the canonical form does not depend on how the file is written`() throws {
        let one = try Self.task("limits: {memory: 1GiB, cpu: 2}\nowner: a\ndeadline: 60s\n")
        let other = try Self.task("# note\ndeadline: 1m\nowner: 'a'\nlimits:\n  cpu: 2.0\n  memory: 1024MiB\n")
        #expect(one.canonicalJSON() == other.canonicalJSON())
        #expect(
            String(decoding: one.canonicalJSON(), as: UTF8.self) == #"{"apiVersion":"remit/v1","credentials":[],"#
                + #""deadline":"1m","environment":{},"kind":"Task","limits":{"cpu":2,"memory":"1GiB"},"name":"sample","#
                + #""owner":"a","sockets":[]}"#
        )
    }

    @Test func `every field changes the canonical form`() throws {
        let base = try TaskFile.decode(Samples.task, file: "task.yaml")
        var seen: Set<[UInt8]> = [base.canonicalJSON()]
        let changes: [(inout TaskSpecification) -> Void] = [
            { $0.name = "x" }, { $0.intent = "x" }, { $0.owner = "x" }, { $0.ticket = nil }, { $0.profile = "x" },
            { $0.command = ["x"] }, { $0.workspace?.path = "x" }, { $0.workspace?.mode = .read },
            { $0.environment["X"] = "x" }, { $0.limits.memory = nil }, { $0.limits.processes = 1 },
            { $0.limits.cpu = 0.25 }, { $0.limits.openFiles = nil }, { $0.limits.fileSize = nil },
            { $0.limits.io = nil }, { $0.limits.io?.read = nil }, { $0.limits.whenReached = .continue },
            { $0.deadline = nil }, { $0.idle = nil }, { $0.sockets = [] }, { $0.credentials.removeLast() },
            { $0.credentials[0].name = "x" }, { $0.credentials[0].provider = "x" }, { $0.credentials[0].scope = [:] },
            {
                $0.credentials[0].ttl = nil
                $0.credentials[0].ttl = .seconds(1)
            }, { $0.credentials[0].expose = .file },
            { $0.outcome?.changed = nil }, { $0.outcome?.artifacts = [] }, { $0.outcome?.verify = nil },
        ]
        for change in changes {
            var task = base
            change(&task)
            #expect(seen.insert(task.canonicalJSON()).inserted)
        }
    }
}
