// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitGate
import RemitNetwork
import Testing

@testable import RemitEgress

/// Hosts that want to know who the gate is: the operator's certificates, for the operator's hosts.
struct ClientCertificateTests {
    private let trust: CertificateAuthority
    private let folder: URL

    init() throws {
        trust = try CertificateAuthority(session: "upstream", now: GateHarness.now, lifetime: 3600)
        folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["own", "other"] { try makeCertificate(name) }
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    /// A certificate of a client, which is its own authority.
    private func makeCertificate(_ name: String) throws {
        let made = try run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2",
            "-subj", "/CN=\(name)", "-keyout", path("\(name)-key.pem"), "-out", path("\(name).pem"),
        ])
        #expect(made.status == 0, "\(made.output)")
    }

    private func client(_ name: String, for host: String) throws -> UpstreamTrust.ClientCertificate {
        .init(host: try HostPattern(host), certificate: path("\(name).pem"), key: path("\(name)-key.pem"))
    }

    @Test(arguments: [["http/1.1"], ["h2", "http/1.1"]])
    func `a host that asks for a certificate gets the one for it`(protocols: [String]) throws {
        let server = try EchoServer(authority: trust, protocols: protocols, clients: path("own.pem"))
        let clients = [try client("other", for: "*.other.example"), try client("own", for: "*.example.com")]
        let gate = try GateHarness(to: server.port, trust: trust, clients: clients)
        let result = try gate.curl("https://api.example.com/")
        #expect(result.output.hasPrefix("GET / "), "\(result.output)")
        #expect(gate.records(1).first?.status == 200)
    }

    @Test(arguments: ["none", "another host's", "another authority's"])
    func `a host that asks for a certificate is not reached without the right one`(held: String) throws {
        let server = try EchoServer(authority: trust, clients: path("own.pem"))
        let clients =
            switch held {
            case "none": [UpstreamTrust.ClientCertificate]()
            case "another host's": [try client("own", for: "other.example.com")]
            default: [try client("other", for: "api.example.com")]
            }
        let gate = try GateHarness(to: server.port, trust: trust, clients: clients)
        let result = try gate.curl("-o", "/dev/null", "-w", "%{http_code}", "https://api.example.com/")
        #expect(result.output.hasSuffix("502"), "\(result.output)")
        let record = try #require(gate.records(1).first)
        #expect(record.isAllowed && record.reason != nil, "\(record)")
    }

    @Test func `a certificate that cannot be read is no gate`() throws {
        for missing in ["own-key.pem", "own.pem"] {
            try FileManager.default.moveItem(atPath: path(missing), toPath: path("away"))
            #expect(throws: (any Error).self) {
                try GateHarness(to: 1, trust: trust, clients: [try client("own", for: "*.example.com")])
            }
            try FileManager.default.moveItem(atPath: path("away"), toPath: path(missing))
        }
    }
}
