// SPDX-License-Identifier: Apache-2.0

import RemitNetwork
import RemitTask
import Testing

@Suite struct NetworkPlanTests {
    static let header = "apiVersion: remit/v1\nkind: "

    static func task(_ rest: String) throws -> DecodedFile<TaskSpecification> {
        try TaskFile.decode(bytes: Array((header + "Task\nname: x\n" + rest).utf8), file: "/srv/task.yaml")
    }

    static func configuration(_ rest: String = "") throws -> Configuration {
        try Configuration.decode(header + "Configuration\n" + rest, file: "config.yaml")
    }

    static func plan(
        _ task: String, configuration: String = "", profile: NetworkRules = NetworkRules(),
        adding: [NetworkEntry] = []
    ) throws -> NetworkPlan {
        let file = try Self.task(task)
        var asked = file.value
        if !adding.isEmpty { asked.network.allow = (asked.network.allow ?? []) + adding }
        return try NetworkPlan.resolve(
            task: asked, file: file, profile: Profile(name: "p", network: profile),
            configuration: try Self.configuration(configuration)
        )
    }

    static func verdict(_ plan: NetworkPlan, _ host: String, _ port: UInt16 = 443) throws -> ConnectionVerdict {
        plan.policy.connection(to: try Destination(host.utf8), port: port)
    }

    @Test func `a task that says nothing of the network has none, whatever its profile and the operator allow`() throws
    {
        let plan = try Self.plan(
            "", configuration: "network: {allow: [\"*\"]}\n",
            profile: NetworkRules(allow: [.rule(NetworkRule(host: try HostPattern("a.com")))]))
        #expect(!plan.isNeeded && plan.policy == .none)
        #expect(try !Self.plan("network: {deny: [a.com]}\n").isNeeded)
        #expect(try !Self.plan("network: {allow: []}\n").isNeeded)
    }

    @Test func `a rule is named by its file and place`() throws {
        let plan = try Self.plan("network: {allow: [a.com, {host: b.com, ports: [5432]}], deny: [x.b.com]}\n")
        guard case .allowed(let rule, inspect: false) = try Self.verdict(plan, "b.com", 5432) else {
            Issue.record("refused")
            return
        }
        #expect(rule.label == "task.yaml: network.allow[1]")
        // Whoever names a port of its own speaks what is spoken there.
        #expect(rule.opaque == .unlessTLS)
        #expect(try Self.verdict(plan, "b.com") == .denied(EgressDenial(.port, by: "the task")))
    }

    @Test func `groups are shipped, are the operator's, and need to exist`() throws {
        let plan = try Self.plan("network: {allow: [{group: model-apis}]}\n")
        guard case .allowed(let rule, inspect: true) = try Self.verdict(plan, "api.anthropic.com") else {
            Issue.record("refused")
            return
        }
        #expect(rule.label == "task.yaml: network.allow[0] (model-apis)")
        let own = try Self.plan(
            "network: {allow: [{group: model-apis}]}\n", configuration: "groups: {model-apis: [llm.example.com]}\n")
        guard case .denied = try Self.verdict(own, "api.anthropic.com"),
            case .allowed = try Self.verdict(own, "llm.example.com")
        else {
            Issue.record("the operator's group does not hide the shipped one")
            return
        }
        let error = #expect(throws: FileError.self) { try Self.plan("network:\n  allow:\n    - {group: model-api}\n") }
        #expect(
            error?.description
                == "/srv/task.yaml:6:7: unknown group `model-api`: did you mean `model-apis`?")
        #expect(throws: FileError.self) { try Self.configuration("network: {allow: [{group: nothing}]}\n") }
    }

    @Test func `every shipped group is read, and asks for nothing in the clear but signed packages`() {
        #expect(NetworkGroups.shipped.keys.sorted() == ["git-hosting", "model-apis", "package-registries"])
        for (name, rules) in NetworkGroups.shipped {
            #expect(!rules.isEmpty)
            for rule in rules {
                #expect(
                    rule.http?.methods.isEmpty == false && rule.addresses.isEmpty && rule.sni == .required, "\(rule)")
                #expect(!rule.clearText || name == "package-registries", "\(rule)")
                guard case .exact = rule.host else {
                    Issue.record("\(rule) is no single host")
                    continue
                }
            }
        }
    }

    @Test func `a task that exceeds the operator's bound is refused with its line`() throws {
        let bound =
            "network: {allow: [\"*.example.com\", {host: api.b.com, http: {methods: [GET]}}], deny: [x.example.com]}\n"
        #expect(throws: Never.self) { try Self.plan("network: {allow: [a.example.com]}\n", configuration: bound) }
        func refusal(_ rule: String) -> String? {
            let error = #expect(throws: FileError.self) {
                try Self.plan("network:\n  allow:\n    - a.example.com\n    - \(rule)\n", configuration: bound)
            }
            return error?.description
        }
        #expect(
            refusal("evil.com") == "/srv/task.yaml:7:7: task.yaml: network.allow[1]: `evil.com` exceeds what "
                + "the configuration allows: no rule names the host")
        #expect(refusal("api.b.com")?.contains("requests must be restricted") == true)
        #expect(refusal("x.example.com")?.contains("denies it") == true)
        #expect(refusal("{group: model-apis}")?.contains("exceeds") == true)
        #expect(refusal("\"*\"")?.contains("no rule names the host") == true)
    }

    @Test func `what the command line adds is bounded as well, and is named as what it is`() throws {
        let entry = try AllowedHost.parse("api.c.com:8443")
        let plan = try Self.plan("network: {allow: [a.com]}\n", adding: [entry])
        guard case .allowed(let rule, inspect: false) = try Self.verdict(plan, "api.c.com", 8443) else {
            Issue.record("refused")
            return
        }
        #expect(rule.label == "--allow-host api.c.com:8443")
        let error = #expect(throws: FileError.self) {
            try Self.plan("", configuration: "network: {allow: [a.com]}\n", adding: [entry])
        }
        #expect(error?.message.contains("--allow-host api.c.com:8443: `api.c.com` exceeds") == true)
    }

    @Test func `the profile bounds, denies and is named with its line`() throws {
        var profile = NetworkRules(allow: [.rule(NetworkRule(host: try HostPattern("*.a.com")))])
        #expect(throws: FileError.self) { try Self.plan("network: {allow: [b.com]}\n", profile: profile) }
        profile = NetworkRules(deny: [.rule(NetworkRule(host: try HostPattern("y.a.com")))], tripwire: .end)
        let plan = try Self.plan("network: {allow: [\"*.a.com\"], tripwire: block}\n", profile: profile)
        #expect(plan.tripwire == .end)
        #expect(try Self.verdict(plan, "y.a.com") == .denied(EgressDenial(.rule, by: "profile p: y.a.com")))
    }

    static let secret = """
        providers:
          key:
            kind: secret
            from: {env: KEY}
            inject:
              - {host: "*.a.com", methods: [GET, POST], header: authorization}
              - {host: b.com, basic: true}

        """

    @Test func `a secret is added where its provider says, and a task may only take away from that`() throws {
        let network = "network: {allow: [x.a.com]}\ncredentials:\n  - name: k\n    provider: key\n"
        let all = try Self.plan(network, configuration: Self.secret)
        #expect(
            all.bindings.map(\.hosts.description) == ["*.a.com", "b.com"] && all.bindings.allSatisfy { $0.lease == "k" }
        )
        let less = try Self.plan(
            network + "    inject: {host: x.a.com, methods: [GET], paths: [/v1/**]}\n", configuration: Self.secret)
        #expect(less.bindings.count == 1 && less.bindings[0].hosts.description == "x.a.com")
        #expect(less.bindings[0].methods == ["GET"] && less.bindings[0].slot == .header("authorization"))
        for more in ["{host: evil.com}", "{ports: [80]}", "{host: \"*\"}", "{host: x.a.com, methods: [DELETE]}"] {
            let error = #expect(throws: FileError.self) {
                try Self.plan(network + "    inject: \(more)\n", configuration: Self.secret)
            }
            #expect(error?.message.contains("asks for more than provider `key` allows") == true)
        }
    }

    @Test func `a scope is not for secrets, and an injection for nothing else`() throws {
        let configuration = try Self.configuration(Self.secret)
        for rest in [
            "{name: k, provider: key, scope: {a: b}}", "{name: k, provider: session-token, inject: {host: a.com}}",
        ] {
            #expect(throws: FileError.self) { try configuration.check(try Self.task("credentials: [\(rest)]\n")) }
        }
    }

    @Test(arguments: [
        ("api.a.com", "api.a.com"), ("*.A.com:8443", "*.a.com:8443"), ("192.0.2.1", "192.0.2.1"),
        ("10.0.0.0/8:5432", "10.0.0.0/8:5432"), ("[2001:db8::1]:443", "2001:db8::1:443"),
        ("2001:db8::1", "2001:db8::1"),
        ("a.com:80", "a.com:80 clear text"), ("*", "*"),
    ])
    func `a host of the command line is a rule`(text: String, rule: String) throws {
        #expect(try AllowedHost.parse(text).description == rule)
    }

    @Test(arguments: [
        "", ":443", "a.com:", "a.com:0", "a.com:99999", "http://a.com", "a.com/x", "user@a.com", "127.1", "a b",
        "a.*.com",
        "10.0.0.1/8", "[::1", "a.com:443:443", "-x.com",
    ])
    func `what is no host is refused by name`(text: String) {
        let error = #expect(throws: AllowedHost.Refusal.self) { try AllowedHost.parse(text) }
        #expect(error?.description.hasPrefix("`") == true)
    }

    @Test(arguments: [
        ("http://a.com", "is a URL"), ("a.com:443", "has a port"), ("a.*.com", "whole labels"),
        ("10.0.0.1/8", "not a range"),
        ("127.1", "read as an address"), ("a%00.com", "no host name has"), ("user@a.com", "no host name has"),
        ("faß.de", "cannot be mapped safely"),
    ])
    func `a host that a file cannot mean is refused with what to write`(text: String, problem: String) {
        let error = #expect(throws: FileError.self) { try Self.task("network: {allow: ['\(text)']}\n") }
        #expect(error?.message.contains(problem) == true, "\(String(describing: error))")
    }

    @Test func `a profile's rules add up along its chain, each with its line`() throws {
        let profile = try ProfileCatalogue().resolve(
            try ProfileLayer.decode(
                bytes: Array(
                    (Self.header + "Profile\nname: y\nextends: base\nnetwork:\n  allow: [a.com]\n  deny: [b.com]\n")
                        .utf8),
                file: "y.yaml"))
        #expect(profile.network.allow?.count == 1)
        let entry = try #require(profile.explanation.first { $0.path == "network.allow.a.com" })
        #expect(entry.value == "at most" && entry.origin?.description == "y:6")
        #expect(profile.explanation.contains { $0.path == "network.deny.b.com" && $0.value == "never" })
    }
}
