// SPDX-License-Identifier: Apache-2.0

internal import NIOSSL
internal import RemitNetwork

/// What the gate shows to the agent's TLS clients: one context a host, made when it is first asked for.
final class ServerContexts {
    private let authority: CertificateAuthority
    private let key: NIOSSLPrivateKey
    private let root: NIOSSLCertificate
    private let limit: Int
    private var contexts: [Destination: NIOSSLContext] = [:]
    private var order: [Destination] = []

    /// - Parameter limit: how many contexts are kept; the oldest is made anew when it is asked for again.
    init(authority: CertificateAuthority, limit: Int = 256) throws {
        self.authority = authority
        self.limit = limit
        key = try NIOSSLPrivateKey(bytes: Array(authority.leafKey.utf8), format: .pem)
        root = try NIOSSLCertificate(bytes: authority.certificate, format: .der)
    }

    /// The context for a host: HTTP/2 and HTTP/1.1, TLS 1.2 and later.
    func context(for destination: Destination) throws -> NIOSSLContext {
        if let context = contexts[destination] { return context }
        let leaf = try NIOSSLCertificate(bytes: try authority.leaf(for: destination).der, format: .der)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(leaf), .certificate(root)], privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        let context = try NIOSSLContext(configuration: configuration)
        if order.count >= limit { contexts.removeValue(forKey: order.removeFirst()) }
        contexts[destination] = context
        order.append(destination)
        return context
    }
}
