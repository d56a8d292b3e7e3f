// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitKernel
import Testing

@testable import RemitJournal

@Suite struct `Writing a journal` {
    let key = HostKey()

    func verdict(_ bytes: [UInt8]) -> JournalVerdict {
        JournalVerifier(key: key.publicKey, session: "s1").verdict(on: bytes)
    }

    @Test func `records wait for a commit and are then on disk`() throws {
        let scratch = try Scratch()
        let writer = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key)
        #expect(try writer.append("session.admitted", ["task": "t"]) == 1)
        #expect(try scratch.bytes("j").isEmpty)
        try writer.commit()
        #expect(lines(try scratch.bytes("j")).count == 1)
        try writer.append("lease.minting", ["name": "x"], durable: true)
        #expect(lines(try scratch.bytes("j")).count == 2)
        try writer.append("lease.active")
        try writer.flush()
        try writer.checkpoint()
        let verdict = verdict(try scratch.bytes("j"))
        #expect(verdict.state == .unfinished)
        #expect(verdict.count == 4)
        #expect(verdict.signed == 3)
        #expect(verdict.head == writer.head)
    }

    @Test func `a line is what the format says`() throws {
        let scratch = try Scratch()
        let writer = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key, clock: .ticking)
        try writer.append("lease.minting", ["b": 1, "a": "é\n"], durable: true)
        let line = String(decoding: try scratch.bytes("j"), as: UTF8.self)
        let signed =
            #"{"seq":1,"time":"2026-11-18T11:06:40.000000000Z","boot":5001000000,"type":"lease.minting","#
            + #""session":"s1","body":{"a":"é\n","b":1},"prev":"\#(String(repeating: "0", count: 64))""#
        #expect(line == signed + #","hash":"\#(Hex.sha256(Array(signed.utf8)))"}"# + "\n")
    }

    @Test func `the file is private and must be new`() throws {
        let scratch = try Scratch()
        _ = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key)
        let mode = try FileManager.default.attributesOfItem(atPath: scratch.file("j"))[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(throws: JournalError.self) { try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key) }
        try FileManager.default.createSymbolicLink(atPath: scratch.file("l"), withDestinationPath: scratch.file("n"))
        #expect(throws: JournalError.self) { try JournalWriter.create(at: scratch.file("l"), session: "s1", key: key) }
        #expect(!FileManager.default.fileExists(atPath: scratch.file("n")))
    }

    @Test func `what cannot be read back is not written`() throws {
        let scratch = try Scratch()
        let writer = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key)
        for type in [
            "", "Lease", "a b", "a\"", "checkpoint", "session.sealed", "journal.recovered",
            String(repeating: "a", count: 65),
        ] {
            #expect(throws: JournalError.self) { try writer.append(type) }
        }
        #expect(throws: JournalError.self) { try writer.append("a", "text") }
        #expect(throws: JournalError.self) {
            try writer.append("a", ["x": .string(String(repeating: "x", count: 1 << 20))])
        }
        let deep = (0..<40).reduce(JSONValue.null) { value, _ in [value] }
        #expect(throws: JournalError.self) { try writer.append("a", ["x": deep]) }
        #expect(throws: JournalError.self) { try JournalWriter.create(at: scratch.file("k"), session: "S/1", key: key) }
        #expect(writer.count == 0)
        _ = try writer.seal()
        #expect(verdict(try scratch.bytes("j")).state == .sealed)
    }

    @Test func `a sealed journal takes nothing more`() throws {
        let scratch = try Scratch()
        let writer = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key)
        let head = try writer.seal(["reason": "completed"])
        #expect(head == JournalHead(hash: writer.head, count: 2))
        #expect(throws: JournalError.sealed(path: writer.path)) { try writer.append("a") }
        #expect(throws: JournalError.sealed(path: writer.path)) { try writer.checkpoint() }
        #expect(throws: JournalError.sealed(path: writer.path)) { try writer.seal() }
        let bytes = try scratch.bytes("j")
        #expect(verdict(bytes).head == head.hash)
        _ = consume writer
    }

    @Test func `a full disk stops the writer for good`() throws {
        let full = try FileSystem.open("/dev/full", 2)
        let writer = JournalWriter(
            file: full, path: "j", session: "s1", key: key, clock: .system, count: 0, head: JournalRecord.origin
        )
        try writer.append("lease.minting")
        let first = #expect(throws: JournalError.self) { try writer.commit() }
        #expect(first?.description == "write `j`: no space left on device")
        for _ in 0..<2 {
            #expect(throws: JournalError.stopped(cause: "write `j`: no space left on device")) {
                try writer.append("a")
            }
            #expect(throws: JournalError.self) { try writer.commit() }
            #expect(throws: JournalError.self) { try writer.flush() }
            #expect(throws: JournalError.self) { try writer.checkpoint() }
            #expect(throws: JournalError.self) { try writer.seal() }
        }
        #expect(writer.failure != nil)
    }

    @Test func `a failed synchronisation stops the writer for good`() throws {
        // A pipe takes the bytes and cannot be synchronised.
        let pipe = Pipe()
        let writer = JournalWriter(
            file: OwnedDescriptor(adopting: dup(pipe.fileHandleForWriting.fileDescriptor)), path: "j", session: "s1",
            key: key, clock: .system, count: 0, head: JournalRecord.origin
        )
        #expect(throws: JournalError.self) { try writer.append("a", durable: true) }
        #expect(throws: JournalError.stopped(cause: "synchronise `j`: invalid argument")) { try writer.commit() }
    }

    @Test func `a second writer is kept out`() throws {
        let scratch = try Scratch()
        let writer = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key)
        #expect(throws: JournalError.inUse(path: scratch.file("j"))) {
            try JournalWriter.reopen(at: scratch.file("j"), session: "s1", key: key)
        }
        try writer.append("a", durable: true)
    }

    @Test func `a torn last line is kept aside, cut off and answered for, wherever it was torn`() throws {
        let whole = lines(try finishedJournal(records: 3, key: key)).prefix(3)
        let good = whole.prefix(2).flatMap(\.self)
        let last = try #require(whole.last)
        for length in 1..<last.count {
            let scratch = try Scratch()
            let torn = Array(last.prefix(length))
            try scratch.write(good + torn, to: "j")
            let (writer, dropped) = try JournalWriter.reopen(at: scratch.file("j"), session: "s1", key: key)
            #expect(dropped == TornTail(line: 3, offset: good.count, count: length, digest: Hex.sha256(torn)))
            #expect(try scratch.bytes("j.torn-\(good.count)") == torn)
            let record = try #require(JournalReader(path: scratch.file("j"), key: key.publicKey).records.last)
            #expect(record.type == "journal.recovered")
            #expect(
                record.body == [
                    "bytes": .integer(length), "line": 3, "offset": .integer(good.count),
                    "sha256": .string(Hex.sha256(torn)),
                ]
            )
            if length == 1 { _ = try writer.seal() }
            #expect(verdict(try scratch.bytes("j")).state == (length == 1 ? .sealed : .unfinished))
        }
    }

    @Test func `a crash in the middle of sealing leaves a journal that can be sealed again`() throws {
        let all = lines(try finishedJournal(records: 1, key: key))
        let good = all.dropLast().flatMap(\.self)
        let last = try #require(all.last)
        for length in stride(from: 0, to: last.count, by: 41) {
            let scratch = try Scratch()
            try scratch.write(good + last.prefix(length), to: "j")
            let (writer, dropped) = try JournalWriter.reopen(at: scratch.file("j"), session: "s1", key: key)
            #expect(dropped?.count == length)
            try writer.append("session.recovered", durable: true)
            var reader = try JournalReader(path: scratch.file("j"), key: key.publicKey)
            #expect(reader.verdict.state == .unfinished)
            #expect(JournalSummary(reader.records)?.sealed == nil)
            _ = try writer.seal(["reason": "supervisor-lost"])
            reader = try JournalReader(path: scratch.file("j"), key: key.publicKey)
            #expect(reader.verdict.state == .sealed)
            #expect(JournalSummary(reader.records)?.sealed?.body["reason"] == "supervisor-lost")
        }
    }

    @Test func `a whole journal goes on where it ended`() throws {
        let scratch = try Scratch()
        do {
            let writer = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key)
            try writer.append("session.admitted", durable: true)
        }
        let (writer, dropped) = try JournalWriter.reopen(at: scratch.file("j"), session: "s1", key: key)
        #expect(dropped == nil)
        #expect(writer.count == 1)
        _ = try writer.seal(["reason": "supervisor-lost"])
        #expect(verdict(try scratch.bytes("j")).state == .sealed)
        #expect(verdict(try scratch.bytes("j")).count == 3)
    }

    @Test func `damage before the tail is refused and left as it is`() throws {
        let scratch = try Scratch()
        var all = lines(try finishedJournal(records: 3, key: key)).dropLast()
        all[1][30] ^= 1
        let bytes = all.flatMap(\.self) + Array("{\"seq\"".utf8)
        try scratch.write(bytes, to: "j")
        let error = #expect(throws: JournalError.self) {
            try JournalWriter.reopen(at: scratch.file("j"), session: "s1", key: key)
        }
        guard case .corrupt(_, let problem) = error else { throw JournalError.invalid("\(String(describing: error))") }
        #expect(problem.line == 2)
        #expect(try scratch.bytes("j") == bytes)
    }

    @Test func `a sealed, foreign or open journal is not reopened`() throws {
        let scratch = try Scratch()
        let sealed = try finishedJournal(records: 1, key: key)
        try scratch.write(sealed, to: "j")
        #expect(throws: JournalError.sealed(path: scratch.file("j"))) {
            try JournalWriter.reopen(at: scratch.file("j"), session: "s1", key: key)
        }
        #expect(throws: JournalError.self) {
            try JournalWriter.reopen(at: scratch.file("j"), session: "s2", key: key)
        }
        #expect(throws: JournalError.self) {
            try JournalWriter.reopen(at: scratch.file("j"), session: "s1", key: HostKey())
        }
        try scratch.write(lines(sealed)[0], to: "o", mode: 0o644)
        #expect(throws: JournalError.unsafeFile(path: scratch.file("o"), reason: "others may use it (mode 644)")) {
            try JournalWriter.reopen(at: scratch.file("o"), session: "s1", key: key)
        }
        try FileManager.default.createSymbolicLink(atPath: scratch.file("l"), withDestinationPath: scratch.file("j"))
        #expect(throws: JournalError.self) {
            try JournalWriter.reopen(at: scratch.file("l"), session: "s1", key: key)
        }
        try FileManager.default.removeItem(atPath: scratch.file("l"))
        #expect(throws: JournalError.self) {
            try JournalWriter.reopen(at: scratch.file("l"), session: "s1", key: key)
        }
        #expect(try scratch.bytes("j") == sealed)
    }

    @Test func `a summary tells where a session is`() throws {
        let scratch = try Scratch()
        let writer = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key)
        #expect(JournalSummary(JournalReader(bytes: [], key: key.publicKey).records) == nil)
        try writer.append("session.admitted", ["task": "t"])
        try writer.append("lease.minting")
        try writer.append("session.running")
        try writer.append("lease.active", durable: true)
        var summary = try #require(
            JournalSummary(JournalReader(path: scratch.file("j"), key: key.publicKey).records)
        )
        #expect(summary.session == "s1")
        #expect(summary.first.body["task"] == "t")
        #expect(summary.state == "running")
        #expect(summary.last.type == "lease.active")
        #expect(summary.sealed == nil)
        _ = try writer.seal(["reason": "idle"])
        summary = try #require(JournalSummary(JournalReader(path: scratch.file("j"), key: key.publicKey).records))
        #expect(summary.state == "sealed")
        #expect(summary.sealed?.body["reason"] == "idle")
        #expect(summary.counts["checkpoint"] == 1)
    }
}
