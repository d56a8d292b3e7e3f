// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitLeases

/// A machine, a clock, and everything the machine asked for.
struct LeaseHarness {
    var machine: LeaseMachine
    var now: Stamp
    var records: [LeaseRecord] = []
    var calls: [ProviderRequest] = []
    var delivered: [Secret] = []
    var withdrawals = 0
    var alarms: [String] = []
    var wake: BootInstant?

    static let start = Stamp(
        wall: WallInstant(nanoseconds: 1_800_000_000_000_000_000),
        boot: BootInstant(nanoseconds: 1_000_000_000_000),
        bootIdentifier: "boot-1"
    )

    static func policy(jitter: @escaping @Sendable (Int) -> Int = { $0 }) -> LeasePolicy {
        var policy = LeasePolicy()
        policy.jitter = jitter
        return policy
    }

    static func request(
        lease: String = "0123456789abcdefghjk",
        ttl: Duration = .seconds(120),
        deadline: Duration = .seconds(1800),
        parent: String? = nil,
        epoch: Int = 1
    ) -> LeaseRequest {
        LeaseRequest(
            lease: lease, name: "orders-db", provider: "orders", session: "s1", task: "fix-orders", owner: "alice",
            scope: ["tables": .list([.string("orders")])], ttl: ttl, deadline: start.advanced(by: deadline),
            parent: parent, epoch: epoch
        )
    }

    init(_ request: LeaseRequest = request(), policy: LeasePolicy = policy()) {
        machine = LeaseMachine(request, policy: policy)
        now = Self.start
    }

    init(recovering lease: Lease, at now: Stamp, policy: LeasePolicy = policy()) {
        machine = LeaseMachine(recovering: lease, policy: policy)
        self.now = now
    }

    var deliveredText: [String] { delivered.map { $0.withBytes { String(decoding: $0, as: UTF8.self) } } }
    var state: LeaseState { machine.lease.state }
    var lastCall: ProviderRequest.Operation? { calls.last?.operation }
    var events: [LeaseRecord.Event] { records.map(\.event) }

    /// Gives the machine an input, and says `.journaled` after durable records unless told not to.
    mutating func send(_ input: LeaseInput, journal: Bool = true) {
        wake = nil
        var isDurable = false
        for action in machine.handle(input, at: now) {
            switch action {
            case .record(let record, let durable):
                records.append(record)
                isDurable = isDurable || durable
            case .call(let request): calls.append(request)
            case .deliver(let content): delivered.append(content)
            case .withdraw: withdrawals += 1
            case .wake(let moment): wake = moment
            case .alarm(let reason): alarms.append(reason)
            }
        }
        if isDurable && journal { send(.journaled) }
    }

    mutating func pass(_ duration: Duration) { now = now.advanced(by: duration) }

    mutating func passAndTick(_ duration: Duration) {
        pass(duration)
        send(.tick)
    }

    mutating func issue(for duration: Duration = .seconds(120), content: String = "secret-content") {
        let expires = now.wall.advanced(by: duration)
        send(.issued(IssuedCredential(content: Secret(Array(content.utf8)), expires: expires, facts: ["role": "r"])))
    }

    /// A machine that has delivered its credential.
    static func active(
        _ request: LeaseRequest = request(),
        policy: LeasePolicy = policy()
    ) -> LeaseHarness {
        var harness = LeaseHarness(request, policy: policy)
        harness.send(.start)
        harness.issue()
        return harness
    }

    static func revoking(policy: LeasePolicy = policy()) -> LeaseHarness {
        var harness = active(policy: policy)
        harness.send(.end(reason: "completed"))
        return harness
    }

    /// A reboot: another boot, whose boottime begins anew.
    mutating func reboot(after duration: Duration) {
        now = Stamp(
            wall: now.wall.advanced(by: duration), boot: BootInstant(nanoseconds: 5_000_000_000),
            bootIdentifier: "boot-2"
        )
    }
}

extension LeaseFailure {
    static func transient(_ message: String = "refused") -> LeaseFailure {
        LeaseFailure(.transient, message, isDefinite: false)
    }
}
