// SPDX-License-Identifier: Apache-2.0

import RemitGate
import RemitNetwork
import Testing

@testable import RemitEgress

@Suite struct NameResponderTests {
    private func responder(limit: Int = 100) throws -> NameResponder {
        let rules = [
            EgressRule(label: "one", host: .exact(try HostName("api.example.com"))),
            EgressRule(label: "below", host: .subdomains(try HostName("example.org"))),
        ]
        return NameResponder(policy: EgressPolicy(layers: [EgressLayer(name: "the task", rules: rules)]), limit: limit)
    }

    private func query(_ name: String, _ type: RecordType = .address) throws -> NameQuery {
        try NameQuery(QueryBuilder(name, type).bytes)
    }

    @Test func `a name that is allowed gets an address of its own, and keeps it`() throws {
        var responder = try responder()
        let first = responder.answer(try query("api.example.com"))
        #expect(first.reply == .addresses([[198, 18, 1, 0]]))
        #expect(first.record?.isAllowed == true)
        #expect(first.record?.rule == "one")
        #expect(responder.answer(try query("a.example.org")).reply == .addresses([[198, 18, 1, 1]]))
        #expect(responder.answer(try query("API.example.COM")).reply == first.reply)
        let name = try HostName("api.example.com")
        #expect(responder.table.meaning(of: .v4(0xC612_0100)) == .name(name))
        #expect(responder.table.meaning(of: .v6(high: 0xFD00_7265_6D69_0000, low: 0x100)) == .name(name))
    }

    @Test func `a name that no rule names does not exist, whatever is asked of it`() throws {
        var responder = try responder()
        for type in [1, 28, 65, 16, 255].map(RecordType.init(rawValue:)) {
            let answer = responder.answer(try query("secret-data.evil.example", type))
            #expect(answer.reply == .noSuchName(.prohibited))
            #expect(answer.record?.isAllowed == false)
            #expect(answer.record?.name == "secret-data.evil.example")
        }
        #expect(responder.table.count == 0)
    }

    @Test func `service bindings are none, and other types are refused`() throws {
        var responder = try responder()
        for type in [RecordType.https, .service] {
            #expect(responder.answer(try query("api.example.com", type)).reply == .addresses([]))
        }
        for type in [2, 15, 16, 33, 255].map(RecordType.init(rawValue:)) {
            #expect(responder.answer(try query("api.example.com", type)).reply == .refused(.notSupported))
        }
    }

    @Test func `addresses of version 6 are given where somebody would hear who connects to them`() throws {
        var responder = try responder()
        #expect(responder.answer(try query("api.example.com", .addressV6)).reply == .addresses([]))
        responder.hasVersion6 = true
        #expect(
            responder.answer(try query("api.example.com", .addressV6)).reply
                == .addresses([[0xFD, 0, 0x72, 0x65, 0x6D, 0x69, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]]))
    }

    @Test func `the loopback and the gate have their own addresses`() throws {
        var responder = try responder()
        #expect(responder.answer(try query("localhost")).reply == .addresses([[127, 0, 0, 1]]))
        #expect(
            responder.answer(try query("x.localhost", .addressV6)).reply
                == .addresses([[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]))
        #expect(responder.answer(try query("remit.internal")).reply == .addresses([[198, 18, 0, 1]]))
        #expect(responder.answer(try query("remit.internal", .addressV6)).reply == .addresses([]))
        #expect(responder.answer(try query("x.remit.internal")).reply == .noSuchName(.prohibited))
    }

    @Test(arguments: ["api.example.com%00.evil", "a b.example.org", "0x7f.0.0.1", "2130706433", "", "-a.example.org"])
    func `what is not the name of a host does not exist`(text: String) throws {
        var responder = try responder()
        let answer = responder.answer(try query(text))
        #expect(answer.reply == .noSuchName(.prohibited))
        #expect(answer.record?.isAllowed == false)
    }

    @Test func `a label that hides a NUL or a dot is not shortened to a name that is allowed`() throws {
        var responder = try responder()
        var hidden = QueryBuilder("")
        hidden.name = [15] + Array("api.example.com".utf8) + [0]
        #expect(responder.answer(try NameQuery(hidden.bytes)).reply == .noSuchName(.prohibited))
        var cut = QueryBuilder("")
        cut.name = [3] + Array("api".utf8) + [7] + Array("example".utf8) + [4] + Array("com\0".utf8) + [0]
        #expect(responder.answer(try NameQuery(cut.bytes)).reply == .noSuchName(.prohibited))
    }

    @Test func `a full table fails, and says so, and forgets nobody`() throws {
        var responder = try responder(limit: 2)
        for name in ["a.example.org", "b.example.org"] { _ = responder.answer(try query(name)) }
        let answer = responder.answer(try query("c.example.org"))
        #expect(answer.reply == .failed(.other))
        #expect(answer.record?.reason == "too many names")
        #expect(responder.answer(try query("b.example.org")).reply == .addresses([[198, 18, 1, 1]]))
    }

    @Test func `addresses that stand for nothing mean nothing`() throws {
        let table = NameTable(limit: 10)
        #expect(table.meaning(of: .v4(0xC612_0001)) == .gate)
        #expect(table.meaning(of: .v4(0xC612_0002)) == .nothing)
        #expect(table.meaning(of: .v4(0xC612_0100)) == .nothing)
        #expect(table.meaning(of: .v4(0xC613_FFFF)) == .nothing)
        #expect(table.meaning(of: .v4(0xC614_0000)) == .literal)
        #expect(table.meaning(of: .v6(high: 0xFD00_7265_6D69_0001, low: 0x100)) == .nothing)
        #expect(table.meaning(of: .v6(high: 0xFD00_7265_6D6A_0000, low: 0x100)) == .literal)
    }

    @Test func `there are as many addresses as the network has, and no more`() {
        #expect(SyntheticNetwork.addresses(of: SyntheticNetwork.capacity - 1)?.v4 == .v4(0xC613_FFFF))
        #expect(SyntheticNetwork.addresses(of: SyntheticNetwork.capacity) == nil)
    }
}
