// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitJournal

@Suite struct ReceiptEgressTests {
    private func record(_ host: String?, _ verdict: String, count: Int = 1) -> JSONValue {
        [
            "name": .optional(host), "verdict": .string(verdict), "rule": "r", "up": 3, "down": 5,
            "count": .integer(count),
        ]
    }

    @Test func `what was done and what was denied are counted by host`() {
        var egress = ReceiptEgress()
        #expect(egress.isEmpty)
        egress.apply("egress.name", record("a.example", "allow"))
        egress.apply("egress.connection", record("a.example", "allow", count: 2))
        egress.apply("egress.request", record("a.example", "allow", count: 7))
        egress.apply("egress.request", record("a.example", "deny", count: 4))
        egress.apply("egress.name", record(nil, "deny"))
        egress.apply("egress.tripwire", ["lease": "api"])
        egress.apply("egress.usage", ["session": ["requests": 9, "cost": -1]])
        egress.apply("egress.fenced", ["connections": 50])
        let host = egress.hosts["a.example"]
        #expect(host?.names == 1 && host?.connections == 2 && host?.requests == 7 && host?.denied == 4)
        // What was denied has no bytes that count.
        #expect(host?.bytesUp == 9 && host?.bytesDown == 15)
        #expect(egress.hosts["(no name)"]?.denied == 1)
        #expect(egress.tripwires == ["api": 1] && egress.usage == ["requests": 9] && egress.cut == 50)
    }

    @Test func `more hosts than a receipt names are counted together, and none is lost`() {
        var egress = ReceiptEgress()
        for index in 0..<1000 { egress.apply("egress.name", record("h\(index).example", "deny")) }
        #expect(egress.hosts.count == ReceiptEgress.hostLimit + 1)
        #expect(egress.hosts.values.reduce(0) { $0 + $1.denied } == 1000)
        #expect(egress.hosts[ReceiptEgress.others]?.denied == 1000 - ReceiptEgress.hostLimit)
    }

    @Test func `it survives its JSON, and what is not it is refused`() throws {
        var egress = ReceiptEgress()
        egress.apply("egress.connection", record("a.example", "allow"))
        egress.apply("egress.fenced", ["connections": 1])
        #expect(try ReceiptEgress(MemberReader(egress.json, "egress")) == egress)
        for (member, value) in [("hosts", 1 as JSONValue), ("usage", ["x": -1]), ("tripwires", nil), ("more", 1)] {
            var members = try #require(egress.json.members)
            members[member] = value
            #expect(throws: ReceiptProblem.self) { try ReceiptEgress(MemberReader(.object(members), "egress")) }
        }
    }
}
