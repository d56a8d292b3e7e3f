// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import RemitGate

struct TrustBundleTests {
    /// A self-signed certificate of EC P-256, made by openssl for this test.
    private static func certificate() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "c.pem").path
        _ = try run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "/dev/null", "-subj", "/CN=test", "-days", "1", "-out", file
        )
        return try String(contentsOfFile: file, encoding: .utf8)
    }

    private static func run(_ arguments: String...) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    @Test func `a bundle has the session's authority first and the host's certificates once each`() throws {
        let host = try Self.certificate()
        let own = try Self.certificate()
        let bundle = TrustBundle(
            system: Array("# comment\n\(host)\(host)-----BEGIN X-----\nAA==\n".utf8), authority: own)
        #expect(bundle.certificates.count == 2)
        let pem = String(decoding: bundle.pem, as: UTF8.self)
        #expect(pem == own + host)
    }

    @Test func `text that is no certificate is left out`() {
        let text = """
            -----BEGIN CERTIFICATE-----
            !!!!
            -----END CERTIFICATE-----
            -----END CERTIFICATE-----
            -----BEGIN CERTIFICATE-----
            AAAA
            """
        #expect(TrustBundle(system: Array(text.utf8), authority: "").certificates.isEmpty)
    }

    @Test(.enabled(if: (try? run("keytool", "-version").status) == 0, "no keytool"))
    func `Java reads the key store, and refuses one with a flipped bit`() throws {
        let bundle = TrustBundle(system: Array(try Self.certificate().utf8), authority: try Self.certificate())
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).jks").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        var store = bundle.javaKeyStore(now: 1_790_000_000_000)
        try Data(store).write(to: URL(fileURLWithPath: file))
        let list = try Self.run("keytool", "-list", "-keystore", file, "-storepass", "changeit")
        #expect(list.status == 0, "\(list.output)")
        #expect(list.output.contains("2 entries"))
        #expect(list.output.contains("remit-0"))
        #expect(list.output.contains("trustedCertEntry"))

        store[store.count / 2] ^= 1
        try Data(store).write(to: URL(fileURLWithPath: file))
        #expect(try Self.run("keytool", "-list", "-keystore", file, "-storepass", "changeit").status != 0)
    }
}
