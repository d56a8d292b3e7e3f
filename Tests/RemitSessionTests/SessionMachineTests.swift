// SPDX-License-Identifier: Apache-2.0

import RemitJournal
import RemitSession
import Testing

@Suite struct SessionMachineTests {
    private typealias Input = SessionMachine.Input
    private typealias Action = SessionMachine.Action

    private func machine(after inputs: [SessionMachine.Input]) -> SessionMachine {
        var machine = SessionMachine()
        for input in inputs { _ = machine.handle(input) }
        return machine
    }

    private static let running: [SessionMachine.Input] = [.ready, .leased, .started]

    // MARK: the way of an ordinary session

    @Test func `an agent that completes passes through every step once`() {
        var machine = SessionMachine()
        #expect(machine.handle(.ready) == [])
        #expect(machine.handle(.leased) == [.release])
        #expect(machine.handle(.started) == [])
        #expect(machine.phase == .running && machine.reason == nil)
        #expect(machine.handle(.agentEnded(.code(0))) == [.fence, .kill])
        #expect(machine.reason == .completed)
        #expect(machine.handle(.dead) == [.revoke])
        #expect(machine.handle(.leasesEnded) == [.judge])
        #expect(machine.handle(.judged(met: true)) == [.seal])
        #expect(machine.phase == .sealed && machine.exitCode == 0)
    }

    @Test func `the agent is let go only when sandbox and credentials are there, in either order`() {
        for order in [[Input.ready, .leased], [.leased, .ready]] {
            var machine = SessionMachine()
            #expect(machine.handle(order[0]) == [])
            #expect(machine.handle(order[0]) == [])
            #expect(machine.handle(order[1]) == [.release])
            #expect(machine.handle(order[0]) == [])
        }
    }

    // MARK: every phase and every input

    private static let inputs: [SessionMachine.Input] = [
        .ready, .leased, .started, .cannotStart("no", code: 127), .agentEnded(.code(3)), .dead, .end(.deadline, "2s"),
        .leasesEnded,
        .judged(met: false), .hurry,
    ]

    private static let ways: [(SessionMachine.Phase, [SessionMachine.Input])] = [
        (.building, []), (.running, running), (.dying, running + [.end(.killed, "")]),
        (.revoking, running + [.end(.killed, ""), .dead]),
        (.judging, running + [.end(.killed, ""), .dead, .leasesEnded]),
        (.sealed, running + [.end(.killed, ""), .dead, .leasesEnded, .judged(met: true)]),
    ]

    /// What each input does in each phase: the actions, and the phase afterwards.
    private static let table: [SessionMachine.Phase: [([SessionMachine.Action], SessionMachine.Phase)]] = [
        .building: [
            ([], .building), ([], .building), ([], .building), ([.fence, .kill], .dying), ([], .building),
            ([.fence, .kill, .revoke], .revoking), ([.fence, .kill], .dying), ([], .building), ([], .building),
            ([], .building),
        ],
        .running: [
            ([], .running), ([], .running), ([], .running), ([.fence, .kill], .dying), ([.fence, .kill], .dying),
            ([.fence, .kill, .revoke], .revoking), ([.fence, .kill], .dying), ([], .running), ([], .running),
            ([], .running),
        ],
        .dying: [
            ([], .dying), ([], .dying), ([], .dying), ([], .dying), ([], .dying), ([.revoke], .revoking), ([], .dying),
            ([], .dying),
            ([], .dying), ([], .dying),
        ],
        .revoking: [
            ([], .revoking), ([], .revoking), ([], .revoking), ([], .revoking), ([], .revoking), ([], .revoking),
            ([], .revoking),
            ([.judge], .judging), ([], .revoking), ([.abandonLeases], .revoking),
        ],
        .judging: [
            ([], .judging), ([], .judging), ([], .judging), ([], .judging), ([], .judging), ([], .judging),
            ([], .judging),
            ([], .judging), ([.seal], .sealed), ([.abandonOutcome], .judging),
        ],
        .sealed: Array(repeating: ([], .sealed), count: 10),
    ]

    @Test func `every input in every phase does what the table says`() throws {
        for (phase, way) in Self.ways {
            let row = try #require(Self.table[phase])
            for (input, (actions, next)) in zip(Self.inputs, row) {
                var machine = machine(after: way)
                try #require(machine.phase == phase)
                #expect(machine.handle(input) == actions, "\(input) in \(phase)")
                #expect(machine.phase == next, "\(input) in \(phase)")
            }
        }
    }

    @Test func `hurry before the death is remembered`() {
        var machine = machine(after: Self.running + [.end(.killed, ""), .hurry])
        #expect(machine.handle(.dead) == [.revoke, .abandonLeases])
    }

    @Test func `the exit of a killed agent is still taken note of, once`() {
        var machine = machine(after: Self.running + [.end(.deadline, "")])
        _ = machine.handle(.agentEnded(.signal(9)))
        _ = machine.handle(.agentEnded(.code(0)))
        #expect(machine.exit == .signal(9))
        #expect(machine.exitCode == 124)
    }

    // MARK: exit codes

    @Test(
        arguments: [
            (.completed, 137), (.failed, 125), (.deadline, 124), (.idle, 124), (.budget, 122), (.scope, 123),
            (.strikes, 123),
            (.killed, 137), (.supervisorLost, 125),
        ] as [(EndReason, Int32)])
    func `an ending that is not the agent's own has a code of its own`(_ reason: EndReason, _ code: Int32) {
        var ended = machine(after: Self.running + [.end(reason, "")])
        if reason == .completed { _ = ended.handle(.agentEnded(.signal(9))) }
        #expect(ended.exitCode == code)
    }

    @Test(
        arguments: [(AgentExit.code(0), 0), (.code(3), 3), (.code(255), 255), (.signal(15), 143), (.unknown, 125)]
            as [(AgentExit, Int32)])
    func `the agent's own code is passed on`(_ exit: AgentExit, _ code: Int32) {
        #expect(machine(after: Self.running + [.agentEnded(exit)]).exitCode == code)
    }

    @Test func `an outcome that was not met is 121, but only of what completed`() {
        let rest: [SessionMachine.Input] = [.dead, .leasesEnded, .judged(met: false)]
        #expect(machine(after: Self.running + [.agentEnded(.code(0))] + rest).exitCode == 121)
        #expect(machine(after: Self.running + [.agentEnded(.code(4))] + rest).exitCode == 4)
        #expect(machine(after: Self.running + [.end(.deadline, "")] + rest).exitCode == 124)
    }

    @Test func `what could not start keeps its code through the end`() {
        let ended = machine(after: [
            .ready, .leased, .cannotStart("no", code: 127), .agentEnded(.code(125)), .dead, .leasesEnded,
            .judged(met: true),
        ])
        #expect(ended.exitCode == 127 && ended.reason == .failed && ended.explanation == "no")
    }

    // MARK: whatever comes

    @Test func `any order of inputs ends in the five steps, in order, for one reason`() {
        var generator = SystemRandomNumberGenerator()
        let all =
            Self.inputs + [
                .agentEnded(.code(0)), .agentEnded(.signal(9)), .end(.strikes, "x"), .end(.killed, "y"),
                .judged(met: true),
            ]
        let order: [SessionMachine.Action] = [.fence, .kill, .revoke, .judge, .seal]
        for round in 0..<20_000 {
            var machine = SessionMachine()
            var actions: [SessionMachine.Action] = []
            var first: (EndReason, String)?
            var seen: [SessionMachine.Input] = []
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                guard let input = all.randomElement(using: &generator) else { break }
                seen.append(input)
                actions += machine.handle(input)
                if let first {
                    guard machine.reason == first.0, machine.explanation == first.1 else {
                        return Self.missed("the reason changed in round \(round): \(seen)")
                    }
                } else if let reason = machine.reason {
                    first = (reason, machine.explanation)
                }
            }
            let steps = actions.filter { order.contains($0) }
            guard steps == Array(order.prefix(steps.count)) else { return Self.missed("\(steps) after \(seen)") }
            guard actions.filter({ $0 == .release }).count <= 1 else {
                return Self.missed("let go twice after \(seen)")
            }
            if let release = actions.firstIndex(of: .release), let fence = actions.firstIndex(of: .fence) {
                guard release < fence else { return Self.missed("let go after the fence: \(seen)") }
            }
            guard (machine.reason == nil) == steps.isEmpty else {
                return Self.missed("a reason without an end: \(seen)")
            }
            guard (machine.phase == .sealed) == (steps.count == 5) else {
                return Self.missed("sealed too early: \(seen)")
            }
        }
    }

    private static func missed(_ what: Comment) { Issue.record(what) }
}
