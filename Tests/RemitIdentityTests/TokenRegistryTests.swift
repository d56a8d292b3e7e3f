// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import RemitKernel
import Testing

@testable import RemitIdentity

@Suite struct `A registry of tokens` {
    let clocks = Clocks()
    let registry: TokenRegistry
    let minted: MintedToken
    let token: [UInt8]

    init() throws {
        registry = TokenRegistry(identity: try identity(), clock: clocks.clock)
        minted = try registry.issue(audience: ["orders"], scope: ["orders:read"], lifetime: .seconds(120))
        token = bytes(minted)
    }

    func object(_ response: IntrospectionResponse) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(response.json)) as? [String: Any] ?? [:]
    }

    @Test func `a token that was issued is active and described`() throws {
        let response = registry.introspect(token)
        #expect(response.isActive)
        let answer = try object(response)
        #expect(answer["active"] as? Bool == true)
        #expect(answer["token_type"] as? String == "Bearer")
        #expect(answer["scope"] as? String == "orders:read")
        #expect(answer["jti"] as? String == minted.identifier)
        #expect(answer["sub"] as? String == "spiffe://example.org/session/s1/task/fix-orders")
        #expect(answer["exp"] as? Int == 1_795_000_120)
        #expect(registry.refusal(of: token) == nil)
        #expect(registry.state(of: minted.identifier) == .active)
    }

    @Test func `revocation counts at once, again and for unknown names`() {
        #expect(registry.revoke(minted.identifier) == .active)
        #expect(registry.introspect(token) == .inactive)
        #expect(String(decoding: registry.introspect(token).json, as: UTF8.self) == #"{"active":false}"#)
        #expect(registry.refusal(of: token) == .revoked)
        #expect(registry.revoke(minted.identifier) == .revoked)
        #expect(registry.revoke("unknown") == nil)
        #expect(registry.state(of: minted.identifier) == .revoked)
    }

    @Test func `the end takes every token back`() throws {
        let others = try (0..<5).map { _ in try registry.issue(audience: ["a"], lifetime: .seconds(60)) }
        #expect(registry.liveCount == 6)
        registry.revokeAll()
        #expect(registry.liveCount == 0)
        #expect((others + [minted]).allSatisfy { !registry.introspect(bytes($0)).isActive })
    }

    @Test func `a token ends with its time`() {
        clocks.advance(wall: 119)
        #expect(registry.introspect(token).isActive)
        clocks.advance(wall: 1)
        #expect(registry.refusal(of: token) == .expired)
        #expect(registry.revoke(minted.identifier) == .expired)
    }

    @Test func `setting the clock back gives no more life`() {
        clocks.advance(wall: -3600, boot: 119)
        #expect(registry.introspect(token).isActive)
        clocks.advance(wall: 0, boot: 1)
        #expect(registry.refusal(of: token) == .expired)
    }

    @Test func `a suspended machine gives no more life`() {
        // CLOCK_BOOTTIME goes on during suspend; here the time of day was even stopped.
        clocks.advance(wall: 0, boot: 600)
        #expect(!registry.introspect(token).isActive)
    }

    @Test func `setting the clock ahead ends a token for good`() {
        clocks.advance(wall: 3600, boot: 1)
        #expect(registry.refusal(of: token) == .expired)
        clocks.advance(wall: -3600, boot: 1)
        #expect(registry.refusal(of: token) == .expired)
        #expect(!registry.introspect(token).isActive)
    }

    @Test func `a token of another registry or session is not known`() throws {
        let minted = try registry.identity.mintToken(audience: ["a"], lifetime: .seconds(60), at: clocks.clock)
        #expect(registry.refusal(of: bytes(minted)) == .unknown)
        let other = TokenRegistry(identity: try identity(), clock: clocks.clock)
        #expect(other.refusal(of: token) == .foreignHeader)
        #expect(!other.introspect(token).isActive)
    }

    @Test func `flipping any bit of any byte makes it inactive`() {
        var changed = token
        for index in changed.indices {
            for bit in 0..<8 {
                changed[index] ^= 1 << bit
                if registry.introspect(changed) != .inactive { Issue.record("byte \(index) bit \(bit)") }
                changed[index] ^= 1 << bit
            }
        }
        for index in changed.indices {
            var shorter = token
            shorter.remove(at: index)
            #expect(registry.introspect(shorter) == .inactive)
        }
    }

    @Test func `another spelling of the same token is another token`() throws {
        let text = String(decoding: token, as: UTF8.self)
        let parts = text.split(separator: ".").map(String.init)
        // 64 bytes leave four unused bits in the last character.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let lastCharacter = try #require(parts[2].last)
        let last = try #require(alphabet.firstIndex(of: lastCharacter))
        let loose = String(parts[2].dropLast()) + String(alphabet[last + 1])
        let others: [String] = [
            "\(text)=", "\(text)\n", " \(text)", "\(text).", "\(parts[0]).\(parts[1])", "\(text).x",
            "\(parts[0]).\(parts[1]).\(loose)", "", "..", "\(parts[0])..\(parts[2])", "\(parts[0]).\(parts[1]).",
            "\(text)/",
        ]
        for other in others {
            #expect(registry.refusal(of: Array(other.utf8)) == .malformed)
            #expect(registry.introspect(Array(other.utf8)) == .inactive)
        }
        #expect(registry.refusal(of: [UInt8](repeating: UInt8(ascii: "a"), count: 8193)) == .tooLarge)
    }

    @Test func `no header but ours is accepted, even over a good signature`() throws {
        let parts = String(decoding: token, as: UTF8.self).split(separator: ".").map(String.init)
        let kid = registry.identity.keyID
        for header in [
            #"{"alg":"none","kid":"\#(kid)","typ":"JWT"}"#, #"{"alg":"HS256","kid":"\#(kid)","typ":"JWT"}"#,
            #"{"alg":"ES384","kid":"\#(kid)","typ":"JWT"}"#, #"{"alg":"ES256","typ":"JWT"}"#,
            #"{"alg":"ES256","kid":"other","typ":"JWT"}"#, #"{"alg":"ES256","kid":"\#(kid)","typ":"JOSE"}"#,
            #"{"alg":"ES256","crit":["b64"],"kid":"\#(kid)","typ":"JWT"}"#,
            #"{"alg":"ES256","jwk":{},"kid":"\#(kid)","typ":"JWT"}"#,
            #"{"typ":"JWT","kid":"\#(kid)","alg":"ES256"}"#, #"{"alg":"ES256","kid":"\#(kid)","typ":"JWT" }"#, "{}",
        ] {
            let forged = Array("\(base64URL(Array(header.utf8))).\(parts[1]).\(parts[2])".utf8)
            #expect(registry.refusal(of: forged) == .foreignHeader)
            #expect(registry.introspect(forged) == .inactive)
        }
        let unsigned = Array("\(base64URL(Array(#"{"alg":"none"}"#.utf8))).\(parts[1]).".utf8)
        #expect(registry.refusal(of: unsigned) == .malformed)
    }

    @Test func `changed claims do not pass under the old signature`() {
        let parts = String(decoding: token, as: UTF8.self).split(separator: ".").map(String.init)
        let claims = #"{"aud":["orders"],"exp":9999999999,"jti":"\#(minted.identifier)"}"#
        let forged = Array("\(parts[0]).\(base64URL(Array(claims.utf8))).\(parts[2])".utf8)
        #expect(registry.refusal(of: forged) == .badSignature)
    }

    @Test func `the other valid signature over the same claims is not the token`() throws {
        let order: [UInt8] = [
            0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
            0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
        ]
        let parts = try CompactToken(token)
        var raw = parts.signature
        var borrow = 0
        for index in (0..<32).reversed() {
            let value = Int(order[index]) - Int(raw[32 + index]) - borrow
            borrow = value < 0 ? 1 : 0
            raw[32 + index] = UInt8(truncatingIfNeeded: value)
        }
        let other = Array(parts.signed) + [UInt8(ascii: ".")] + Array(base64URL(raw).utf8)
        #expect(registry.refusal(of: other) == .unknown)
        registry.revoke(minted.identifier)
        #expect(!registry.introspect(other).isActive)
    }

    @Test func `random bytes get an answer`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            var bytes = token
            for _ in 0..<3 {
                let index = Int.random(in: bytes.indices, using: &generator)
                bytes.replaceSubrange(
                    index..<min(bytes.count, index + Int.random(in: 0...9, using: &generator)),
                    with: (0..<Int.random(in: 0...9, using: &generator)).map { _ in UInt8.random(in: 0...255) }
                )
                if bytes.isEmpty { break }
            }
            if bytes != token { #expect(registry.introspect(bytes) == .inactive) }
        }
    }

    @Test func `the number of live tokens is limited and old ones are forgotten`() throws {
        let registry = TokenRegistry(identity: try identity(), clock: clocks.clock, maximumLive: 2)
        var first: MintedToken?
        for _ in 0..<20 {
            let minted = try registry.issue(audience: ["a"], lifetime: .seconds(5))
            first = first ?? minted
            registry.revoke(minted.identifier)
        }
        let forgotten = try #require(first)
        #expect(registry.state(of: forgotten.identifier) == nil)
        #expect(!registry.introspect(bytes(forgotten)).isActive)
        _ = try registry.issue(audience: ["a"], lifetime: .seconds(5))
        _ = try registry.issue(audience: ["a"], lifetime: .seconds(5))
        #expect(throws: IdentityError.tooManyTokens(2)) { try registry.issue(audience: ["a"], lifetime: .seconds(5)) }
        clocks.advance(wall: 5)
        _ = try registry.issue(audience: ["a"], lifetime: .seconds(5))
        #expect(registry.liveCount == 1)
    }

    @Test(arguments: 0..<40)
    func `base64url is read back as it was written`(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 250) }
        let encoded = Base64URL.encode(bytes)
        #expect(String(decoding: encoded, as: UTF8.self) == base64URL(bytes))
        #expect(Base64URL.decode(encoded) == bytes)
        #expect(Base64URL.decode(encoded + [UInt8(ascii: "=")]) == nil)
    }
}
