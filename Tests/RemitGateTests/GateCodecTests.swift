// SPDX-License-Identifier: Apache-2.0

import RemitJournal
import RemitKernel
import RemitNetwork
import Testing

@testable import RemitGate

@Suite struct GateCodecTests {
    static var policy: EgressPolicy {
        get throws {
            EgressPolicy(layers: [
                EgressLayer(
                    name: "the configuration",
                    rules: [
                        EgressRule(label: "no", host: try HostPattern("10.0.0.0/8"), ports: [], isDenial: true)
                    ],
                    isOpen: true
                ),
                EgressLayer(
                    name: "the task",
                    rules: [
                        EgressRule(
                            label: "task.yaml: network.allow[0]", host: try HostPattern("*.example.com"),
                            ports: [80, 443],
                            http: HTTPRule(
                                methods: ["GET"], paths: ["/v1/**"].compactMap { RequestPathPattern($0) }, maxBody: 10),
                            allowsClearText: true, sni: .optional, addresses: ["fd00::/8"].compactMap { Network($0) }
                        ),
                        EgressRule(
                            label: "x", host: try HostPattern("2001:db8::1"), ports: [22], opaque: .always),
                    ]
                ),
            ])
        }
    }

    static var bindings: [SecretBinding] {
        get throws {
            let slots: [SecretSlot] = [
                .header("x-api-key"), .basic, .query("key"), .body, .sigV4(SigV4Scope(services: ["s3"], regions: [])),
            ]
            let host = try HostPattern("api.example.com")
            return slots.map {
                SecretBinding(
                    lease: "model", hosts: host, ports: [443], methods: ["POST"],
                    paths: ["/v1/*"].compactMap { RequestPathPattern($0) }, slot: $0, allowsClearText: true
                )
            }
        }
    }

    static func again(_ command: GateCommand) throws -> GateCommand {
        #expect(command.line.last == 10 && !command.line.dropLast().contains(10))
        return try GateCommand(line: Array(command.line.dropLast()))
    }

    @Test func `a configuration arrives as it was sent`() throws {
        let configuration = GateConfiguration(
            session: "s", policy: try Self.policy, bindings: try Self.bindings,
            budgets: BudgetPlan(
                session: Budget([.requests: 1, .cost: 1 << 60]),
                hosts: [HostBudget(host: try HostPattern("a.com"), budget: Budget([.bytesUp: 0]))]
            ),
            prices: PriceTable(["claude-*": ModelPrice(input: 1, output: 2, cacheRead: 3, cacheWrite: 4)]),
            trust: UpstreamTrust(
                authorities: ["/a.pem"],
                clientCertificates: [.init(host: try HostPattern("m.com"), certificate: "/c", key: "/k")]
            ),
            hosts: [try HostName("a.com"): ["10.0.0.1", "::1"].compactMap { IPAddress($0) }],
            limits: GateLimits(
                connections: 1, pending: 2, idleMilliseconds: 3, connectMilliseconds: 4, recordsPerSecond: 5, names: 6),
            tripwire: .end, remit: "{\"a\":\"ü\\n\"}", lifetime: 1_800, identity: GateIdentity(user: 7, group: 8)
        )
        guard case .configure(let other) = try Self.again(.configure(configuration)) else {
            Issue.record("another command")
            return
        }
        #expect(other == configuration)
    }

    @Test func `every other command arrives as it was sent`() throws {
        let listeners: [GateListener] = [
            .names, .nameConnections, .proxy, .redirected, .service, .port(443), .port(65_535),
        ]
        guard case .listeners(listeners) = try Self.again(.listeners(listeners)),
            case .fence(lease: "x") = try Self.again(.fence(lease: "x")),
            case .fence(lease: nil) = try Self.again(.fence(lease: nil)),
            case .narrow(try Self.policy) = try Self.again(.narrow(try Self.policy)),
            case .usage = try Self.again(.usage), case .stop = try Self.again(.stop)
        else {
            Issue.record("another command")
            return
        }
        #expect(GateCommand.listeners(listeners).descriptorCount == 7 && GateCommand.stop.descriptorCount == 0)
    }

    @Test func `a secret arrives whole, and is printed by nothing`() throws {
        let value = Array(0...255) as [UInt8]
        let grant = SecretGrant(
            lease: "model", bindings: try Self.bindings,
            parts: [
                SecretPart(placeholder: "sk-ant-x", value: Secret(value)),
                SecretPart(name: .sessionToken, placeholder: "y", value: Secret(Array("hunter2".utf8))),
            ]
        )
        let command = GateCommand.bind(grant)
        guard case .bind(let other) = try Self.again(command) else {
            Issue.record("another command")
            return
        }
        #expect(other.lease == "model" && other.bindings == grant.bindings)
        #expect(other[.value]?.value.withBytes { $0 } == value && other[.value]?.placeholder == "sk-ant-x")
        #expect(other[.sessionToken]?.value.withBytes { $0 } == Array("hunter2".utf8))
        for text in ["\(grant)", "\(command)", String(reflecting: grant), String(reflecting: command)] {
            #expect(!text.contains("hunter2") && !text.contains("68756e74657232"), "\(text)")
        }
        // A binding of another lease would swap this one's value for that one's placeholder.
        var foreign = grant
        foreign.bindings[0].lease = "other"
        #expect(throws: GateCodecError.value(path: "grant.bindings[0]")) { try Self.again(.bind(foreign)) }
    }

    @Test func `every event arrives as it was sent`() throws {
        let record = EgressRecord(
            .request, isAllowed: false, rule: "r", reason: "why", name: "a.com", address: "192.0.2.1", port: 443,
            via: "connect", method: "GET", path: "/x", status: 403, bytesUp: 1, bytesDown: 2, microseconds: 3,
            leases: ["model"], count: 4
        )
        let events: [GateEvent] = [
            .ready(authority: nil), .ready(authority: "pem"), .record(record),
            .record(EgressRecord(.name, isAllowed: true, rule: "r")),
            .tripwire(Tripwire(lease: "model", host: "a.com", port: 443, place: "body", request: "POST /x")),
            .budget(.cost, host: nil, threshold: .ninety), .budget(.requests, host: "a.com", threshold: .half),
            .exhausted(.bytesUp, host: "*.a.com"), .fenced(lease: nil, connections: 50),
            .usage(GateUsage(session: [.requests: 5], hosts: ["a.com": [.bytesUp: 1]], open: 2)), .failed("why"),
        ]
        for event in events { #expect(try GateEvent(line: Array(event.line.dropLast())) == event) }
    }

    @Test(arguments: [
        "", "{}", "[]", "null", "{\"command\":\"x\"}", "{\"command\":1}", "{\"command\":\"configure\"}",
        "{\"command\":\"listeners\",\"listeners\":[70000]}", "{\"command\":\"listeners\",\"listeners\":[\"x\"]}",
        "{\"command\":\"stop\"} x", "{\"command\":\"stop\",\"command\":\"usage\"}",
        "{\"command\":\"narrow\",\"policy\":{}}",
        "{\"command\":\"narrow\",\"policy\":[{\"name\":\"x\",\"open\":false,\"rules\":[{\"label\":\"x\",\"host\":\"a.com\","
            + "\"ports\":[],\"clearText\":false,\"opaque\":\"never\",\"sni\":\"required\",\"addresses\":[],\"denial\":false}]}]}",
        "{\"command\":\"narrow\",\"policy\":[{\"name\":\"x\",\"open\":false,\"rules\":[{\"label\":\"x\",\"host\":\"127.1\","
            + "\"ports\":[1],\"clearText\":false,\"opaque\":\"never\",\"sni\":\"required\",\"addresses\":[],\"denial\":false}]}]}",
    ])
    func `a line that is no command is refused whole`(line: String) {
        #expect(throws: GateCodecError.self) { try GateCommand(line: Array(line.utf8)) }
    }

    @Test func `what refuses a line repeats nothing of it`() throws {
        let line =
            #"{"command":"bind","grant":{"lease":"l","bindings":[],"parts":[{"name":"value","placeholder":"p","value":"hunter2"}]}}"#
        let error = #expect(throws: GateCodecError.self) { try GateCommand(line: Array(line.utf8)) }
        #expect(error?.description == "`grant.parts[0].value` is missing, or not what it must be")
    }
}
