// SPDX-License-Identifier: Apache-2.0

import RemitNetwork
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
                CredentialRequest(
                    name: "model", provider: "anthropic", expose: .environment(variable: "ANTHROPIC_API_KEY"),
                    inject: InjectionNarrowing(
                        host: try HostPattern("api.anthropic.com"), ports: [443], methods: ["POST"],
                        paths: ["/v1/messages"].compactMap { RequestPathPattern($0) }
                    )
                ),
            ],
            network: NetworkRules(
                allow: [
                    .rule(NetworkRule(host: try HostPattern("api.example.com"))),
                    .rule(NetworkRule(host: try HostPattern("git.example.com"), ports: [22], opaque: true)),
                    .group("model-apis"),
                    .rule(
                        NetworkRule(
                            host: try HostPattern("*.example.com"), ports: [443, 8000, 8001, 8002],
                            http: HTTPRule(
                                methods: ["GET", "POST"],
                                paths: ["/v1/**", "/health"].compactMap { RequestPathPattern($0) }, maxBody: 1 << 20
                            ),
                            clearText: true, sni: .optional,
                            addresses: ["10.0.0.0/8", "fd00::/8"].compactMap { Network($0) }
                        )
                    ),
                ],
                deny: [
                    .rule(NetworkRule(host: try HostPattern("evil.example.com"))),
                    .rule(
                        NetworkRule(
                            host: try HostPattern("admin.example.com"), ports: [443],
                            http: HTTPRule(methods: ["DELETE"], paths: ["/**"].compactMap { RequestPathPattern($0) })
                        )
                    ),
                    .group("git-hosting"),
                ],
                tripwire: .end
            ),
            budget: BudgetPlan(
                session: Budget([
                    .requests: 1000, .bytesUp: 10 << 20, .bytesDown: 1 << 30, .connections: 100,
                    .inputTokens: 2_000_000, .outputTokens: 100_000, .cost: 2_500_000,
                ]),
                hosts: [
                    HostBudget(
                        host: try HostPattern("api.example.com"),
                        budget: Budget([
                            .requests: 10, .bytesUp: 1 << 20, .bytesDown: 1 << 20, .connections: 5, .inputTokens: 1,
                            .outputTokens: 1, .cost: 125_000,
                        ])
                    )
                ]
            ),
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
        #expect(file.position(of: "outcome.verify[1]").description == "59:21")
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
            { $0.credentials[2].inject = nil }, { $0.credentials[2].inject?.methods = ["GET"] },
            { $0.network.allow = nil }, { $0.network.allow = [] }, { $0.network.allow?.removeFirst() },
            { $0.network.deny = [] }, { $0.network.tripwire = nil }, { $0.budget.session[.cost] = 1 },
            { $0.budget.hosts = [] }, { $0.budget.hosts[0].budget[.requests] = nil },
            { $0.outcome?.changed = nil }, { $0.outcome?.artifacts = [] }, { $0.outcome?.verify = nil },
        ]
        for change in changes {
            var task = base
            change(&task)
            #expect(seen.insert(task.canonicalJSON()).inserted)
        }
    }
}
