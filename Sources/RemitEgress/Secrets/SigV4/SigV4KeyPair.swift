// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import RemitGate

/// A pair of AWS keys, twice: as placeholders, and real.
struct SigV4KeyPair: Sendable {
    /// One of the two.
    struct Keys: Sendable {
        let accessKeyID: String
        let secret: [UInt8]
        let token: String?
    }

    let lease: String
    let placeholder: Keys
    let real: Keys

    init(lease: String, placeholder: Keys, real: Keys) {
        self.lease = lease
        self.placeholder = placeholder
        self.real = real
    }

    /// The pair of a lease; nil where the lease has none, or its placeholder identifier is another one.
    init?(lease: String, in table: SecretTable, accessKeyID: String) {
        func pair(_ name: SecretPart.Name) -> SecretPair? {
            table.parts.first { $0.pair.lease == lease && $0.name == name }?.pair
        }
        guard let id = pair(.accessKeyID), let secret = pair(.secretAccessKey),
            id.placeholder == Array(accessKeyID.utf8)
        else { return nil }
        let token = pair(.sessionToken)
        func keys(_ value: KeyPath<SecretPair, [UInt8]>) -> Keys {
            Keys(
                accessKeyID: String(decoding: id[keyPath: value], as: UTF8.self), secret: secret[keyPath: value],
                token: token.map { String(decoding: $0[keyPath: value], as: UTF8.self) }
            )
        }
        self.init(lease: lease, placeholder: keys(\.placeholder), real: keys(\.value))
    }
}

extension SigV4KeyPair.Keys {
    /// Signs text for a day, a region and a service, in lower-case hexadecimal.
    func sign(_ text: String, _ scope: SigV4Signature.Scope) -> String {
        var key = Array("AWS4".utf8) + secret
        for part in [scope.day, scope.region, scope.service, "aws4_request"] {
            key = Array(HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: SymmetricKey(data: key)))
        }
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key))
        return String(decoding: EncodedForm.hexadecimal.encode(Array(code)), as: UTF8.self)
    }
}

/// The digest in which signatures refer to bytes, in lower-case hexadecimal.
func sha256Text(_ bytes: [UInt8]) -> String {
    String(decoding: EncodedForm.hexadecimal.encode(Array(SHA256.hash(data: bytes))), as: UTF8.self)
}
