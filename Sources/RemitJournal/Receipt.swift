// SPDX-License-Identifier: Apache-2.0
// The signed summary of a finished session: an in-toto Statement v1 in a DSSE envelope.

/// Makes and checks receipts.
///
/// The subjects are the task, the plan, the profile, the head of the journal and every artifact, each with its SHA-256;
/// they follow from the predicate, so that the two cannot disagree.
package enum Receipt {
    /// The largest receipt that is read, in bytes.
    package static let sizeLimit = 4 << 20

    static let statementType = "https://in-toto.io/Statement/v1"
    static let predicateType = "https://remit.dev/receipt/v1"

    /// The bytes of the receipt file, in the only form that ``verify(_:key:)`` accepts.
    ///
    /// - Throws: when the key does not sign.
    package static func seal(_ predicate: ReceiptPredicate, key: HostKey) throws(HostKeyError) -> [UInt8] {
        try Envelope.seal(statement(predicate).canonicalBytes, key: key)
    }

    /// Checks every byte of a receipt against the pinned key.
    package static func verify(_ bytes: [UInt8], key: HostPublicKey) -> ReceiptVerdict {
        do throws(ReceiptProblem) {
            guard bytes.count <= sizeLimit else {
                throw ReceiptProblem(place: "byte \(sizeLimit)", reason: "larger than \(sizeLimit) bytes")
            }
            return .good(try read(statement: Envelope.open(bytes, key: key)))
        } catch {
            return .bad(error)
        }
    }

    private static func read(statement bytes: [UInt8]) throws(ReceiptProblem) -> ReceiptPredicate {
        let value: JSONValue
        do {
            value = try JSONValue(canonical: bytes)
        } catch {
            throw ReceiptProblem(place: "payload, byte \(error.offset)", reason: error.reason)
        }
        var reader = try MemberReader(value, "")
        guard try reader.text("_type") == statementType else {
            throw reader.refuse("_type", "not an in-toto statement")
        }
        guard try reader.text("predicateType") == predicateType else {
            throw reader.refuse("predicateType", "not `\(predicateType)`")
        }
        let predicate = try ReceiptPredicate(reader.value("predicate"))
        guard try reader.value("subject") == subjects(of: predicate) else {
            throw reader.refuse("subject", "not what the predicate speaks of")
        }
        try reader.finish()
        return predicate
    }

    package static func statement(_ predicate: ReceiptPredicate) -> JSONValue {
        [
            "_type": .string(statementType), "predicateType": .string(predicateType), "predicate": predicate.json,
            "subject": subjects(of: predicate),
        ]
    }

    private static func subjects(of predicate: ReceiptPredicate) -> JSONValue {
        var subjects = [("task", predicate.taskDigest)]
        if let plan = predicate.planDigest { subjects.append(("plan", plan)) }
        if let profile = predicate.profileDigest { subjects.append(("profile", profile)) }
        subjects.append(("journal", predicate.journal.hash))
        subjects += predicate.outcome.artifacts.map { ("artifact:" + $0.path, $0.digest) }
        return .array(subjects.map { ["name": .string($0.0), "digest": ["sha256": .string($0.1)]] })
    }
}
