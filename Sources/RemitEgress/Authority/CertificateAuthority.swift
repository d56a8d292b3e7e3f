// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import FoundationEssentials
internal import RemitNetwork
internal import SwiftASN1
internal import X509

/// The authority of one session: it says to the session's own programs that the gate is the host they asked for.
///
/// Its key is made in memory, is never written anywhere, and ends with the process. Only this sandbox trusts it, and only
/// until shortly after the session's deadline. What it signs is for one name or one address each.
final class CertificateAuthority {
    /// A certificate for one host in DER, signed by ``certificate``.
    struct Leaf: Sendable {
        let der: [UInt8]
    }

    /// The authority's own certificate in DER.
    let certificate: [UInt8]
    /// The same in PEM, with a line feed at the end.
    let pem: String
    /// The key of every leaf, in PEM: it lives where the authority's own does, so one is as good as many.
    let leafKey: String

    private let key: Certificate.PrivateKey
    private let leafPublicKey: Certificate.PublicKey
    private let issuer: DistinguishedName
    private let identifier: SubjectKeyIdentifier
    private let validity: Range<Date>

    /// Makes keys and the authority's certificate.
    ///
    /// - Parameters:
    ///   - session: what the certificate is called after.
    ///   - now: seconds since 1970; valid from a day before, for clocks inside that are behind.
    ///   - lifetime: seconds from now.
    init(session: String, now: Int64, lifetime: Int64) throws {
        let root = P256.Signing.PrivateKey()
        let leaf = P256.Signing.PrivateKey()
        key = Certificate.PrivateKey(root)
        leafKey = leaf.pemRepresentation
        leafPublicKey = Certificate.PublicKey(leaf.publicKey)
        let start = Date(timeIntervalSince1970: Double(now - 86_400))
        // Clients refuse leaves of more than 398 days; no session lasts so long.
        validity = start..<Date(timeIntervalSince1970: Double(now + min(max(lifetime, 60), 300 * 86_400)))
        issuer = try DistinguishedName {
            OrganizationName("Remit")
            CommonName("Remit session \(session)")
        }
        let publicKey = Certificate.PublicKey(root.publicKey)
        let identifier = SubjectKeyIdentifier(hash: publicKey)
        self.identifier = identifier
        let own = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: validity.lowerBound,
            notValidAfter: validity.upperBound, issuer: issuer, subject: issuer, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                identifier
            },
            issuerPrivateKey: key
        )
        certificate = try Self.der(own)
        pem = try own.serializeAsPEM().pemString + "\n"
    }

    /// Signs a certificate that shows the gate as a host.
    func leaf(for destination: Destination) throws -> Leaf {
        let name: GeneralName =
            switch destination {
            case .name(let host): .dnsName(host.text)
            case .address(let address): .ipAddress(ASN1OctetString(contentBytes: address.networkBytes[...]))
            }
        // A common name has 64 characters at most, and nobody looks at it where there is an alternative name.
        let subject = try DistinguishedName { CommonName(String("\(destination)".prefix(64))) }
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: leafPublicKey, notValidBefore: validity.lowerBound,
            notValidAfter: validity.upperBound, issuer: issuer, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
                SubjectAlternativeNames([name])
            },
            issuerPrivateKey: key
        )
        return Leaf(der: try Self.der(leaf))
    }

    private static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}
