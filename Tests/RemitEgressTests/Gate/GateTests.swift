// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitGate
import RemitKernel
import RemitNetwork
import Synchronization
import Testing

@testable import RemitEgress

/// A gate on a thread of its own, and the supervisor's end of its control socket.
final class GateScene {
    let control: DescriptorBox
    let inspector = WaitingInspector()
    private var reader = GateLineReader()
    private let end = Mutex<String??>(nil)
    private var thread = pthread_t()

    private final class Start {
        let control: DescriptorBox
        let inspector: WaitingInspector
        let ended: (String?) -> Void
        init(_ control: DescriptorBox, _ inspector: WaitingInspector, ended: @escaping (String?) -> Void) {
            self.control = control
            self.inspector = inspector
            self.ended = ended
        }
    }

    init() throws {
        let pair = try Sockets.pair()
        control = pair.near
        let start = Start(pair.far, inspector) { [unowned self] reason in end.withLock { $0 = .some(reason) } }
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                do {
                    let gate = try Gate { _, _, _, report in
                        start.inspector.report.withLock { $0 = report }
                        return start.inspector
                    }
                    guard let number = start.control.surrender() else { return nil }
                    start.ended(try gate.run(control: OwnedDescriptor(adopting: number)))
                } catch {
                    start.ended("\(error)")
                }
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
    }

    func send(_ command: GateCommand, _ descriptors: [CInt] = []) {
        _ = Sockets.send(command.line[...], with: descriptors, to: control.number)
    }

    /// The next event, of whatever kind.
    func next(within milliseconds: CInt = 10_000) throws -> GateEvent {
        while true {
            if let line = try reader.next() { return try GateEvent(line: line) }
            var poller = pollfd(fd: control.number, events: Int16(POLLIN), revents: 0)
            try #require(poll(&poller, 1, milliseconds) == 1, "the gate says nothing")
            guard case .moved(let bytes) = Sockets.receive(control.number, limit: 65_536) else {
                throw SystemCallError("hear from the gate", .brokenPipe)
            }
            reader.append(bytes)
        }
    }

    /// Waits for the gate's end, and says why it came.
    func join() -> String? {
        pthread_join(thread, nil)
        return end.withLock { $0 } ?? nil
    }

    func configure() throws {
        let port: UInt16 = 443
        let rule = EgressRule(label: "r", host: .exact(try HostName("a.example")), ports: [port])
        let policy = EgressPolicy(layers: [EgressLayer(name: "the task", rules: [rule])])
        send(.configure(GateConfiguration(session: "s", policy: policy)))
        #expect(try next() == .ready(authority: "none"))
    }
}

@Suite struct GateTests {
    @Test func `a gate is configured, serves, tells, and stops`() throws {
        let scene = try GateScene()
        try scene.configure()
        let names = try Sockets.datagrams(on: .loopback())
        let address = try Sockets.localAddress(of: names.number)
        scene.send(.listeners([.names]), [names.number])
        let client = try Sockets.datagrams(on: .loopback())
        Sockets.sendDatagram(QueryBuilder("evil.example").bytes, to: address, over: client.number)
        guard case .record(let record) = try scene.next() else {
            Issue.record("another event")
            return
        }
        #expect(record.name == "evil.example")
        #expect(!record.isAllowed)
        scene.send(.usage)
        guard case .usage(let usage) = try scene.next() else {
            Issue.record("another event")
            return
        }
        #expect(usage.open == 0)
        scene.send(.stop)
        #expect(scene.join() == nil)
    }

    @Test func `a supervisor that is gone is the end`() throws {
        let scene = try GateScene()
        try scene.configure()
        scene.control.close()
        #expect(scene.join() == ControlChannel.supervisorEnded)
    }

    @Test func `a command that is not understood is the end, and said`() throws {
        for line in ["{}\n", "x\n", "{\"command\":\"nothing\"}\n", "{\"command\":\"usage\"}\n"] {
            let scene = try GateScene()
            _ = Sockets.send(Array(line.utf8)[...], to: scene.control.number)
            guard case .failed = try scene.next() else {
                Issue.record("another event")
                return
            }
            #expect(scene.join() != nil)
        }
    }

    @Test func `listeners without their descriptors, or with others, are the end`() throws {
        let missing = try GateScene()
        try missing.configure()
        missing.send(.listeners([.names, .proxy]), [])
        #expect(missing.join()?.contains("descriptors") == true)
        let wrong = try GateScene()
        try wrong.configure()
        let stream = try Sockets.listen(on: .loopback())
        wrong.send(.listeners([.names]), [stream.number])
        #expect(wrong.join()?.contains("not what it was said to be") == true)
    }

    @Test func `after a fence nothing is served, and a second one cuts nothing`() throws {
        let scene = try GateScene()
        try scene.configure()
        let names = DescriptorBox(try Sockets.datagrams(on: .loopback()))
        let address = try Sockets.localAddress(of: names.number)
        scene.send(.listeners([.names]), [names.number])
        names.close()
        scene.send(.fence(lease: nil))
        #expect(try scene.next() == .fenced(lease: nil, connections: 0))
        scene.send(.fence(lease: nil))
        #expect(try scene.next() == .fenced(lease: nil, connections: 0))
        // Every copy of the socket is closed, so its port is free.
        _ = try Sockets.datagrams(on: address)
        scene.send(.stop)
        #expect(scene.join() == nil)
    }

    /// Opened by one thread, waited for by another.
    private final class Latch: Sendable {
        private let isOpen = Atomic(false)
        func open() { isOpen.store(true, ordering: .releasing) }
        func wait() { while !isOpen.load(ordering: .acquiring) { usleep(1000) } }
    }

    @Test func `what another thread tells can be heard while the gate's own is busy`() throws {
        let scene = try GateScene()
        try scene.configure()
        let (isBusy, mayGoOn) = (Latch(), Latch())
        defer { mayGoOn.open() }
        scene.inspector.whenUpdated.withLock {
            $0 = {
                isBusy.open()
                mayGoOn.wait()
            }
        }
        scene.send(.narrow(.none))
        isBusy.wait()
        let report = try #require(scene.inspector.report.withLock { $0 })
        let tripwire = Tripwire(lease: "l", host: "a.example", port: 443, place: "body", request: "POST /")
        let denied = EgressRecord(.request, isAllowed: false, rule: "r", name: "a.example")
        report(.tripwire(tripwire))
        report(.record(denied))
        // As if the gate were killed now, for the fence that it does not come to.
        #expect(try scene.next(within: 3000) == .tripwire(tripwire))
        #expect(try scene.next(within: 3000) == .record(denied))
        mayGoOn.open()
        scene.send(.stop)
        #expect(scene.join() == nil)
    }

    @Test func `nothing is lost of what a supervisor is slow to read`() throws {
        let scene = try GateScene()
        try scene.configure()
        let report = try #require(scene.inspector.report.withLock { $0 })
        let threads = 4
        let count = 3_000
        let done = (0..<threads).map { _ in Latch() }
        for thread in 0..<threads {
            let latch = done[thread]
            Thread.detachNewThread {
                for number in 0..<count {
                    report(.tripwire(Tripwire(lease: "\(thread)", host: "h", port: 1, place: "\(number)", request: "")))
                }
                latch.open()
            }
        }
        for latch in done { latch.wait() }
        var next = [Int](repeating: 0, count: threads)
        for _ in 0..<threads * count {
            guard case .tripwire(let tripwire) = try scene.next(), let thread = Int(tripwire.lease) else {
                Issue.record("another event")
                return
            }
            try #require(tripwire.place == "\(next[thread])", "in the order in which each thread told it")
            next[thread] += 1
        }
        scene.send(.stop)
        #expect(scene.join() == nil)
    }

    @Test func `a narrowed policy takes effect at once, and cannot be widened again`() throws {
        let scene = try GateScene()
        try scene.configure()
        let names = try Sockets.datagrams(on: .loopback())
        let address = try Sockets.localAddress(of: names.number)
        scene.send(.listeners([.names]), [names.number])
        scene.send(.narrow(.none))
        let wide = EgressRule(label: "all", host: .any)
        scene.send(.narrow(EgressPolicy(layers: [EgressLayer(name: "wide", rules: [wide])])))
        // Answered in order: the policy is in force when the query is.
        scene.send(.usage)
        _ = try scene.next()
        let client = try Sockets.datagrams(on: .loopback())
        Sockets.sendDatagram(QueryBuilder("a.example").bytes, to: address, over: client.number)
        guard case .record(let record) = try scene.next() else {
            Issue.record("another event")
            return
        }
        #expect(!record.isAllowed)
        scene.send(.stop)
        #expect(scene.join() == nil)
    }
}
