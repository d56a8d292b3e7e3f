// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@Suite struct HelperTests {
    init() { SignalSource.setDispositions() }

    private func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        input: [UInt8] = [],
        timeLimit: Duration = .seconds(20),
        outputLimit: Int = 1 << 20
    ) throws -> HelperOutcome {
        let loop = try EventLoop()
        var outcomes: [HelperOutcome] = []
        Helper.run(
            arguments, environment: environment, input: input, timeLimit: timeLimit, outputLimit: outputLimit, on: loop
        ) { outcomes.append($0) }
        #expect(outcomes.isEmpty, "the completion runs on the loop, not inside the call")
        try loop.run { !outcomes.isEmpty }
        return try #require(outcomes.first)
    }

    private func shell(_ script: String, input: [UInt8] = [], limit: Duration = .seconds(20)) throws -> HelperOutcome {
        try run(["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"], input: input, timeLimit: limit)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `both streams and the exit code come back`() throws {
        guard case .exited(let status, let output, let diagnostics) = try shell("echo out; echo err >&2; exit 7") else {
            return missed("it did not exit")
        }
        #expect(status == 7)
        #expect(text(output) == "out\n")
        #expect(text(diagnostics) == "err\n")
    }

    @Test func `neither stream is lost, whichever end is seen first`() throws {
        for _ in 0..<60 {
            guard case .exited(0, let output, let diagnostics) = try shell("echo out; echo err >&2") else {
                return missed("it did not exit")
            }
            #expect(text(output) == "out\n" && text(diagnostics) == "err\n")
        }
    }

    @Test func `a signal is 128 and its number`() throws {
        guard case .exited(let status, _, _) = try shell("kill -9 $$") else { return missed("it did not exit") }
        #expect(status == 128 + SIGKILL)
    }

    @Test func `more input than a pipe holds arrives whole`() throws {
        let input = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        guard case .exited(0, let output, _) = try run(["/bin/cat"], input: input) else {
            return missed("it did not exit")
        }
        #expect(output == input)
    }

    @Test func `a program that does not read its input is no error`() throws {
        let input = [UInt8](repeating: 1, count: 300_000)
        guard case .exited(0, let output, _) = try shell("exec 0<&-; sleep 0.1; echo fine", input: input) else {
            return missed("it did not exit")
        }
        #expect(text(output) == "fine\n")
    }

    @Test func `the time limit kills`() throws {
        let start = BootInstant.now
        guard case .timedOut = try shell("trap '' TERM; sleep 60", limit: .milliseconds(150)) else {
            return missed("it was not stopped")
        }
        #expect(start.duration(to: .now) < .seconds(15))
    }

    @Test func `too much output kills`() throws {
        guard case .overflowed = try run(["/usr/bin/yes"], outputLimit: 1000) else {
            return missed("it was not stopped")
        }
    }

    @Test func `too much output just before the end is still too much`() throws {
        for _ in 0..<20 {
            guard case .overflowed = try run(["/usr/bin/head", "-c", "2000", "/dev/zero"], outputLimit: 1000) else {
                return missed("1000 bytes were allowed, 2000 accepted")
            }
        }
    }

    @Test func `a program that is not there cannot start`() throws {
        guard case .cannotStart(let error) = try run(["/nonexistent/program"]) else {
            return missed("it started")
        }
        #expect(error.errno == .notFound)
        #expect(error.description == "execute `/nonexistent/program`: no such file or directory")
    }

    @Test func `a directory cannot start`() throws {
        guard case .cannotStart(let error) = try run(["/usr"]) else { return missed("it started") }
        #expect(error.errno == .denied)
    }

    @Test func `no program at all cannot start`() throws {
        guard case .cannotStart = try run([]) else { return missed("it started") }
    }

    @Test func `the environment is exactly the one given`() throws {
        guard case .exited(0, let output, _) = try run(["/usr/bin/env"], environment: ["B": "2", "A": "1=1"]) else {
            return missed("it did not exit")
        }
        #expect(text(output) == "A=1=1\nB=2\n")
    }

    @Test func `it is given three descriptors and no signal setting of ours`() throws {
        let secret = try FileSystem.open("/dev/null")
        let inherited = fcntl(secret.number, F_DUPFD, 200)
        defer { close(inherited) }
        guard
            case .exited(0, let output, _) = try shell(
                "ls /proc/self/fd | tr '\\n' ' '; grep -E 'SigBlk|SigIgn' /proc/self/status")
        else { return missed("it did not exit") }
        let lines = text(output)
        #expect(lines.hasPrefix("0 1 2 3 "), "\(lines)")
        #expect(!lines.contains("200"))
        let masks = lines.split(whereSeparator: \.isWhitespace).suffix(4).compactMap { UInt64($0, radix: 16) }
        try #require(masks.count == 2)
        // 32 and 33 belong to the C library, which resets them itself.
        #expect(masks[0] == 0 && masks[1] & ~(3 << 31) == 0, "\(lines)")
    }

    @Test func `a grandchild that holds the pipes does not hold us`() throws {
        let start = BootInstant.now
        guard case .exited(0, let output, _) = try shell("sleep 30 & echo $!") else {
            return missed("it did not exit")
        }
        #expect(start.duration(to: .now) < .seconds(15))
        if let grandchild = pid_t(text(output).split(separator: "\n").first ?? "") { kill(grandchild, SIGKILL) }
    }

    @Test func `the time limit ends grandchildren as well`() throws {
        let scratch = try Scratch()
        let note = scratch.file("pid")
        guard case .timedOut = try shell("sleep 30 & echo $! > \(note); wait", limit: .milliseconds(400)) else {
            return missed("it was not stopped")
        }
        let noted = text((try? FileSystem.read(note, limit: 100)) ?? []).split(separator: "\n").first ?? ""
        let grandchild = try #require(pid_t(noted))
        defer { kill(grandchild, SIGKILL) }
        #expect(isGone(grandchild))
    }

    private func isGone(_ pid: pid_t) -> Bool {
        for _ in 0..<50 {
            let state = (try? FileSystem.read("/proc/\(pid)/stat", limit: 4096)).map(text) ?? ""
            if state.isEmpty || state.contains(") Z ") { return true }
            usleep(10_000)
        }
        return false
    }

    @Test func `a program that cannot start is not left as a zombie`() throws {
        for _ in 0..<3 { _ = try run(["/nonexistent/program"]) }
        #expect(zombies().isEmpty)
    }

    /// Failed launches of this process that stay zombies for more than a second: other tests' own are collected sooner.
    private func zombies() -> Set<String> {
        var result: Set<String>?
        for _ in 0..<30 where result?.isEmpty != true {
            let all = ((try? FileSystem.names(in: "/proc")) ?? []).filter { pid_t($0) != nil }
            let statuses = all.map { (try? FileSystem.read("/proc/\($0)/stat", limit: 4096)).map(text) ?? "" }
            // The last field is the exit status: 125, which is how a launch that failed ends.
            let now = Set(statuses.filter { $0.contains(") Z \(getpid()) ") && $0.hasSuffix(" \(125 << 8)\n") })
            result = result?.intersection(now) ?? now
            usleep(50_000)
        }
        return result ?? []
    }

    @Test func `several run at once`() throws {
        let loop = try EventLoop()
        var outputs: [String] = []
        for index in 0..<8 {
            Helper.run(
                ["/bin/sh", "-c", "echo \(index)"], environment: [:], input: [], timeLimit: .seconds(20),
                outputLimit: 100,
                on: loop
            ) { outcome in
                if case .exited(0, let output, _) = outcome { outputs.append(self.text(output)) }
            }
        }
        try loop.run { outputs.count == 8 }
        #expect(Set(outputs) == Set((0..<8).map { "\($0)\n" }))
    }
}
