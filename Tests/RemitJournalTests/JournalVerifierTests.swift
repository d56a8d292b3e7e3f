// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import Testing

@testable import RemitJournal

@Suite struct `Verifying a journal` {
    let key = HostKey()

    func verdict(_ bytes: [UInt8], session: String? = "s1") -> JournalVerdict {
        JournalVerifier(key: key.publicKey, session: session).verdict(on: bytes)
    }

    @Test func `a finished journal is sealed and good`() throws {
        let bytes = try finishedJournal(records: 5, key: key)
        let verdict = verdict(bytes)
        #expect(verdict.state == .sealed)
        #expect(verdict.isGood)
        #expect(verdict.count == 7)
        #expect(verdict.signed == 6)
        #expect(verdict.session == "s1")
        #expect(verdict.problems.isEmpty)
    }

    @Test func `flipping any bit of a small journal fails at its line`() throws {
        let bytes = try finishedJournal(records: 2, key: key)
        try expectFlipsFound(in: bytes) { _ in 0..<8 }
    }

    @Test func `flipping a bit in any byte of a longer journal fails at its line`() throws {
        let bytes = try finishedJournal(records: 10, key: key)
        try expectFlipsFound(in: bytes) { $0 % 8..<$0 % 8 + 1 }
    }

    private func expectFlipsFound(in original: [UInt8], bits: (Int) -> Range<Int>) throws {
        var bytes = original
        var line = 1
        var missed: [String] = []
        for index in bytes.indices {
            for bit in bits(index) {
                bytes[index] ^= 1 << bit
                let verdict = verdict(bytes)
                let place: Int? =
                    switch verdict.state {
                    case .corrupt: verdict.problems.first?.line
                    case .tornTail(let tail): tail.line
                    case .sealed, .unfinished: nil
                    }
                if place != line || verdict.isGood { missed.append("byte \(index) bit \(bit): \(verdict)") }
                bytes[index] ^= 1 << bit
            }
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
        }
        #expect(missed.isEmpty)
    }

    @Test func `removing, doubling or adding any byte is found`() throws {
        let bytes = try finishedJournal(records: 1, key: key)
        for index in bytes.indices {
            var shorter = bytes
            shorter.remove(at: index)
            #expect(!verdict(shorter).isGood)
            var longer = bytes
            longer.insert(bytes[index], at: index)
            #expect(!verdict(longer).isGood)
            longer = bytes
            longer.insert(UInt8(ascii: " "), at: index)
            #expect(!verdict(longer).isGood)
        }
        for more in ["\n", "x", "{}\n", "\0"] {
            #expect(verdict(bytes + Array(more.utf8)).state == .corrupt)
        }
    }

    @Test func `a journal cut anywhere is never sealed`() throws {
        let bytes = try finishedJournal(records: 3, key: key)
        let ends = Set(bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 } + [0])
        for length in 0..<bytes.count {
            let verdict = verdict(Array(bytes[..<length]))
            if ends.contains(length) {
                #expect(verdict.state == .unfinished)
            } else {
                guard case .tornTail(let tail) = verdict.state else {
                    Issue.record("cut at \(length): \(verdict)")
                    continue
                }
                #expect(ends.contains(tail.offset))
                #expect(tail.offset + tail.count == length)
                #expect(tail.digest == Hex.sha256(Array(bytes[tail.offset..<length])))
            }
        }
    }

    @Test func `records that are swapped, removed or repeated are found at their line`() throws {
        let all = lines(try finishedJournal(records: 5, key: key))
        for index in 0..<all.count {
            if index + 1 < all.count {
                var swapped = all
                swapped.swapAt(index, index + 1)
                #expect(verdict(swapped.flatMap(\.self)).problems.first?.line == index + 1)
                var shorter = all
                shorter.remove(at: index)
                #expect(verdict(shorter.flatMap(\.self)).problems.first?.line == index + 1)
            }
            var repeated = all
            repeated.insert(all[index], at: index)
            #expect(verdict(repeated.flatMap(\.self)).problems.first?.line == index + 2)
        }
    }

    @Test func `a record of another session is found even when its chain fits`() throws {
        let other = lines(try finishedJournal(records: 5, session: "s2", key: key))
        var spliced = lines(try finishedJournal(records: 5, key: key))
        spliced[2] = other[2]
        let problem = try #require(verdict(spliced.flatMap(\.self)).problems.first)
        #expect(problem.line == 3)
        #expect(problem.reason == "a record of session `s2`")
        // A whole journal of another session is good in itself and wrong where this one is expected.
        #expect(verdict(other.flatMap(\.self), session: nil).state == .sealed)
        #expect(verdict(other.flatMap(\.self)).state == .corrupt)
    }

    @Test func `a journal rewritten and signed with another key is found`() throws {
        let verdict = verdict(try finishedJournal(records: 5, key: HostKey()))
        #expect(verdict.problems.map(\.line) == [7])
        #expect(verdict.problems.first?.reason == "the checkpoint is signed with another key")
        #expect(verdict.signed == 0)
    }

    @Test func `a rewritten history is found although every hash is right`() throws {
        // Everything but the signature can be computed without the key.
        let record = { (number: Int, previous: String, bytes: inout [UInt8]) in
            JournalRecord.appendLine(
                to: &bytes, sequence: number, time: WallInstant(nanoseconds: 0), boot: BootInstant(nanoseconds: 0),
                type: number == 2 ? "session.sealed" : "lease.void", session: "s1", body: [:], previous: previous
            )
        }
        var forged: [UInt8] = []
        let first = record(1, JournalRecord.origin, &forged)
        let head = record(2, first, &forged)
        let genuine = try finishedJournal(records: 1, key: key)
        let checkpoint = try #require(JournalReader(bytes: genuine, key: key.publicKey).records.last)
        guard case .object(var body) = checkpoint.body else { throw ReceiptProblem(place: "", reason: "") }
        for stolenHead in [checkpoint.body["head"], .string(head)] {
            body["head"] = stolenHead
            var bytes = forged
            _ = JournalRecord.appendLine(
                to: &bytes, sequence: 3, time: checkpoint.time, boot: checkpoint.boot, type: "checkpoint",
                session: "s1", body: .object(body), previous: head
            )
            #expect(verdict(bytes).problems.map(\.line) == [3])
        }
    }

    @Test func `the other valid signature is refused`() throws {
        let bytes = try finishedJournal(records: 1, key: key)
        let reader = JournalReader(bytes: bytes, key: key.publicKey)
        let last = try #require(reader.records.last)
        guard case .object(var body) = last.body, let text = body["signature"]?.text else { return }
        body["signature"] = .string(try otherSignature(text))
        var forged = lines(bytes).dropLast().flatMap(\.self)
        _ = JournalRecord.appendLine(
            to: &forged, sequence: last.sequence, time: last.time, boot: last.boot, type: last.type,
            session: last.session, body: .object(body), previous: last.previous
        )
        #expect(verdict(forged).problems.first?.reason == "the checkpoint's signature does not match")
    }

    @Test func `nothing may follow the seal but its checkpoint`() throws {
        let scratch = try Scratch()
        let writer = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key)
        _ = try writer.seal()
        var bytes = try scratch.bytes("j")
        let head = try #require(JournalReader(bytes: bytes, key: key.publicKey).records.last)
        _ = JournalRecord.appendLine(
            to: &bytes, sequence: 3, time: head.time, boot: head.boot, type: "lease.void", session: "s1", body: [:],
            previous: head.hash
        )
        #expect(
            verdict(bytes).problems == [
                JournalProblem(line: 3, offset: bytes.count - lines(bytes)[2].count, reason: "a record after the end")
            ])
    }

    @Test func `problems are listed for every damaged line`() throws {
        var all = lines(try finishedJournal(records: 5, key: key))
        all[1][10] ^= 1
        all[3][40] ^= 1
        #expect(verdict(all.flatMap(\.self)).problems.map(\.line) == [2, 4])
    }

    @Test func `an empty journal is unfinished and of no session`() {
        let verdict = verdict([])
        #expect(verdict.state == .unfinished)
        #expect(verdict.session == nil)
        #expect(verdict.head == JournalRecord.origin)
    }

    @Test func `any bytes get a verdict`() throws {
        var generator = SystemRandomNumberGenerator()
        let seed = try finishedJournal(records: 2, key: key)
        for _ in 0..<2000 {
            var bytes = seed
            for _ in 0..<3 {
                let index = Int.random(in: bytes.indices, using: &generator)
                bytes.replaceSubrange(
                    index..<min(bytes.count, index + Int.random(in: 0...40, using: &generator)),
                    with: (0..<Int.random(in: 0...20, using: &generator)).map { _ in UInt8.random(in: 0...255) }
                )
            }
            if bytes != seed { #expect(verdict(bytes).state != .sealed) }
        }
    }
}
