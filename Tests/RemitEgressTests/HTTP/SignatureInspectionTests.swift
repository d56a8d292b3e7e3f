// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitGate
import RemitKernel
import RemitNetwork
import Synchronization
import Testing

@testable import RemitEgress

/// Requests of AWS through a whole gate, whose body is taken before anything is sent: its digest is a part of what is signed.
struct SignatureInspectionTests {
    private let vector: SigV4Tests.Vector
    private let host: String
    private let other = "ghp_0ther0placeholder0other0placeholder0"

    init() throws {
        vector = try #require(SigV4Tests.fixed.first { $0.name == "dynamodb with a token" })
        host = try #require(vector.signed.headers.single("host"))
    }

    private struct Scene {
        let gate: GateHarness
        let heard: Heard
        let server: Listener
        final class Heard: Sendable { let text = Mutex("") }
        var text: String { heard.text.withLock { $0 } }
    }

    private func scene() throws -> Scene {
        let heard = Scene.Heard()
        let length = vector.body.count
        let server = Listener { descriptor in
            let head = descriptor.hear(until: "\r\n\r\n")
            var body = [UInt8](repeating: 0, count: length)
            let count = recv(descriptor, &body, length, Int32(MSG_WAITALL))
            heard.text.withLock { $0 = head + String(decoding: body.prefix(max(0, count)), as: UTF8.self) }
            descriptor.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        let binding = SecretBinding(
            lease: "aws", hosts: try HostPattern(host), ports: [80], slot: .sigV4(SigV4Scope()), allowsClearText: true)
        let gate = try GateHarness(to: server.port, host: host, port: 80, isTLS: false, bindings: [binding])
        let keys = vector.keys
        func part(_ name: SecretPart.Name, _ placeholder: [UInt8], _ real: [UInt8]) -> SecretPart {
            SecretPart(
                name: name, placeholder: String(decoding: placeholder, as: UTF8.self), value: Secret(real))
        }
        gate.inspector.bind(
            SecretGrant(
                lease: "aws", bindings: [binding],
                parts: [
                    part(.accessKeyID, Array(keys.placeholder.accessKeyID.utf8), Array(keys.real.accessKeyID.utf8)),
                    part(.secretAccessKey, keys.placeholder.secret, keys.real.secret),
                    part(
                        .sessionToken, Array((keys.placeholder.token ?? "").utf8), Array((keys.real.token ?? "").utf8)),
                ]))
        gate.inspector.bind(
            SecretGrant(
                lease: "git",
                bindings: [
                    SecretBinding(
                        lease: "git", hosts: try HostPattern("git.example.com"), slot: .header("authorization"))
                ],
                parts: [SecretPart(placeholder: other, value: Secret(Array(other.utf8.reversed())))]))
        return Scene(gate: gate, heard: heard, server: server)
    }

    private func head(_ length: Int) -> String {
        let fields = vector.signed.headers.fields.filter { !$0.isNamed("content-length") }
        return "\(vector.method) \(vector.signed.target) HTTP/1.1\r\n"
            + fields.map { "\($0.name): \($0.value)\r\n" }.joined() + "Content-Length: \(length)\r\n"
    }

    @Test(arguments: [false, true])
    func `a body without a digest is taken whole, and signed with the real keys`(waits: Bool) throws {
        let scene = try scene()
        let client = try RawClient(scene.gate.port)
        client.send(head(vector.body.count) + (waits ? "Expect: 100-continue\r\n\r\n" : "\r\n"))
        // The body is waited for, and the client is told so, though no host was asked yet.
        if waits { #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 ")) }
        #expect(scene.gate.connections.current == 0)
        client.send(Array(vector.body.prefix(5)))
        usleep(50_000)
        #expect(scene.gate.connections.current == 0)
        client.send(Array(vector.body.dropFirst(5)))
        #expect(client.read(until: "ok").contains("200 OK"))
        let signature = try #require(vector.expected.headers.single("authorization"))
        let token = try #require(vector.expected.headers.single("x-amz-security-token"))
        #expect(scene.text.contains("Authorization: \(signature)\r\n"), "\(scene.text)")
        #expect(scene.text.contains("X-Amz-Security-Token: \(token)\r\n"), "\(scene.text)")
        #expect(scene.text.hasSuffix("\r\n\r\n" + String(decoding: vector.body, as: UTF8.self)), "\(scene.text)")
        #expect(scene.gate.records(1).first?.leases == ["aws"])
    }

    @Test func `a body that is not the one that was signed is not signed, and nothing leaves`() throws {
        let scene = try scene()
        let client = try RawClient(scene.gate.port)
        var body = vector.body
        body[1] ^= 1
        client.send(head(body.count) + "\r\n")
        client.send(body)
        #expect(client.read(until: "}}").hasPrefix("HTTP/1.1 403 "))
        #expect(scene.gate.connections.current == 0 && scene.text.isEmpty)
    }

    @Test(arguments: [true, false])
    func `a body that is too long to be taken is refused, announced or not`(isAnnounced: Bool) throws {
        let scene = try scene()
        let client = try RawClient(scene.gate.port)
        let count = RequestRewriter.longestBody + 1
        if isAnnounced {
            client.send(head(count) + "\r\n")
        } else {
            client.send(head(0).replacing("Content-Length: 0\r\n", with: "Transfer-Encoding: chunked\r\n\r\n"))
        }
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16)
        let size = isAnnounced ? "" : "10000\r\n"
        let box = UncheckedBox(client)
        Thread.detachNewThread {
            for _ in 0...count / piece.count {
                box.value.send(Array(size.utf8) + piece + (size.isEmpty ? [] : [13, 10]))
            }
        }
        #expect(client.read(until: "}}").contains(" 413 "))
        #expect(scene.gate.connections.current == 0)
    }

    @Test func `a placeholder of another lease in a body that is taken whole trips the wire`() throws {
        let scene = try scene()
        let body = Array("{\"stolen\":\"\(other)\"}".utf8)
        // Signed with the placeholders, as the agent can: the signature says nothing of what is in it.
        let (target, headers) = (vector.signed.target, try signed(body))
        let client = try RawClient(scene.gate.port)
        client.send(
            "\(vector.method) \(target) HTTP/1.1\r\n"
                + headers.fields.filter { !$0.isNamed("content-length") }.map { "\($0.name): \($0.value)\r\n" }.joined()
                + "Content-Length: \(body.count)\r\n\r\n")
        client.send(body)
        #expect(client.read(until: "}}").hasPrefix("HTTP/1.1 403 "))
        #expect(scene.gate.connections.current == 0 && scene.text.isEmpty)
        let trips = scene.gate.told.compactMap { if case .tripwire(let trip) = $0 { trip } else { nil } }
        #expect(trips.map(\.lease) == ["git"] && trips.map(\.place) == ["body"], "\(trips)")
    }

    /// The vector's fields, signed for another body.
    private func signed(_ body: [UInt8]) throws -> HeaderFields {
        var headers = vector.signed.headers
        let signature = try #require(SigV4Signature(target: vector.signed.target, headers: headers))
        let canonical = CanonicalRequest(
            method: vector.method, target: vector.signed.target, headers: headers, signedNames: signature.signedNames,
            payload: sha256Text(body))
        let text = [
            SigV4Signature.algorithm, signature.date, signature.scope.text,
            sha256Text(Array(try canonical.text(.init(path: .asIs, encodesQueryAnew: true)).utf8)),
        ].joined(separator: "\n")
        let keys = vector.keys.placeholder
        headers.set("authorization", signature.authorization(keys.accessKeyID, keys.sign(text, signature.scope)))
        return headers
    }

    private final class UncheckedBox: @unchecked Sendable {
        let value: RawClient
        init(_ value: RawClient) { self.value = value }
    }
}
