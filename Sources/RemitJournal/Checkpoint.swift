// SPDX-License-Identifier: Apache-2.0
// The host key's word for everything a journal holds so far.

internal import FoundationEssentials
internal import RemitKernel

/// The signed statement in a `checkpoint` record: so many records, ending with this hash, at this time.
struct Checkpoint {
    let session: String
    let count: Int
    let head: String
    let time: WallInstant
    let boot: BootInstant

    /// What is signed. The first line keeps the signature from being taken for one over anything else; no field can
    /// hold a line break.
    var message: [UInt8] {
        let lines = [
            "remit.dev/journal-checkpoint/v1", session, String(count), head, time.rfc3339, String(boot.nanoseconds),
        ]
        return Array(lines.joined(separator: "\n").utf8)
    }

    /// The body of the record.
    func body(signedBy key: HostKey) throws(HostKeyError) -> JSONValue {
        let signature = try key.signature(for: message)
        return [
            "count": .integer(count), "head": .string(head), "keyid": .string(key.keyID),
            "signature": .string(Data(signature).base64EncodedString()),
        ]
    }

    /// What is wrong with a checkpoint record that follows `count` records ending with `head`; nil when it is good.
    static func problem(in record: JournalRecord, count: Int, head: String, key: HostPublicKey) -> String? {
        guard let members = record.body.members, members.count == 4, let text = members["signature"]?.text else {
            return "not a checkpoint"
        }
        guard members["count"]?.number == count else { return "the checkpoint is for another number of records" }
        guard members["head"]?.text == head else { return "the checkpoint is for another history" }
        guard members["keyid"]?.text == key.keyID else { return "the checkpoint is signed with another key" }
        guard let signature = Data(base64Encoded: text), signature.base64EncodedString() == text else {
            return "the checkpoint's signature is not base64"
        }
        let checkpoint = Checkpoint(
            session: record.session, count: count, head: head, time: record.time, boot: record.boot
        )
        return key.isValid(signature: Array(signature), for: checkpoint.message)
            ? nil : "the checkpoint's signature does not match"
    }
}
