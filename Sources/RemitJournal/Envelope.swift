// SPDX-License-Identifier: Apache-2.0
// The Dead Simple Signing Envelope (DSSE v1.0.2) with one signature, in one byte form.

internal import FoundationEssentials

/// A payload and the host key's signature over it and its type.
enum Envelope {
    static let payloadType = "application/vnd.in-toto+json"

    /// What is signed: DSSE's pre-authentication encoding.
    static func authenticated(_ payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }

    /// The envelope in canonical JSON, with a newline.
    static func seal(_ payload: [UInt8], key: HostKey) throws(HostKeyError) -> [UInt8] {
        let signature = try key.signature(for: authenticated(payload))
        let envelope: JSONValue = [
            "payload": .string(Data(payload).base64EncodedString()), "payloadType": .string(payloadType),
            "signatures": [
                ["keyid": .string(key.keyID), "sig": .string(Data(signature).base64EncodedString())]
            ],
        ]
        return envelope.canonicalBytes + [UInt8(ascii: "\n")]
    }

    /// The payload of an envelope that is exactly what ``seal(_:key:)`` writes.
    static func open(_ bytes: [UInt8], key: HostPublicKey) throws(ReceiptProblem) -> [UInt8] {
        guard bytes.last == UInt8(ascii: "\n") else {
            throw ReceiptProblem(place: "byte \(max(bytes.count - 1, 0))", reason: "the final newline is missing")
        }
        let value: JSONValue
        do {
            value = try JSONValue(canonical: Array(bytes.dropLast()))
        } catch {
            throw ReceiptProblem(place: "byte \(error.offset)", reason: error.reason)
        }
        var envelope = try MemberReader(value, "")
        // In canonical form the payload is the first member: its text begins after `{"payload":"`.
        let payload = try envelope.base64("payload", at: 12)
        guard try envelope.text("payloadType") == payloadType else {
            throw envelope.refuse("payloadType", "not `\(payloadType)`")
        }
        let signatures = try envelope.list("signatures") { (value, path) throws(ReceiptProblem) in
            try MemberReader(value, path)
        }
        try envelope.finish()
        guard signatures.count == 1, var signature = signatures.first else {
            throw envelope.refuse("signatures", "\(signatures.count) signatures where one was expected")
        }
        guard try signature.text("keyid") == key.keyID else {
            throw signature.refuse("keyid", "signed with another key")
        }
        let given = try signature.base64("sig", at: nil)
        try signature.finish()
        guard key.isValid(signature: given, for: authenticated(payload)) else {
            throw signature.refuse("sig", "the signature does not match the payload")
        }
        return payload
    }
}

extension MemberReader {
    /// Bytes in base64 with padding (RFC 4648 §4) in the one form an encoder gives.
    ///
    /// - Parameter offset: where the text begins in the file, where that is known.
    fileprivate mutating func base64(_ name: String, at offset: Int?) throws(ReceiptProblem) -> [UInt8] {
        let text = try text(name)
        guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else {
            let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
            let digits = text.utf8.prefix { alphabet.contains($0) }.count
            let place = offset.map { "byte \($0 + digits)" } ?? "character \(digits + 1)"
            throw refuse(name, "not base64 at \(place)")
        }
        return Array(data)
    }
}
