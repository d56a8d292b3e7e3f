// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@Suite struct CompanionTests {
    private final class Log {
        var received: [UInt8] = []
        var end: (status: WaitStatus, diagnostics: String)?

        func hear(_ event: CompanionEvent) {
            switch event {
            case .received(let bytes): received += bytes
            case .ended(let status, let diagnostics): end = (status, String(decoding: diagnostics, as: UTF8.self))
            }
        }

        var text: String { String(decoding: received, as: UTF8.self) }
    }

    private func start(
        _ script: String, on loop: EventLoop, _ log: Log, program: String = "/bin/sh"
    ) throws -> Companion {
        try Companion(
            [program, "-c", script], environment: ["PATH": "/usr/bin:/bin"], openFiles: 64, on: loop
        ) { log.hear($0) }
    }

    private func run(_ loop: EventLoop, until finished: () -> Bool) throws {
        var isLate = false
        let timer = loop.schedule(after: .seconds(20)) { isLate = true }
        try loop.run { finished() || isLate }
        loop.cancel(timer)
        #expect(!isLate, "it took longer than 20 seconds")
    }

    @Test func `it answers on its descriptor 3, and its end is told with what it said last`() throws {
        let loop = try EventLoop()
        let log = Log()
        let companion = try start("read x <&3; echo \"<$x>\" >&3; echo oh >&2; exit 7", on: loop, log)
        companion.send(Array("hello\n".utf8))
        try run(loop) { log.end != nil }
        #expect(log.text == "<hello>\n")
        #expect(log.end?.status.exitCode == 7)
        #expect(log.end?.diagnostics == "oh\n")
        #expect(companion.hasEnded && companion.identity?.isAlive == false)
    }

    @Test func `more than a socket holds arrives whole and in order`() throws {
        let loop = try EventLoop()
        let log = Log()
        let companion = try start("exec cat <&3 >&3", on: loop, log)
        let sent = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        for start in stride(from: 0, to: sent.count, by: 7001) {
            companion.send(Array(sent[start..<min(start + 7001, sent.count)]))
        }
        try run(loop) { log.received.count >= sent.count }
        #expect(log.received == sent)
        companion.kill()
        try run(loop) { log.end != nil }
        #expect(log.end?.status.signal == SIGKILL)
    }

    @Test func `descriptors go along, and are nobody else's afterwards`() throws {
        let loop = try EventLoop()
        let log = Log()
        let pair = try pipe()
        let script = """
            import os, socket
            line = socket.socket(fileno=3)
            line.setblocking(True)
            data, fds, _, _ = socket.recv_fds(line, 100, 4)
            os.write(fds[0], b"through " + data)
            """
        let companion = try start(script, on: loop, log, program: "/usr/bin/python3")
        companion.send(Array("it".utf8), descriptors: [DescriptorBox(try pair.write.duplicate())])
        try run(loop) { log.end != nil }
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(read(pair.read.number, &buffer, buffer.count) == 10)
        #expect(String(decoding: buffer.prefix(10), as: UTF8.self) == "through it")
    }

    @Test func `a program that is not there ends with a reason`() throws {
        let loop = try EventLoop()
        let log = Log()
        let companion = try start("", on: loop, log, program: "/nonexistent/program")
        companion.send(Array("hello\n".utf8))
        try run(loop) { log.end != nil }
        #expect(log.end?.status.exitCode == 125)
        #expect(log.end?.diagnostics.contains("no such file") == true)
    }

    @Test func `one answer can be waited for, and not for longer than told`() throws {
        let loop = try EventLoop()
        let log = Log()
        let companion = try start("while read x <&3; do test $x = quick && echo yes >&3; done", on: loop, log)
        companion.send(Array("quick\n".utf8))
        companion.hear(for: .seconds(10)) { log.text.contains("yes") }
        #expect(log.text == "yes\n")
        companion.send(Array("never\n".utf8))
        let began = ContinuousClock.now
        companion.hear(for: .milliseconds(20)) { log.text.contains("no") }
        #expect(began.duration(to: .now) < .seconds(5))
        #expect(began.duration(to: .now) >= .milliseconds(20))
        companion.kill()
        try run(loop) { log.end != nil }
    }

    @Test func `one that lets go of its socket does not go on`() throws {
        let loop = try EventLoop()
        let log = Log()
        let companion = try start("exec 3<&-; sleep 600", on: loop, log)
        try run(loop) { log.end != nil }
        #expect(log.end?.status.signal == SIGKILL)
        #expect(companion.hasEnded)
    }
}
