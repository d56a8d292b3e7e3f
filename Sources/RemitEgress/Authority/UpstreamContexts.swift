// SPDX-License-Identifier: Apache-2.0

internal import NIOSSL
internal import RemitNetwork

/// Whom the gate believes to be a host, and as whom it shows itself: the system's authorities and the operator's, and the
/// operator's client certificates. Verification cannot be turned off.
final class UpstreamContexts {
    /// A client's certificate and key, for the hosts that ask for it.
    struct ClientCertificate {
        let hosts: HostPattern
        let chain: [NIOSSLCertificate]
        let key: NIOSSLPrivateKey
    }

    private struct Key: Hashable {
        let client: Int?
        let offersHTTP2: Bool
    }

    private let additional: [NIOSSLCertificate]
    private let clients: [ClientCertificate]
    private var contexts: [Key: NIOSSLContext] = [:]

    init(additional: [NIOSSLCertificate], clients: [ClientCertificate]) {
        self.additional = additional
        self.clients = clients
    }

    /// The context for a connection to a host.
    ///
    /// - Parameter offersHTTP2: false where the connection is to become a WebSocket.
    func context(for destination: Destination, offersHTTP2: Bool) throws -> NIOSSLContext {
        let client = clients.firstIndex { $0.hosts.matches(destination) }
        let key = Key(client: client, offersHTTP2: offersHTTP2)
        if let context = contexts[key] { return context }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .fullVerification
        configuration.minimumTLSVersion = .tlsv12
        configuration.additionalTrustRoots = additional.isEmpty ? [] : [.certificates(additional)]
        configuration.applicationProtocols = offersHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        if let client {
            configuration.certificateChain = clients[client].chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(clients[client].key)
        }
        let context = try NIOSSLContext(configuration: configuration)
        contexts[key] = context
        return context
    }
}
