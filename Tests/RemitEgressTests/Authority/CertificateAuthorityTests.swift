// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitGate
import RemitNetwork
import SwiftASN1
import Testing
import X509

@testable import RemitEgress

struct CertificateAuthorityTests {
    private let now = Int64(Date().timeIntervalSince1970)

    private func verify(_ leaf: [UInt8], against authority: CertificateAuthority) async throws -> Bool {
        let root = try Certificate(derEncoded: authority.certificate)
        var verifier = Verifier(rootCertificates: CertificateStore([root])) { RFC5280Policy() }
        let result = await verifier.validate(
            leaf: try Certificate(derEncoded: leaf), intermediates: CertificateStore([]))
        if case .validCertificate = result { return true }
        return false
    }

    @Test func `a leaf is for one name, is signed by its own authority, and by no other`() async throws {
        let authority = try CertificateAuthority(session: "test", now: now, lifetime: 3600)
        let other = try CertificateAuthority(session: "test", now: now, lifetime: 3600)
        let der = try authority.leaf(for: .name(try HostName("api.example.com"))).der
        #expect(try await verify(der, against: authority))
        #expect(try await !verify(der, against: other))
        let leaf = try Certificate(derEncoded: der)
        #expect(try leaf.extensions.subjectAlternativeNames.map(Array.init) == [.dnsName("api.example.com")])
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(leaf.notValidAfter.timeIntervalSince1970 <= Double(now + 3600))
        let root = try Certificate(derEncoded: authority.certificate)
        #expect(try root.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try PEMDocument(pemString: authority.pem).derBytes == authority.certificate)
    }

    @Test(arguments: [(nil, 8 * 86_400), (1800, 2100), (0, 300), (-5, 300)] as [(Int64?, Int64)])
    func `what a gate signs ends shortly after its session's deadline`(lifetime: Int64?, most: Int64) throws {
        let configuration = GateConfiguration(session: "test", policy: .none, lifetime: lifetime)
        let plan = InspectorPlan(
            configuration: configuration, meter: BudgetMeter(BudgetPlan()) { _ in },
            connector: LoopbackConnector(port: 0, count: LoopbackConnector.Counter()), now: now, report: { _ in })
        let inspector = try Inspector(plan)
        defer { try? inspector.stop() }
        let pem = try #require(inspector.authority)
        let root = try Certificate(derEncoded: try PEMDocument(pemString: pem).derBytes)
        #expect(Int64(root.notValidAfter.timeIntervalSince1970) == now + most)
        #expect(Int64(root.notValidBefore.timeIntervalSince1970) <= now)
    }

    @Test func `a leaf for an address names the address`() throws {
        let authority = try CertificateAuthority(session: "test", now: now, lifetime: 3600)
        let address = try #require(IPAddress("192.0.2.1"))
        let leaf = try Certificate(derEncoded: try authority.leaf(for: .address(address)).der)
        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(Array(names) == [.ipAddress(ASN1OctetString(contentBytes: [192, 0, 2, 1]))])
    }

    @Test func `openssl verifies a leaf for its name and refuses it for another`() throws {
        let authority = try CertificateAuthority(session: "test", now: now, lifetime: 3600)
        let long = String(repeating: "a", count: 60) + "." + String(repeating: "b", count: 60) + ".example"
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(authority.pem.utf8).write(to: folder.appending(path: "ca.pem"))
        let leaf = PEMDocument(type: "CERTIFICATE", derBytes: try authority.leaf(for: .name(try HostName(long))).der)
        try Data(leaf.pemString.utf8).write(to: folder.appending(path: "leaf.pem"))
        func check(_ name: String) throws -> Int32 {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.currentDirectoryURL = folder
            process.arguments = [
                "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.pem", "-verify_hostname",
                name,
                "leaf.pem",
            ]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }
        #expect(try check(long) == 0)
        #expect(try check("other.example") != 0)
    }

    @Test func `contexts are kept, but not more than so many`() throws {
        let authority = try CertificateAuthority(session: "test", now: now, lifetime: 3600)
        let contexts = try ServerContexts(authority: authority, limit: 2)
        let first = try contexts.context(for: .name(try HostName("a.example")))
        #expect(try contexts.context(for: .name(try HostName("a.example"))) === first)
        _ = try contexts.context(for: .name(try HostName("b.example")))
        _ = try contexts.context(for: .name(try HostName("c.example")))
        #expect(try contexts.context(for: .name(try HostName("a.example"))) !== first)
    }
}
