// SPDX-License-Identifier: Apache-2.0
// Whether a journal is what was written, by somebody who holds nothing but the host's public key.

internal import Crypto

/// Checks a whole journal: every byte of every record, the chain, the signatures and the end.
package struct JournalVerifier {
    private let key: HostPublicKey
    private let expectedSession: String?

    /// The most problems that are listed; damage beyond them changes nothing in the verdict.
    package static let problemLimit = 16

    /// A verifier that trusts this key only, and this session only if one is given.
    package init(key: HostPublicKey, session: String? = nil) {
        self.key = key
        expectedSession = session
    }

    /// Looks at all the bytes of a journal file.
    package func verdict(on bytes: [UInt8]) -> JournalVerdict {
        scan(bytes) { _ in }
    }

    /// Looks at all the bytes and hands over every good record on the way.
    func scan(_ bytes: [UInt8], _ good: (JournalRecord) -> Void) -> JournalVerdict {
        var state = Scan(key: key, session: expectedSession)
        var start = 0
        while start < bytes.count, let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            state.look(at: bytes, line: start..<newline, good)
            start = newline + 1
        }
        return state.verdict(tail: bytes[start...])
    }
}

/// What is known while going through the lines.
private struct Scan {
    let key: HostPublicKey
    var session: String?
    var sessionSeen: String?
    var line = 0
    var count = 0
    /// Sequence and hash of the record before; nil after a damaged line, when neither is known.
    var last: (sequence: Int, hash: String)? = (0, JournalRecord.origin)
    var head = JournalRecord.origin
    var lastType: String?
    var sealedAt: Int?
    var isFinished = false
    var signed = 0
    var problems: [JournalProblem] = []

    init(key: HostPublicKey, session: String?) {
        self.key = key
        self.session = session
    }

    mutating func look(at bytes: [UInt8], line range: Range<Int>, _ good: (JournalRecord) -> Void) {
        line += 1
        let record: JournalRecord
        do {
            record = try JournalRecord(reading: bytes, line: range)
        } catch {
            note(error.offset, error.reason)
            last = nil
            lastType = nil
            return
        }
        let found = problem(in: record)
        if let found { note(range.lowerBound, found) }
        session = session ?? record.session
        if sessionSeen == nil, record.session == session { sessionSeen = session }
        last = (record.sequence, record.hash)
        lastType = record.type
        count += 1
        head = record.hash
        if found == nil {
            if record.type == JournalRecord.checkpointType { signed = count - 1 }
            good(record)
        }
    }

    private mutating func problem(in record: JournalRecord) -> String? {
        if let session, record.session != session { return "a record of session `\(record.session)`" }
        if isFinished { return "a record after the end" }
        if let last {
            if record.sequence != last.sequence + 1 {
                return "record \(record.sequence) where \(last.sequence + 1) was expected"
            }
            if record.previous != last.hash { return "the record does not follow the one before" }
        }
        let wasSealed = lastType == JournalRecord.sealedType
        if record.type == JournalRecord.checkpointType, let last {
            if let problem = Checkpoint.problem(in: record, count: last.sequence, head: last.hash, key: key) {
                return problem
            }
            isFinished = wasSealed
        } else if wasSealed, record.type != JournalRecord.recoveredType {
            return "a record after the end"
        }
        return nil
    }

    private mutating func note(_ offset: Int, _ reason: String) {
        if problems.count < JournalVerifier.problemLimit {
            problems.append(JournalProblem(line: line, offset: offset, reason: reason))
        }
    }

    func verdict(tail: ArraySlice<UInt8>) -> JournalVerdict {
        var state = JournalVerdict.State.unfinished
        var problems = problems
        if !problems.isEmpty {
            state = .corrupt
        } else if !tail.isEmpty, isFinished {
            state = .corrupt
            problems = [JournalProblem(line: line + 1, offset: tail.startIndex, reason: "data after the end")]
        } else if !tail.isEmpty {
            let digest = Hex.encode(SHA256.hash(data: tail))
            state = .tornTail(TornTail(line: line + 1, offset: tail.startIndex, count: tail.count, digest: digest))
        } else if isFinished {
            state = .sealed
        }
        return JournalVerdict(
            state: state, problems: problems, session: sessionSeen, count: count, head: head, signed: signed
        )
    }
}
