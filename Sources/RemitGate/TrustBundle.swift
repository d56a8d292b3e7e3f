// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The authorities that programs in the sandbox trust: the host's, and the session's own on top of them.
///
/// What is written is for two kinds of readers: a file of PEM certificates for nearly everyone, and a key store for Java.
package struct TrustBundle: Sendable {
    /// The certificates in DER, the session's own first.
    package let certificates: [[UInt8]]

    /// Merges the host's bundle with the session's own certificates.
    ///
    /// - Parameters:
    ///   - system: a file of PEM certificates, such as `/etc/ssl/certs/ca-certificates.crt`; whatever in it is not a
    ///     certificate is left out.
    ///   - authority: the session's own certificates, in PEM.
    package init(system: [UInt8], authority: String) {
        var seen: Set<[UInt8]> = []
        certificates = (Self.certificates(in: Array(authority.utf8)) + Self.certificates(in: system))
            .filter { seen.insert($0).inserted }
    }

    /// The bundle as PEM.
    package var pem: [UInt8] {
        var text: [UInt8] = []
        for certificate in certificates {
            text += "-----BEGIN CERTIFICATE-----\n".utf8
            let encoded = Array(Data(certificate).base64EncodedString().utf8)
            for start in stride(from: 0, to: encoded.count, by: 64) {
                text += encoded[start..<min(start + 64, encoded.count)]
                text.append(UInt8(ascii: "\n"))
            }
            text += "-----END CERTIFICATE-----\n".utf8
        }
        return text
    }

    /// The bundle as a key store of Java's own format, with the password that Java's own one has: it seals, it hides nothing.
    ///
    /// - Parameter now: when the entries were made, in milliseconds since 1970.
    package func javaKeyStore(password: String = "changeit", now: Int64) -> [UInt8] {
        JavaKeyStore(
            entries: certificates.enumerated().map { index, certificate in
                JavaKeyStore.Entry(alias: "remit-\(index)", certificate: certificate)
            }
        ).bytes(password: password, now: now)
    }

    /// The certificates of a PEM text, in DER.
    static func certificates(in text: [UInt8]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var body: [UInt8]?
        for line in text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            if line.elementsEqual("-----BEGIN CERTIFICATE-----".utf8) {
                body = []
            } else if line.elementsEqual("-----END CERTIFICATE-----".utf8) {
                if let encoded = body, let data = Data(base64Encoded: Data(encoded)), data.first == 0x30 {
                    found.append(Array(data))
                }
                body = nil
            } else {
                body?.append(contentsOf: line)
            }
        }
        return found
    }
}
