// SPDX-License-Identifier: Apache-2.0
// The key with which this host signs journals and receipts.

internal import Crypto
internal import FoundationEssentials

/// The host's signing key: ECDSA on P-256 with SHA-256 (FIPS 186-5).
package struct HostKey: Sendable {
    private let privateKey: P256.Signing.PrivateKey
    /// The half that verifiers hold.
    package let publicKey: HostPublicKey

    /// A new key that is only in memory.
    package init() {
        self.init(privateKey: P256.Signing.PrivateKey())
    }

    init(privateKey: P256.Signing.PrivateKey) {
        self.privateKey = privateKey
        publicKey = HostPublicKey(privateKey.publicKey)
    }

    /// The name of the key in signatures; see ``HostPublicKey/keyID``.
    package var keyID: String { publicKey.keyID }

    /// Signs the bytes.
    ///
    /// - Returns: the signature in DER with the lower of the two possible `s`, so that nobody without the key can
    ///   change its bytes and keep it valid.
    func signature(for bytes: [UInt8]) throws(HostKeyError) -> [UInt8] {
        do {
            return Array(try LowS.lowered(privateKey.signature(for: bytes)).derRepresentation)
        } catch {
            throw .signing("\(error)")
        }
    }

    /// The private key in PEM form (PKCS #8, RFC 5958).
    var privatePEM: String { privateKey.pemRepresentation + "\n" }
}

/// The public half of a ``HostKey``, which is what a verifier pins.
package struct HostPublicKey: Sendable {
    private let key: P256.Signing.PublicKey
    /// The key in PEM form (SubjectPublicKeyInfo, RFC 5280) with a final newline, as OpenSSL writes it.
    package let pem: String
    /// The default key id that `securesystemslib` computes: the SHA-256 of the key's canonical JSON description.
    package let keyID: String

    init(_ key: P256.Signing.PublicKey) {
        self.key = key
        pem = key.pemRepresentation + "\n"
        // OLPC canonical JSON escapes only the quote and the backslash, so the line breaks of the PEM stay as they are.
        let description = #"{"keytype":"ecdsa","keyval":{"public":""# + pem + #""},"scheme":"ecdsa-sha2-nistp256"}"#
        keyID = Hex.sha256(Array(description.utf8))
    }

    /// Reads a public key; nil when the text is not a P-256 SubjectPublicKeyInfo in PEM form.
    package init?(pem: String) {
        guard let key = try? P256.Signing.PublicKey(pemRepresentation: pem) else { return nil }
        self.init(key)
    }

    /// Whether the signature, in DER as ``HostKey`` writes it, is this key's over the bytes.
    func isValid(signature: [UInt8], for bytes: [UInt8]) -> Bool {
        guard let parsed = try? P256.Signing.ECDSASignature(derRepresentation: signature),
            // One byte form only: strict DER and the lower `s`.
            Array(parsed.derRepresentation) == signature, LowS.isLow(parsed)
        else { return false }
        return key.isValidSignature(parsed, for: bytes)
    }
}

extension HostPublicKey: Hashable {
    package static func == (left: HostPublicKey, right: HostPublicKey) -> Bool { left.pem == right.pem }
    package func hash(into hasher: inout Hasher) { hasher.combine(pem) }
}
