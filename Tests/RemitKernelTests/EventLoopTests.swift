// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@Suite struct EventLoopTests {
    @Test func `timers fire in the order they are due, equal ones in the order they were set`() throws {
        let loop = try EventLoop()
        var order: [Int] = []
        let now = BootInstant.now
        loop.schedule(at: now.advanced(by: .milliseconds(30))) { order.append(3) }
        loop.schedule(at: now.advanced(by: .milliseconds(10))) { order.append(1) }
        loop.schedule(at: now.advanced(by: .milliseconds(20))) { order.append(2) }
        loop.schedule(at: now.advanced(by: .milliseconds(30))) { order.append(4) }
        try loop.run { order.count == 4 }
        #expect(order == [1, 2, 3, 4])
    }

    @Test func `a timer is never early`() throws {
        let loop = try EventLoop()
        let due = BootInstant.now.advanced(by: .milliseconds(25))
        var fired: BootInstant?
        loop.schedule(at: due) { fired = .now }
        try loop.run { fired != nil }
        #expect(try #require(fired) >= due)
    }

    @Test func `a moment in the past is now`() throws {
        let loop = try EventLoop()
        var count = 0
        loop.schedule(at: BootInstant(nanoseconds: 0)) { count += 1 }
        loop.schedule(at: BootInstant(nanoseconds: 1)) { count += 1 }
        try loop.run { count == 2 }
        #expect(count == 2)
    }

    @Test func `a cancelled timer stays silent, also when another one cancels it in the same turn`() throws {
        let loop = try EventLoop()
        var fired: [String] = []
        let early = loop.schedule(after: .milliseconds(1)) { fired.append("early") }
        var second: EventLoop.TimerToken?
        let moment = BootInstant.now.advanced(by: .milliseconds(5))
        loop.schedule(at: moment) {
            fired.append("first")
            if let second { loop.cancel(second) }
        }
        second = loop.schedule(at: moment) { fired.append("second") }
        loop.schedule(after: .milliseconds(20)) { fired.append("end") }
        loop.cancel(early)
        try loop.run { fired.contains("end") }
        #expect(fired == ["first", "end"])
    }

    @Test func `a timer set by a timer fires`() throws {
        let loop = try EventLoop()
        var done = false
        loop.schedule(after: .milliseconds(1)) { loop.schedule(after: .milliseconds(1)) { done = true } }
        try loop.run { done }
        #expect(done)
    }

    @Test func `what is preferred is heard between two that were ready with it`() throws {
        let loop = try EventLoop()
        var boxes: [DescriptorBox] = []
        var order: [Int] = []
        for index in 0...10 {
            let both = try pipe()
            let (reader, writer) = (DescriptorBox(try both.read.duplicate()), DescriptorBox(try both.write.duplicate()))
            boxes += [reader, writer]
            let number = reader.number
            let token = try loop.watch(number, for: .read) { _ in
                var byte: UInt8 = 0
                guard read(number, &byte, 1) == 1 else { return }
                order.append(index)
                // It is given something to say when the third of the others has its turn.
                if order.count == 3 { _ = try? FileSystem.writeAll(boxes[21].number, [1], name: "pipe") }
            }
            if index == 10 { loop.prefer(token) } else { try FileSystem.writeAll(writer.number, [1], name: "pipe") }
        }
        try loop.run { order.count == 11 }
        #expect(order[3] == 10, "\(order)")
    }

    @Test func `more descriptors than one wait reports are all served`() throws {
        let loop = try EventLoop()
        var boxes: [DescriptorBox] = []
        var seen: Set<CInt> = []
        for _ in 0..<200 {
            let both = try pipe()
            let (reader, writer) = (DescriptorBox(try both.read.duplicate()), DescriptorBox(try both.write.duplicate()))
            boxes += [reader, writer]
            let number = reader.number
            _ = try loop.watch(number, for: .read) { readiness in
                #expect(readiness.readable)
                var byte: UInt8 = 0
                #expect(read(number, &byte, 1) == 1)
                seen.insert(number)
            }
            try FileSystem.writeAll(writer.number, [1], name: "pipe")
        }
        try loop.run { seen.count == 200 }
        #expect(seen.count == 200)
    }

    @Test func `a descriptor that a handler stopped watching is not served in the same turn`() throws {
        let loop = try EventLoop()
        let one = try pipe()
        let two = try pipe()
        var tokens: [EventLoop.WatchToken] = []
        var calls = 0
        for number in [one.read.number, two.read.number] {
            tokens.append(
                try loop.watch(number, for: .read) { _ in
                    calls += 1
                    for token in tokens { loop.unwatch(token) }
                }
            )
        }
        for number in [one.write.number, two.write.number] { try FileSystem.writeAll(number, [1], name: "pipe") }
        var over = false
        loop.schedule(after: .milliseconds(20)) { over = true }
        try loop.run { over }
        #expect(calls == 1)
    }

    @Test func `an old token does not touch a later watch of the same number`() throws {
        let loop = try EventLoop()
        let both = try pipe()
        let old = try loop.watch(both.read.number, for: .read) { _ in Issue.record("the old handler was called") }
        loop.unwatch(old)
        loop.unwatch(old)
        var called = false
        let later = try loop.watch(both.read.number, for: .read) { _ in called = true }
        loop.unwatch(old)
        try FileSystem.writeAll(both.write.number, [1], name: "pipe")
        try loop.run { called }
        loop.unwatch(later)
        #expect(called)
    }

    @Test func `the other end's closing is readable and hung up`() throws {
        let loop = try EventLoop()
        let both = try pipe()
        let writer = DescriptorBox(try both.write.duplicate())
        // Only the duplicate is left: the pair's own end goes with it.
        try closeEarly(both, writer, loop)
    }

    private func closeEarly(_ both: consuming Pipe, _ writer: DescriptorBox, _ loop: EventLoop) throws {
        let reader = DescriptorBox(try both.read.duplicate())
        discardPipe(both)
        var heard: EventLoop.Readiness?
        let token = try loop.watch(reader.number, for: .read) { heard = $0 }
        writer.close()
        try loop.run { heard != nil }
        loop.unwatch(token)
        #expect(heard?.readable == true && heard?.hungUp == true)
    }

    private func discardPipe(_ both: consuming Pipe) {}

    @Test func `an ordinary file cannot be waited for, a watched one not twice`() throws {
        let loop = try EventLoop()
        let scratch = try Scratch()
        let file = try FileSystem.open(scratch.file("x"), O_RDWR | O_CREAT, mode: 0o600)
        #expect { try loop.watch(file.number, for: .read) { _ in } } throws: {
            ($0 as? SystemCallError)?.errno == .notPermitted
        }
        let both = try pipe()
        _ = try loop.watch(both.read.number, for: .read) { _ in }
        #expect { try loop.watch(both.read.number, for: .read) { _ in } } throws: {
            ($0 as? SystemCallError)?.errno == .exists
        }
    }

    @Test func `the interest of a watch can be changed`() throws {
        let loop = try EventLoop()
        let both = try pipe()
        var writable = 0
        let token = try loop.watch(both.write.number, for: []) { _ in writable += 1 }
        var over = false
        loop.schedule(after: .milliseconds(10)) { over = true }
        try loop.run { over }
        #expect(writable == 0)
        try loop.change(token, to: .write)
        try loop.run { writable > 0 }
    }

    @Test func `what is enqueued runs after its caller, in order`() throws {
        let loop = try EventLoop()
        var order: [Int] = []
        loop.enqueue {
            loop.enqueue { order.append(3) }
            order.append(1)
        }
        loop.enqueue { order.append(2) }
        try loop.run { order.count == 3 }
        #expect(order == [1, 2, 3])
    }

    @Test func `work that enqueues itself for ever does not starve a timer`() throws {
        let loop = try EventLoop()
        var turns = 0
        var fired = false
        func again() {
            turns += 1
            loop.enqueue { again() }
        }
        again()
        loop.schedule(after: .milliseconds(5)) { fired = true }
        try loop.run { fired || turns > 2_000_000 }
        #expect(fired)
    }
}
