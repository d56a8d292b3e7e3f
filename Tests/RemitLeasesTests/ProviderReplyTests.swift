// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import Testing

@testable import RemitLeases

@Suite struct ProviderReplyTests {
    static func request(_ operation: ProviderRequest.Operation) -> ProviderRequest {
        ProviderRequest(
            operation: operation, instance: "orders", handle: "remit_0123456789abcdefghjk", session: "s1", task: "t1",
            owner: "alice@example.com", notAfter: "2026-11-23T20:31:52Z", epoch: 1
        )
    }

    static func decode(_ text: String, _ operation: ProviderRequest.Operation) -> ProviderReply {
        ProviderReplyDecoder.decode(Array(text.utf8), for: request(operation))
    }

    static func failure(_ reply: ProviderReply) -> LeaseFailure? {
        if case .failed(let failure) = reply { failure } else { nil }
    }

    @Test(arguments: [
        (ProviderRequest.Operation.issue, ""), (.issue, "null"), (.issue, "[]"), (.issue, "{"), (.issue, "{}"),
        (.issue, #"{"ok":1}"#), (.issue, #"{"ok":"true"}"#), (.issue, #"{"ok":true}"#),
        (.issue, #"{"ok":true,"content":""}"#),
        (.issue, #"{"ok":true,"content":7,"expiresAt":"2026-11-23T20:31:52Z"}"#),
        (.issue, #"{"ok":true,"content":"x","expiresAt":"tomorrow"}"#),
        (.issue, #"{"ok":true,"content":"x","expiresAt":"2026-11-23T20:31:52+01:00"}"#),
        (.issue, #"{"ok":true,"content":"x","expiresAt":1795465912}"#),
        (.issue, #"{"ok":true,"content":"x","expiresAt":"2026-11-23T20:31:52Z","describe":[]}"#),
        (.issue, #"{"ok":true,"content":"x","expiresAt":"2026-11-23T20:31:52Z","describe":{"a":1}}"#),
        (.issue, #"{"ok":true,"content":"x","expiresAt":"2026-11-23T20:31:52Z","more":1}"#),
        (.renew, #"{"ok":true}"#), (.renew, #"{"ok":true,"expiresAt":"2026-11-23T20:31:52Z","content":""}"#),
        (.revoke, #"{"ok":true,"revoked":true}"#), (.probe, #"{"ok":true}"#), (.probe, #"{"ok":true,"finding":"no"}"#),
        (.probe, #"{"ok":true,"finding":true}"#), (.list, #"{"ok":true}"#), (.list, #"{"ok":true,"handles":[1]}"#),
        (.revoke, #"{"ok":false}"#), (.revoke, #"{"ok":false,"class":"fatal","message":"x"}"#),
        (.revoke, #"{"ok":false,"class":"gone"}"#), (.revoke, #"{"ok":false,"class":"gone","message":"x","x":1}"#),
        (.revoke, #"{"ok":true} {"ok":true}"#),
    ])
    func `what is not exactly the protocol is a failure that proves nothing`(
        operation: ProviderRequest.Operation, text: String
    ) {
        let failure = Self.failure(Self.decode(text, operation))
        #expect(failure?.kind == .permanent)
        #expect(failure?.isDefinite == false)
    }

    @Test func `a reply that is too long is not looked at`() {
        let long = #"{"ok":true,"x":""# + String(repeating: "x", count: ProviderReplyDecoder.sizeLimit) + #""}"#
        #expect(Self.failure(Self.decode(long, .revoke))?.message.contains("longer than") == true)
    }

    @Test func `an issue is content, expiry and facts`() throws {
        let text = #"{"ok":true,"content":"c","expiresAt":"2026-11-23T20:31:52.5Z","describe":{"role":"r"}}"#
        guard case .issued(let credential) = Self.decode(text, .issue) else {
            Issue.record("not issued")
            return
        }
        #expect(credential.content.withBytes { $0 } == [UInt8(ascii: "c")])
        #expect(credential.expires == WallInstant(rfc3339: "2026-11-23T20:31:52.5Z"))
        #expect(credential.facts == ["role": "r"])
    }

    @Test func `a secret repeated in the facts is redacted and a known name is not`() {
        let uri = "postgresql://remit_0123456789abcdefghjk:RT57ZOpnnnZ8QF5-5zHs6p2gF1RuOR@/db"
        let text = """
            {"ok":true,"content":"\(uri)","expiresAt":"2026-11-23T20:31:52Z","describe":{
            "role":"remit_0123456789abcdefghjk","oops":"it is RT57ZOpnnnZ8QF5-5zHs6p2gF1RuOR","all":"\(uri)"}}
            """
        guard case .issued(let credential) = Self.decode(text, .issue) else {
            Issue.record("not issued")
            return
        }
        #expect(credential.facts["role"] == "remit_0123456789abcdefghjk")
        #expect(credential.facts["oops"] == "it is [redacted]")
        #expect(!credential.facts.description.contains("RT57"))
    }

    @Test(arguments: [
        ("cannot reach postgresql://bob:hunter2@db/x", "cannot reach postgresql://bob:[redacted]@db/x"),
        ("host=x password=hunter2 user=y", "host=x password=[redacted] user=y"),
        ("Password: 'hunter2'", "Password: '[redacted]'"),
        ("line\u{1B}[31m\nbreak\u{202E}x", "line [31m break x"),
        ("plain", "plain"),
    ])
    func `messages lose passwords and control characters`(said: String, shown: String) {
        #expect(Redaction().clean(said) == shown)
    }

    @Test func `messages are cut`() {
        #expect(Redaction().clean(String(repeating: "ab ", count: 500)).count == 300)
    }

    @Test(arguments: [
        (LeaseFailure.Class.permanent, true), (.auth, true), (.transient, false), (.gone, false),
    ])
    func `only a clear refusal proves that nothing was issued`(kind: LeaseFailure.Class, isDefinite: Bool) {
        let reply = Self.decode(#"{"ok":false,"class":"\#(kind.rawValue)","message":"no"}"#, .issue)
        #expect(Self.failure(reply) == LeaseFailure(kind, "no", isDefinite: isDefinite))
    }

    @Test func `a program that failed is transient and what it complained of is kept in one line`() {
        let outcome = HelperOutcome.exited(
            status: 3, output: Array(#"{"ok":true}"#.utf8), diagnostics: Array("trace\npassword=hunter2\n".utf8)
        )
        let failure = Self.failure(CommandProvider.reply(outcome, to: Self.request(.revoke)))
        #expect(failure?.message == "the provider's program ended with status 3: trace password=[redacted]")
        #expect(failure?.kind == .transient && failure?.isDefinite == false)
    }

    @Test func `a request has the fields of the protocol`() throws {
        var request = Self.request(.issue)
        request.settings = .map(["a": .integer(1)])
        request.scope = ["tables": .list([.string("orders")])]
        request.ttlSeconds = 120
        let text = String(decoding: try request.json(), as: UTF8.self)
        #expect(
            text == """
                {"epoch":1,"handle":"remit_0123456789abcdefghjk","instance":"orders","notAfter":"2026-11-23T20:31:52Z",\
                "operation":"issue","owner":"alice@example.com","protocol":"remit-provider/v1",\
                "scope":{"tables":["orders"]},"session":"s1","settings":{"a":1},"task":"t1","ttlSeconds":120}
                """)
    }

    @Test func `a program's reply arrives through the event loop`() throws {
        let loop = try EventLoop()
        func reply(_ script: String, limit: Duration = .seconds(5)) throws -> ProviderReply? {
            let provider = CommandProvider(
                instance: "x", arguments: ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"],
                settings: .map([:]), timeLimit: limit, loop: loop
            )
            var reply: ProviderReply?
            provider.begin(Self.request(.probe)) { reply = $0 }
            try loop.run { reply != nil }
            return reply
        }
        guard case .probed(.gone)? = try reply(#"cat > /dev/null; echo '{"ok":true,"finding":"gone"}'"#) else {
            Issue.record("not gone")
            return
        }
        guard case .timedOut? = try reply("sleep 30", limit: .milliseconds(100)) else {
            Issue.record("not timed out")
            return
        }
        #expect(Self.failure(try #require(try reply("exit 1")))?.kind == .transient)
        #expect(Self.failure(try #require(try reply("head -c 400000 /dev/zero")))?.kind == .permanent)
    }
}

@Suite struct LeaseLedgerTests {
    @Test func `records of an older epoch are refused after a newer one`() {
        let old = LeaseHarness.active()
        var reaper = LeaseHarness(recovering: old.machine.lease, at: old.now)
        reaper.send(.recovered(epoch: 2))
        var stale = old
        stale.send(.suspend(reason: "late"))
        let ledger = LeaseLedger(old.records + reaper.records + stale.records.suffix(1))
        #expect(ledger.leases.map(\.state) == [.revoking])
        #expect(ledger.epoch == 2)
        #expect(ledger.refused.map(\.error) == [.stale("0123456789abcdefghjk", 1, newest: 2)])
    }

    @Test func `a stale supervisor cannot begin another lease`() {
        var other = LeaseHarness(LeaseHarness.request(lease: "zzzzzzzzzzzzzzzzzzzz"))
        other.send(.start)
        let old = LeaseHarness.active()
        var reaper = LeaseHarness(recovering: old.machine.lease, at: old.now)
        reaper.send(.recovered(epoch: 2))
        let ledger = LeaseLedger(old.records + reaper.records + other.records)
        #expect(ledger.leases.count == 1)
        #expect(ledger.refused.count == 2)
    }

    @Test func `a record that cannot follow is refused and changes nothing`() {
        let lease = LeaseHarness.active()
        var record = LeaseRecord(event: .revoked, lease: lease.machine.lease.identifier, epoch: 1, time: lease.now)
        record.verifiedBy = "probe"
        let ledger = LeaseLedger(lease.records + [record])
        #expect(ledger.leases == [lease.machine.lease])
        #expect(ledger.refused.count == 1)
    }

    @Test(arguments: [
        ("lease.exploded", ["lease": LeaseRecord.Field.string("x")]),
        ("lease.void", [:]),
        ("lease.void", ["lease": .integer(1)]),
    ])
    func `an unreadable record is an error`(type: String, fields: [String: LeaseRecord.Field]) {
        #expect(throws: LedgerError.self) { try LeaseRecord(type: type, fields: fields) }
    }

    @Test func `an unknown field is an error`() {
        var fields = LeaseHarness.active().records[0].fields
        fields["password"] = .string("x")
        #expect(throws: LedgerError.unreadable("`lease.requested` has an unknown field `password`")) {
            try LeaseRecord(type: "lease.requested", fields: fields)
        }
    }

    @Test func `children come before their parents, and a cycle ends`() {
        func lease(_ name: String, _ parent: String?) -> Lease {
            Lease(LeaseHarness.request(lease: name, parent: parent))
        }
        let leases = [lease("a", nil), lease("b", "a"), lease("c", "b"), lease("d", nil), lease("e", "a")]
        #expect(RevocationOrder.sorted(leases).map(\.identifier) == ["c", "b", "e", "a", "d"])
        #expect(RevocationOrder.sorted([lease("a", "b"), lease("b", "a")]).count == 2)
    }
}
