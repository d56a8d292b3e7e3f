// SPDX-License-Identifier: Apache-2.0

import RemitNetwork
import RemitTask
import Testing

@Suite struct BoundednessTests {
    typealias Grade = Boundedness.Grade

    static var good: TaskSpecification {
        get throws {
            var task = try TaskFile.decode(Samples.task, file: "task.yaml")
            task.credentials[0].expose = .file
            task.credentials[1].ttl = .seconds(60)
            return task
        }
    }

    static func judge(_ change: (inout TaskSpecification) -> Void) throws -> Boundedness {
        var task = try good
        change(&task)
        let configuration = try Configuration.decode(Samples.configuration, file: "config.yaml")
        return Boundedness(
            task: task, directory: "/home/alice/projects/orders", home: "/home/alice", configuration: configuration
        )
    }

    @Test func `a well written task is bounded in every aspect`() throws {
        let verdict = try Self.judge { _ in }
        #expect(verdict.findings.map(\.aspect) == Boundedness.Aspect.allCases)
        #expect(verdict.findings.allSatisfy { $0.grade == .bounded && $0.advice == nil }, "\(verdict.findings)")
        #expect(verdict.isBounded)
    }

    @Test func `an empty task is missing all but credentials and network, which it does not ask for`() {
        let verdict = Boundedness(task: TaskSpecification(name: "x"))
        for aspect in Boundedness.Aspect.allCases {
            #expect(verdict.grade(of: aspect) == ([.credentials, .network].contains(aspect) ? .bounded : .missing))
        }
        #expect(!verdict.isBounded)
    }

    @Test func `every judgement below bounded says what to write, and what it says decodes`() throws {
        let tasks = [
            TaskSpecification(name: "x"),
            TaskSpecification(
                name: "x", intent: "fix it", owner: "root", workspace: Workspace(path: "/tmp", mode: .write),
                deadline: .seconds(200_000), idle: .seconds(300_000),
                credentials: [
                    CredentialRequest(name: "a", provider: "session-token"),
                    CredentialRequest(
                        name: "b", provider: "b", scope: ["x": .one("*"), "y": .one("z")], ttl: .seconds(400_000)),
                ],
                outcome: Outcome(changed: [PathPattern("**")].compactMap { $0 })
            ),
        ]
        for finding in tasks.flatMap({ Boundedness(task: $0).findings }) where finding.grade != .bounded {
            let advice = try #require(finding.advice)
            let isPartOfCredential = ["ttl:", "expose:"].contains { advice.hasPrefix($0) }
            let text =
                "apiVersion: remit/v1\nkind: Task\nname: x\n"
                + (isPartOfCredential ? "credentials:\n  - name: x\n    provider: x\n    " : "") + advice + "\n"
            #expect(throws: Never.self) { try TaskFile.decode(text, file: "advice.yaml") }
        }
    }

    @Test(
        arguments: [
            (nil, Grade.missing), ("...", .missing), ("do stuff", .weak), ("fix everything", .weak), ("fix it", .weak),
            ("please fix all of the bugs in the code", .weak), ("Clean up everything in the repository for me", .weak),
            ("Fix the rounding error in orders.py. Then deploy it to production.", .weak),
            ("Fix the rounding error in orders.py and make its tests pass", .bounded),
            ("Ändere die Rundung in orders.py, e.g. for negative sums", .bounded),
        ] as [(String?, Grade)])
    func `an intent says one thing that can be looked at`(intent: String?, grade: Grade) throws {
        #expect(try Self.judge { $0.intent = intent }.grade(of: .intent) == grade)
    }

    @Test(arguments: [
        (".", Grade.bounded), ("./src", .bounded), ("/srv/orders", .bounded), ("/", .missing), ("../../..", .missing),
        ("../../../..", .missing), ("../..", .missing), ("/home/alice", .missing), ("/home/alice/", .missing),
        ("/home/alice/./x/..", .missing), ("/home", .missing), ("/home/bob", .missing), ("/root", .missing),
        ("/etc", .missing), ("/etc/nginx", .missing), ("/usr/lib", .missing), ("/proc/1", .missing),
        ("/home/alice/.ssh", .missing), ("/home/alice/.config/gh", .missing), ("/srv", .weak), ("/tmp", .weak),
        ("/var/lib", .weak), ("/home/alice2/x", .bounded),
    ])
    func `a workspace is one directory that belongs to the task`(path: String, grade: Grade) throws {
        #expect(try Self.judge { $0.workspace = Workspace(path: path, mode: .write) }.grade(of: .workspace) == grade)
    }

    @Test func `a writable workspace needs to know what may change`() throws {
        let verdict = try Self.judge { $0.outcome?.changed = nil }
        #expect(verdict.grade(of: .workspace) == .weak)
        #expect(
            try Self.judge {
                $0.outcome?.changed = nil
                $0.workspace?.mode = .read
            }.grade(of: .workspace) == .bounded)
    }

    @Test func `an outcome can be checked and can fail`() throws {
        #expect(try Self.judge { $0.outcome = nil }.grade(of: .outcome) == .missing)
        #expect(try Self.judge { $0.outcome = Outcome() }.grade(of: .outcome) == .missing)
        #expect(
            try Self.judge { $0.outcome?.changed = [PathPattern("**")].compactMap { $0 } }.grade(of: .outcome) == .weak)
        #expect(try Self.judge { $0.outcome?.verify = ["/bin/true"] }.grade(of: .outcome) == .weak)
        #expect(
            try Self.judge {
                $0.outcome?.verify = nil
                $0.outcome?.artifacts = []
            }.grade(of: .outcome) == .weak
        )
        #expect(try Self.judge { $0.outcome = Outcome(changed: []) }.grade(of: .outcome) == .bounded)
    }

    @Test func `a credential has a scope that is less than everything`() throws {
        #expect(try Self.judge { $0.credentials = [] }.grade(of: .credentials) == .bounded)
        #expect(try Self.judge { $0.credentials[0].scope = [:] }.grade(of: .credentials) == .missing)
        #expect(try Self.judge { $0.credentials[0].scope = ["tables": .one("*")] }.grade(of: .credentials) == .missing)
        #expect(
            try Self.judge { $0.credentials[0].scope["tables"] = .many(["a", "*"]) }.grade(of: .credentials) == .weak)
        #expect(try Self.judge { $0.credentials[0].scope["privileges"] = .one("ALL") }.grade(of: .credentials) == .weak)
        #expect(
            try Self.judge { $0.credentials[0].expose = .environment(variable: "X") }.grade(of: .credentials) == .weak
        )
    }

    @Test
    func `a secret that only the gate holds needs neither scope nor ttl, whatever variable its placeholder is in`()
        throws
    {
        let task = try Self.good
        let secret = try #require(task.credentials.first { $0.provider == "anthropic" })
        #expect(secret.scope.isEmpty && secret.ttl == nil && secret.expose != .file)
        #expect(try Self.judge { $0.credentials = [secret] }.isBounded)
        // Where the operator has no such provider, nothing says that it is one.
        #expect(Boundedness(task: task).grade(of: .credentials) == .missing)
    }

    @Test(arguments: [
        ("*", Grade.missing), ("*.com", .missing), ("*.amazonaws.com", .weak), ("*.s3.amazonaws.com", .weak),
        ("*.github.io", .weak), ("*.example.com", .bounded), ("alice.github.io", .bounded), ("0.0.0.0/0", .missing),
        ("10.0.0.0/8", .weak), ("10.1.0.0/16", .bounded), ("::/0", .missing), ("fd00::/32", .weak),
        ("fd00:1:2::/48", .bounded), ("192.0.2.1", .bounded), ("localhost", .bounded),
    ])
    func `a network is named host by host`(host: String, grade: Grade) throws {
        let rule = NetworkRule(host: try HostPattern(host))
        #expect(try Self.judge { $0.network.allow?.append(.rule(rule)) }.grade(of: .network) == grade)
    }

    @Test func `a rule for a thousand ports, or for the address that hands out credentials, is too wide`() throws {
        var rule = NetworkRule(host: try HostPattern("example.com"), ports: Array(1...1000))
        #expect(try Self.judge { $0.network.allow = [.rule(rule)] }.grade(of: .network) == .weak)
        rule.ports = [443]
        rule.addresses = ["169.254.169.254"].compactMap { Network($0) }
        #expect(try Self.judge { $0.network.allow = [.rule(rule)] }.grade(of: .network) == .weak)
        #expect(try Self.judge { $0.network.allow = [.group("model-apis")] }.grade(of: .network) == .bounded)
    }

    @Test func `a task and its credentials end`() throws {
        #expect(try Self.judge { $0.deadline = nil }.grade(of: .lifetime) == .missing)
        #expect(try Self.judge { $0.deadline = .seconds(86_401) }.grade(of: .lifetime) == .weak)
        #expect(try Self.judge { $0.deadline = .seconds(86_400) }.grade(of: .lifetime) == .bounded)
        #expect(try Self.judge { $0.credentials[0].ttl = .seconds(1801) }.grade(of: .lifetime) == .weak)
        let verdict = try Self.judge { $0.credentials[0].ttl = nil }
        let finding = try #require(verdict.findings.first { $0.aspect == .lifetime })
        #expect(finding.grade == .weak)
        #expect(finding.reason == "`orders-db` has no ttl: each issue would last the default of `2m`")
        #expect(finding.advice == "ttl: 2m")
    }

    @Test func `an owner is somebody`() throws {
        #expect(try Self.judge { $0.owner = nil }.grade(of: .owner) == .missing)
        for nobody in ["root", "admin@example.com", "team", "TBD"] {
            #expect(try Self.judge { $0.owner = nobody }.grade(of: .owner) == .weak)
        }
        #expect(try Self.judge { $0.owner = "spiffe://example.org/alice" }.grade(of: .owner) == .bounded)
    }
}
