// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import RemitKernel
import Testing

@testable import RemitIdentity

@Suite struct `A session's identity` {
    @Test func `its tokens follow the JWT-SVID profile`() throws {
        let clocks = Clocks()
        let identity = try identity()
        let minted = try identity.mintToken(
            audience: ["openbao"], scope: ["orders:read", "orders:list"], lifetime: .seconds(120),
            extra: ["https://remit.dev/lease": .string("l\"1\n")], at: clocks.clock
        )
        let token = bytes(minted)
        let header = try decoded(token, part: 0)
        #expect(Set(header.keys) == ["alg", "kid", "typ"])
        #expect(header["alg"] as? String == "ES256")
        #expect(header["typ"] as? String == "JWT")
        #expect(header["kid"] as? String == identity.keyID)
        let claims = try decoded(token, part: 1)
        #expect(claims["sub"] as? String == "spiffe://example.org/session/s1/task/fix-orders")
        #expect(claims["iss"] as? String == "https://example.org")
        #expect(claims["aud"] as? [String] == ["openbao"])
        #expect(claims["iat"] as? Int == 1_795_000_000)
        #expect(claims["nbf"] as? Int == 1_795_000_000)
        #expect(claims["exp"] as? Int == 1_795_000_120)
        #expect(claims["jti"] as? String == minted.identifier)
        #expect(claims["scope"] as? String == "orders:read orders:list")
        #expect(claims["https://remit.dev/lease"] as? String == "l\"1\n")
        let context = try #require(claims["https://remit.dev/ctx"] as? [String: Any])
        #expect(context["owner"] as? String == "alice@example.com")
        #expect(context["intent"] as? String == "sha256:" + String(repeating: "1", count: 64))
        #expect(context["ticket"] as? String == "ORD-1")
        #expect(context["epoch"] as? Int == 3)
        #expect(minted.deadline == clocks.boot.advanced(by: .seconds(120)))
        #expect("\(minted.token)" == "(secret)")
    }

    @Test func `its key set verifies its tokens and names the thumbprint`() throws {
        let identity = try identity()
        let object = try JSONSerialization.jsonObject(with: Data(identity.jwks())) as? [String: Any]
        let key = try #require((object?["keys"] as? [[String: String]])?.first)
        #expect(Set(key.keys) == ["kty", "crv", "use", "kid", "x", "y"])
        #expect(key["use"] == "jwt-svid")
        let canonical = #"{"crv":"P-256","kty":"EC","x":"\#(key["x"] ?? "")","y":"\#(key["y"] ?? "")"}"#
        #expect(key["kid"] == base64URL(Data(SHA256.hash(data: Data(canonical.utf8)))))
        #expect(key["kid"] == identity.keyID)
        let token = try CompactToken(bytes(identity.mintToken(audience: ["a"], lifetime: .seconds(5))))
        let x = try #require(Base64URL.decode((key["x"] ?? "").utf8))
        let y = try #require(Base64URL.decode((key["y"] ?? "").utf8))
        let publicKey = try P256.Signing.PublicKey(rawRepresentation: x + y)
        #expect(publicKey.isValidSignature(try .init(rawRepresentation: token.signature), for: token.signed))
    }

    @Test func `each session has a key and each token an identifier of its own`() throws {
        let identity = try identity()
        #expect(try RemitIdentityTests.identity().keyID != identity.keyID)
        let names = try (0..<50).map { _ in try identity.mintToken(audience: ["a"], lifetime: .seconds(9)).identifier }
        #expect(Set(names).count == 50)
    }

    @Test(arguments: [
        ("", "s", "t"), ("Example.org", "s", "t"), ("a/b", "s", "t"), ("ex ample", "s", "t"), ("a", "", "t"),
        ("a", ".", "t"), ("a", "..", "t"), ("a", "s", ".."), ("a", "s/x", "t"), ("a", "s", "t?x"), ("a", "s", "é"),
        ("a", "s", "%41"), ("a:80", "s", "t"), ("user@a", "s", "t"), (String(repeating: "a", count: 256), "s", "t"),
        ("a", "s", String(repeating: "t", count: 2048)),
    ])
    func `names outside the SPIFFE grammar are refused`(trustDomain: String, session: String, task: String) {
        #expect(throws: IdentityError.self) { try SPIFFEID(trustDomain: trustDomain, session: session, task: task) }
    }

    @Test func `requests that make no acceptable token are refused`() throws {
        let identity = try identity()
        func mint(
            _ audience: [String] = ["a"], _ scope: [String] = [], _ lifetime: Duration = .seconds(9),
            _ extra: [String: ClaimValue] = [:]
        ) throws { _ = try identity.mintToken(audience: audience, scope: scope, lifetime: lifetime, extra: extra) }
        try mint()
        #expect(throws: IdentityError.self) { try mint([]) }
        #expect(throws: IdentityError.self) { try mint([""]) }
        for scope in ["", "a b", "a\"", "a\\", "\n", "é"] {
            #expect(throws: IdentityError.self) { try mint(["a"], [scope]) }
        }
        for lifetime in [Duration.zero, .milliseconds(999), .seconds(-5), .seconds(86_401)] {
            #expect(throws: IdentityError.self) { try mint(["a"], [], lifetime) }
        }
        for claim in ["sub", "aud", "iss", "iat", "nbf", "exp", "jti", "scope", SessionIdentity.contextClaim] {
            #expect(throws: IdentityError.self) { try mint(["a"], [], .seconds(9), [claim: .string("x")]) }
        }
        #expect(throws: IdentityError.self) {
            try mint(["a"], [], .seconds(9), ["x": .string(String(repeating: "x", count: 8192))])
        }
    }

    /// Writes the files that `Tests/Interop/verify-token.py` checks, where the environment names a directory.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["REMIT_INTEROP"] != nil, "REMIT_INTEROP names no directory"))
    func `an official client is given a token`() throws {
        let directory = try #require(ProcessInfo.processInfo.environment["REMIT_INTEROP"])
        let identity = try identity()
        let minted = try identity.mintToken(audience: ["orders"], scope: ["orders:read"], lifetime: .seconds(600))
        try Data(bytes(minted)).write(to: URL(filePath: "\(directory)/token.jwt"))
        try Data(identity.jwks()).write(to: URL(filePath: "\(directory)/jwks.json"))
    }
}
