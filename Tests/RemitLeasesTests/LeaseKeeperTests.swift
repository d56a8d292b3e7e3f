// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitKernel
import RemitLeases
import Testing

/// A provider in memory: what exists there is `live`, and how it answers can be changed.
private final class MemoryProvider: Provider {
    let instance: String
    let timeLimit: Duration = .seconds(1)
    var maximumTTL: Duration?
    var renewalReplacesContent = false
    var live: Set<String> = []
    var calls: [(operation: ProviderRequest.Operation, handle: String)] = []
    var answer: ((ProviderRequest) -> ProviderReply?)?
    /// Answers are given later.
    var delay: Duration?
    var atOnce = 0
    var mostAtOnce = 0
    private let loop: EventLoop

    init(_ instance: String, _ loop: EventLoop) {
        self.instance = instance
        self.loop = loop
    }

    func begin(_ request: ProviderRequest, completion: @escaping (ProviderReply) -> Void) {
        calls.append((request.operation, request.handle))
        guard let delay else { return completion(reply(request)) }
        atOnce += 1
        mostAtOnce = max(mostAtOnce, atOnce)
        loop.schedule(after: delay) { [self] in
            atOnce -= 1
            completion(reply(request))
        }
    }

    private func reply(_ request: ProviderRequest) -> ProviderReply {
        if let reply = answer?(request) { return reply }
        let expires = request.notAfter.flatMap(WallInstant.init(rfc3339:)) ?? .now
        switch request.operation {
        case .issue:
            live.insert(request.handle)
            return .issued(
                IssuedCredential(content: Secret(Array("secret of \(request.handle)".utf8)), expires: expires))
        case .renew: return .renewed(expires: expires, content: nil)
        case .revoke:
            live.remove(request.handle)
            return .acknowledged
        case .probe: return .probed(live.contains(request.handle) ? .present : .gone)
        case .list: return .listed(handles: live.sorted())
        }
    }
}

/// A keeper whose journal, deliveries and alarms can be looked at.
private final class KeptSession {
    let loop: EventLoop
    var records: [LeaseRecord] = []
    var delivered: [String: String] = [:]
    var alarms: [String] = []
    var journalError: (LeaseRecord) -> (any Error)? = { _ in nil }
    var deliveryError: (any Error)?
    private(set) var keeper: LeaseKeeper?

    init() throws { loop = try EventLoop() }

    func keeper(_ providers: [any Provider], epoch: Int = 1, policy: LeasePolicy = KeptSession.policy) -> LeaseKeeper {
        let context = LeaseKeeper.Context(
            session: "s1", task: "t1", owner: "alice", epoch: epoch, deadline: Stamp.now.advanced(by: .seconds(600))
        )
        let keeper = LeaseKeeper(
            context: context, providers: providers, loop: loop, policy: policy,
            hooks: LeaseKeeper.Hooks(
                journal: { [unowned self] record, _ in
                    if let error = journalError(record) { throw error }
                    records.append(record)
                },
                deliver: { [unowned self] name, content in
                    if let deliveryError { throw deliveryError }
                    delivered[name] = content.withBytes { String(decoding: $0, as: UTF8.self) }
                },
                withdraw: { [unowned self] in delivered[$0] = nil },
                alarm: { [unowned self] in alarms.append($0) }
            )
        )
        self.keeper = keeper
        return keeper
    }

    static var policy: LeasePolicy {
        var policy = LeasePolicy()
        policy.pace.quickBase = .milliseconds(20)
        return policy
    }

    /// Waits for the end of all leases, or of patience.
    func endAll(_ keeper: LeaseKeeper, patience: Duration = .seconds(5)) throws -> [Lease] {
        var ended: [Lease]?
        keeper.endAll(reason: "completed", patience: patience) { ended = $0 }
        try loop.run { ended != nil }
        return ended ?? []
    }

    @discardableResult
    func request(_ keeper: LeaseKeeper, _ wish: LeaseKeeper.Wish) throws -> Result<Lease, LeaseFailure>? {
        var result: Result<Lease, LeaseFailure>?
        keeper.request(wish) { result = $0 }
        try loop.run { result != nil }
        return result
    }
}

private struct NoSpace: Error, CustomStringConvertible { let description = "no space left on device" }

@Suite struct LeaseKeeperTests {
    @Test func `a lease is delivered, ended and verified`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("orders", session.loop)
        let keeper = session.keeper([provider])
        let lease = try session.request(keeper, .init(name: "db", provider: "orders"))
        #expect(try lease?.get().state == .active)
        #expect(session.delivered["db"]?.hasPrefix("secret of remit_") == true)
        #expect(provider.live.count == 1)
        let ended = try session.endAll(keeper)
        #expect(ended.map(\.state) == [.revoked])
        #expect(provider.live.isEmpty && session.delivered.isEmpty)
        #expect(provider.calls.map(\.operation) == [.issue, .revoke, .probe])
        #expect(LeaseLedger.fold(session.records) == ended)
    }

    @Test func `the supervisor renews in time`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("orders", session.loop)
        let keeper = session.keeper([provider])
        try session.request(keeper, .init(name: "db", provider: "orders", ttl: .milliseconds(1200)))
        let end = BootInstant.now.advanced(by: .seconds(2))
        session.loop.schedule(at: end) {}
        try session.loop.run { BootInstant.now >= end }
        #expect(keeper.leases[0].state == .active)
        #expect((2...4).contains(keeper.leases[0].renewals))
        _ = try session.endAll(keeper)
    }

    @Test func `a journal that is full stops minting and does not stop revoking`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("orders", session.loop)
        let keeper = session.keeper([provider])
        try session.request(keeper, .init(name: "first", provider: "orders"))
        session.journalError = { _ in NoSpace() }
        guard case .failure? = try session.request(keeper, .init(name: "second", provider: "orders")) else {
            Issue.record("minted without a record")
            return
        }
        #expect(provider.calls.count(where: { $0.operation == .issue }) == 1)
        #expect(try session.endAll(keeper).map(\.state) == [.revoked, .void])
        #expect(provider.live.isEmpty)
        #expect(session.alarms.contains { $0.contains("no space left on device") })
    }

    @Test func `what cannot be delivered is revoked`() throws {
        let session = try KeptSession()
        session.deliveryError = NoSpace()
        let provider = MemoryProvider("orders", session.loop)
        let keeper = session.keeper([provider])
        try session.request(keeper, .init(name: "db", provider: "orders"))
        #expect(try session.endAll(keeper).map(\.state) == [.revoked])
        #expect(provider.live.isEmpty)
    }

    @Test func `children are revoked before their parents`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("orders", session.loop)
        provider.delay = .milliseconds(30)
        let keeper = session.keeper([provider])
        let parent = try session.request(keeper, .init(name: "parent", provider: "orders"))?.get()
        try session.request(keeper, .init(name: "child", provider: "orders", parent: parent?.identifier))
        let ended = try session.endAll(keeper)
        #expect(ended.map(\.state) == [.revoked, .revoked])
        let revocations = provider.calls.filter { $0.operation == .revoke }.map(\.handle)
        #expect(revocations == [ended[1].handle, ended[0].handle])
    }

    @Test func `one dead provider does not delay another, and its lease stays open in the ledger`() throws {
        let session = try KeptSession()
        let (dead, alive) = (MemoryProvider("dead", session.loop), MemoryProvider("alive", session.loop))
        let keeper = session.keeper([dead, alive])
        try session.request(keeper, .init(name: "a", provider: "dead"))
        try session.request(keeper, .init(name: "b", provider: "alive"))
        dead.answer = { _ in .failed(LeaseFailure(.transient, "refused", isDefinite: false)) }
        let began = ContinuousClock.now
        let ended = try session.endAll(keeper, patience: .milliseconds(500))
        #expect(ended.map(\.state) == [.revoking, .revoked])
        #expect(began.duration(to: .now) < .seconds(2))
        let count = session.records.count
        let later = BootInstant.now.advanced(by: .milliseconds(300))
        session.loop.schedule(at: later) {}
        try session.loop.run { BootInstant.now >= later }
        #expect(session.records.count == count, "nothing is written after the end")
        #expect(LeaseLedger(session.records).open.map(\.name) == ["a"])
    }

    @Test func `whoever takes over ends what a dead provider left, with a newer epoch`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("orders", session.loop)
        let keeper = session.keeper([provider])
        try session.request(keeper, .init(name: "a", provider: "orders"))
        let crashed = LeaseLedger(session.records)
        let reaper = session.keeper([provider], epoch: 2)
        var ended: [Lease]?
        reaper.adopt(crashed, epoch: 2) { ended = $0 }
        try session.loop.run { ended != nil }
        #expect(ended?.map(\.state) == [.revoked])
        #expect(provider.live.isEmpty)
        let whole = LeaseLedger(session.records)
        #expect(whole.epoch == 2 && whole.open.isEmpty && whole.refused.isEmpty)
        keeper.suspend(reason: "stale")
        #expect(LeaseLedger(session.records).refused.count == 1, "the old supervisor is fenced")
    }

    @Test func `nothing to end ends at once`() throws {
        let session = try KeptSession()
        #expect(try session.endAll(session.keeper([])).isEmpty)
    }

    @Test func `a lease whose provider is no longer configured becomes a dead letter`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("orders", session.loop)
        try session.request(session.keeper([provider]), .init(name: "a", provider: "orders"))
        let reaper = session.keeper([], epoch: 2)
        var ended: [Lease]?
        reaper.adopt(LeaseLedger(session.records), epoch: 2) { ended = $0 }
        try session.loop.run { ended != nil }
        #expect(ended?.map(\.state) == [.deadLetter])
        #expect(session.alarms.last?.contains("is not configured") == true)
    }

    @Test func `no more calls run at a time than the limit`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("orders", session.loop)
        provider.delay = .milliseconds(10)
        let keeper = session.keeper([provider])
        keeper.callLimit = 3
        var answered = 0
        for number in 0..<12 { keeper.request(.init(name: "n\(number)", provider: "orders")) { _ in answered += 1 } }
        try session.loop.run { answered == 12 }
        #expect(provider.mostAtOnce == 3)
        #expect(try session.endAll(keeper).allSatisfy { $0.state == .revoked })
    }

    @Test func `a storm of requests is minted no faster than the bucket fills`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("orders", session.loop)
        let keeper = session.keeper([provider])
        keeper.mintBurst = 2
        keeper.mintInterval = .milliseconds(100)
        var answered = 0
        let began = ContinuousClock.now
        for number in 0..<6 { keeper.request(.init(name: "n\(number)", provider: "orders")) { _ in answered += 1 } }
        #expect(answered == 2)
        try session.loop.run { answered == 6 }
        #expect(began.duration(to: .now) >= .milliseconds(380))
        _ = try session.endAll(keeper)
    }

    @Test func `a resting provider refuses to mint at once and still gets its revocations`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("orders", session.loop)
        let keeper = session.keeper([provider])
        try session.request(keeper, .init(name: "held", provider: "orders"))
        provider.answer = { request in
            request.operation == .issue ? .failed(LeaseFailure(.transient, "refused", isDefinite: false)) : nil
        }
        for number in 0..<3 { try session.request(keeper, .init(name: "n\(number)", provider: "orders")) }
        provider.answer = { _ in .timedOut }
        for number in 3..<9 { try session.request(keeper, .init(name: "n\(number)", provider: "orders")) }
        #expect(keeper.leases.contains { $0.lastMessage == "provider `orders` rests after repeated failures" })
        provider.answer = nil
        let ended = try session.endAll(keeper)
        #expect(ended[0].state == .revoked)
        #expect(ended.allSatisfy { $0.state.isTerminal })
        #expect(provider.live.isEmpty)
    }

    @Test func `what is in an environment is issued for as long as it may be and not replaced`() throws {
        let session = try KeptSession()
        let provider = MemoryProvider("session-token", session.loop)
        provider.renewalReplacesContent = true
        provider.maximumTTL = .seconds(300)
        let keeper = session.keeper([provider])
        let lease = try session.request(keeper, .init(name: "t", provider: "session-token", isAgentHeld: true))?.get()
        #expect(lease?.ttl == .seconds(300))
        let end = BootInstant.now.advanced(by: .milliseconds(50))
        session.loop.schedule(at: end) {}
        try session.loop.run { BootInstant.now >= end }
        #expect(provider.calls.count == 1)
        _ = try session.endAll(keeper)
    }
}

/// Among the provider's own tests, because those stop the server and count its roles.
extension PostgresProviderTests {
    @Test func `a lease on a real server is issued, used, and verified gone`() throws {
        let session = try KeptSession()
        let provider = CommandProvider(
            instance: "orders", arguments: [PostgresProvider.program ?? ""], environment: [:],
            settings: self.provider.settings, loop: session.loop
        )
        let keeper = session.keeper([provider])
        let scope: [String: ProviderValue] = ["tables": .string("public.orders"), "privileges": .string("SELECT")]
        let lease = try session.request(keeper, .init(name: "db", provider: "orders", scope: scope))?.get()
        let uri = try #require(session.delivered["db"])
        #expect(try server.psql(uri, "SELECT total FROM orders").output == "42\n")
        #expect(lease?.facts?.contains("SELECT on public.orders") == true)
        let password = try #require(uri.split(separator: ":").last?.split(separator: "@").first.map(String.init))
        let ended = try session.endAll(keeper)
        #expect(ended.map(\.state) == [.revoked])
        #expect(try self.provider.finding(ended[0].handle) == "gone")
        #expect(!session.records.map(\.fields).description.contains(password))
    }

    @Test func `a lease of a lost supervisor on a real server is gone within five seconds`() throws {
        let session = try KeptSession()
        let provider = CommandProvider(
            instance: "orders", arguments: [PostgresProvider.program ?? ""], environment: [:],
            settings: self.provider.settings, loop: session.loop
        )
        let scope: [String: ProviderValue] = ["tables": .string("public.orders"), "privileges": .string("SELECT")]
        try session.request(session.keeper([provider]), .init(name: "db", provider: "orders", scope: scope))
        let open = try OpenSession(try #require(session.delivered["db"]))
        #expect(open.ask("SELECT 1;") == "1")
        var ended: [Lease]?
        let began = ContinuousClock.now
        session.keeper([provider], epoch: 2).adopt(LeaseLedger(session.records), epoch: 2) { ended = $0 }
        try session.loop.run { ended != nil }
        #expect(ended?.map(\.state) == [.revoked])
        #expect(began.duration(to: .now) < .seconds(5))
        #expect(open.ask("SELECT 1;") == nil)
        _ = open.close()
    }
}
