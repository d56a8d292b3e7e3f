// SPDX-License-Identifier: Apache-2.0

/// How hosts are verified, and how Remit shows itself to those that ask: the operator's decision only.
package struct UpstreamTrust: Hashable, Sendable, Codable {
    /// Files of authorities in PEM that count besides the system's.
    package var authorities: [String]
    /// Client certificates by host.
    package var clientCertificates: [ClientCertificate]

    /// Makes a trust; without arguments it is the system's.
    package init(authorities: [String] = [], clientCertificates: [ClientCertificate] = []) {
        self.authorities = authorities
        self.clientCertificates = clientCertificates
    }

    /// A certificate for hosts that ask for one.
    package struct ClientCertificate: Hashable, Sendable, Codable {
        /// Which hosts it is shown to.
        package var host: HostPattern
        /// The file of the certificate and its chain, in PEM.
        package var certificate: String
        /// The file of its key, in PEM.
        package var key: String

        /// Makes a client certificate.
        package init(host: HostPattern, certificate: String, key: String) {
            self.host = host
            self.certificate = certificate
            self.key = key
        }
    }
}
