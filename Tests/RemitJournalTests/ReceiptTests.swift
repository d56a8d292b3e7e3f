// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitKernel
import Testing

@testable import RemitJournal

@Suite struct `A receipt` {
    let key = HostKey()

    @Test func `what was sealed is read back`() throws {
        let predicate = sample()
        #expect(Receipt.verify(try Receipt.seal(predicate, key: key), key: key.publicKey) == .good(predicate))
        var sparse = predicate
        sparse.planDigest = nil
        sparse.processesLeft = nil
        sparse.ticket = nil
        sparse.leases = [
            ReceiptLease(id: "l", name: "n", provider: "p", handle: "h", exposure: .file, state: "unknown")
        ]
        sparse.exit = .unknown
        #expect(Receipt.verify(try Receipt.seal(sparse, key: key), key: key.publicKey) == .good(sparse))
        for reason in EndReason.allCases {
            sparse.reason = reason
            sparse.exit = .code(3)
            #expect(Receipt.verify(try Receipt.seal(sparse, key: key), key: key.publicKey) == .good(sparse))
        }
    }

    @Test func `flipping any bit of any byte is found, with a place`() throws {
        var bytes = try Receipt.seal(sample(), key: key)
        for index in bytes.indices {
            for bit in [0, 1, 2, 3, 4, 5, 6, 7] where bit == index % 8 || index > bytes.count - 400 || index < 100 {
                bytes[index] ^= 1 << bit
                let problem = Receipt.verify(bytes, key: key.publicKey).problem
                if problem == nil || problem?.place.isEmpty == true {
                    Issue.record("byte \(index) bit \(bit): \(String(describing: problem))")
                }
                bytes[index] ^= 1 << bit
            }
        }
    }

    @Test func `removing or adding any byte is found`() throws {
        let bytes = try Receipt.seal(sample(), key: key)
        for index in bytes.indices {
            var changed = bytes
            changed.remove(at: index)
            #expect(Receipt.verify(changed, key: key.publicKey).predicate == nil)
        }
        for index in stride(from: 0, through: bytes.count, by: 7) {
            for byte in [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "=")] {
                var changed = bytes
                changed.insert(byte, at: index)
                #expect(Receipt.verify(changed, key: key.publicKey).predicate == nil)
            }
        }
        #expect(Receipt.verify([], key: key.publicKey).predicate == nil)
    }

    @Test func `another key, type, form or signature is refused where it is`() throws {
        let bytes = try Receipt.seal(sample(), key: key)
        let envelope = try JSONValue(parsing: bytes)
        func problem(_ change: (inout [String: JSONValue]) -> Void, newline: String = "\n") -> String? {
            guard case .object(var members) = envelope else { return nil }
            change(&members)
            let changed = JSONValue.object(members).canonicalBytes + Array(newline.utf8)
            return Receipt.verify(changed, key: key.publicKey).problem?.place
        }
        #expect(problem { _ in } == nil)
        #expect(problem({ _ in }, newline: "") == "byte \(bytes.count - 2)")
        #expect(problem { $0["payloadType"] = "application/json" } == "payloadType")
        #expect(problem { $0["payload"] = "!" } == "payload")
        #expect(problem { $0["extra"] = 1 } == "extra")
        #expect(problem { $0["signatures"] = [] } == "signatures")
        let signature = envelope["signatures"]?.elements?.first ?? .null
        #expect(problem { $0["signatures"] = [signature, signature] } == "signatures")
        #expect(
            problem { $0["signatures"] = [["keyid": "x", "sig": signature["sig"] ?? .null]] } == "signatures[0].keyid"
        )
        let other = try otherSignature(signature["sig"]?.text ?? "")
        #expect(
            problem { $0["signatures"] = [["keyid": .string(key.keyID), "sig": .string(other)]] } == "signatures[0].sig"
        )
        #expect(Receipt.verify(bytes, key: HostKey().publicKey).problem?.place == "signatures[0].keyid")
    }

    @Test func `a well-signed statement of another shape is refused where it is`() throws {
        func place(_ change: (inout [String: JSONValue]) -> Void) throws -> String? {
            guard case .object(var members) = Receipt.statement(sample()) else { return nil }
            change(&members)
            let bytes = try Envelope.seal(JSONValue.object(members).canonicalBytes, key: key)
            return Receipt.verify(bytes, key: key.publicKey).problem?.place
        }
        func predicatePlace(_ name: String, _ value: JSONValue?) throws -> String? {
            try place { members in
                guard case .object(var predicate) = members["predicate"] else { return }
                predicate[name] = value
                members["predicate"] = .object(predicate)
            }
        }
        #expect(try place { _ in } == nil)
        #expect(try place { $0["_type"] = "x" } == "_type")
        #expect(try place { $0["predicateType"] = "x" } == "predicateType")
        #expect(try place { $0["subject"] = [] } == "subject")
        #expect(try place { $0["more"] = [] } == "more")
        #expect(try predicatePlace("reason", "bored") == "predicate.reason")
        #expect(try predicatePlace("owner", nil) == "predicate.owner")
        #expect(try predicatePlace("more", 1) == "predicate.more")
        #expect(try predicatePlace("taskDigest", "ABC") == "predicate.taskDigest")
        #expect(try predicatePlace("exit", ["code": 1, "signal": 2]) == "predicate.exit.signal")
        #expect(try predicatePlace("denials", ["open": -1]) == "predicate.denials.open")
        #expect(try predicatePlace("resources", ["memoryPeakBytes": -1]) == "predicate.resources.memoryPeakBytes")
        #expect(try predicatePlace("resources", ["tea": 1]) == "predicate.resources.tea")
        #expect(try predicatePlace("resources", 1) == "predicate.resources")
        // A receipt of before there were figures.
        #expect(try predicatePlace("resources", nil) == nil)
        #expect(try predicatePlace("layers", [["name": "x"]]) == "predicate.layers[0].state")
        let uncanonical = Array(#"{ "_type":1}"#.utf8)
        let bytes = try Envelope.seal(uncanonical, key: key)
        #expect(Receipt.verify(bytes, key: key.publicKey).problem?.place == "payload, byte 1")
    }

    @Test func `it agrees with its own journal and with no other`() throws {
        let scratch = try Scratch()
        let writer = try JournalWriter.create(at: scratch.file("j"), session: "s1", key: key)
        try writer.append("session.admitted", ["owner": "alice@example.com", "taskDigest": .string(Hex.sha256([1]))])
        try writer.append(
            "session.resources", ["memoryPeakBytes": 67_108_864, "cpuMicroseconds": 120_000, "memoryKills": 1])
        let unfinished = try JournalReader(path: scratch.file("j"), key: key.publicKey)
        let predicate = sample(journal: try writer.seal(["reason": "deadline"]))
        let journal = try JournalReader(path: scratch.file("j"), key: key.publicKey)
        #expect(Receipt.crossCheck(predicate, journal: journal).isEmpty)
        #expect(
            Receipt.crossCheck(predicate, journal: unfinished).map(\.place) == [
                "predicate.journal", "predicate.session", "predicate.journal.head", "predicate.journal.count",
                "predicate.resources",
            ]
        )
        var changed = predicate
        changed.owner = "mallory"
        changed.reason = .completed
        changed.session = "s2"
        changed.taskDigest = Hex.sha256([9])
        changed.journal = JournalHead(hash: predicate.journal.hash, count: 9)
        #expect(
            Receipt.crossCheck(changed, journal: journal).map(\.place) == [
                "predicate.session", "predicate.journal.count", "predicate.owner", "predicate.taskDigest",
                "predicate.reason",
            ]
        )
        changed = predicate
        changed.resources.figures[.memoryPeakBytes] = 1
        #expect(Receipt.crossCheck(changed, journal: journal).map(\.place) == ["predicate.resources"])
        changed.resources.figures[.memoryPeakBytes] = nil
        #expect(Receipt.crossCheck(changed, journal: journal).map(\.place) == ["predicate.resources"])
        let cut = JournalReader(bytes: lines(try scratch.bytes("j")).dropLast().flatMap(\.self), key: key.publicKey)
        #expect(Receipt.crossCheck(predicate, journal: cut).contains { $0.place == "predicate.journal" })
    }

    /// Writes the files that `Tests/Interop/verify-receipt.py` checks, where the environment names a directory.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["REMIT_INTEROP"] != nil, "REMIT_INTEROP names no directory"))
    func `an official client is given a receipt`() throws {
        let directory = try #require(ProcessInfo.processInfo.environment["REMIT_INTEROP"])
        let key = try HostKey.loadOrCreate(directory: directory)
        try Data(Receipt.seal(sample(), key: key)).write(to: URL(filePath: "\(directory)/receipt.json"))
    }
}
