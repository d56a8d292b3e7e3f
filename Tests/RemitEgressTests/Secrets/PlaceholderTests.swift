// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RemitEgress
@testable import RemitGate

@Suite struct PlaceholderTests {
    static let secrets = [
        "sk-ant-api03-Zq8Wv3Xn6Rb1Tm9Py4Lk7Jh2Gf5Dc0Sa-eU_iO", "sk-proj-a8Kd93mZpQ0rLtW2xYvB5nC7",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "ghs_16C7e42F292c6912E7710c838347Ae178B4a", "github_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789",
        "glpat-Ab3dEf6hIj9lMn2pQr5t",
        "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx", "AKIAQ3EGRTJ5XYZ2ABCD4M7K",
        "0123456789abcdef0123456789abcdef01234567",
        "0123456789ABCDEF0123456789ABCDEF",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ]

    @Test(arguments: secrets)
    func `a placeholder has its secret's shape and beginning`(secret: String) throws {
        for _ in 0..<20 {
            let placeholder = Placeholder.make(for: Array(secret.utf8))
            #expect(placeholder.utf8.count == secret.utf8.count)
            #expect(placeholder != secret)
            for (own, other) in zip(placeholder.utf8, secret.utf8) {
                func isAlphanumeric(_ byte: UInt8) -> Bool {
                    SecretFixture.isLetter(byte) || (0x30...0x39).contains(byte)
                }
                #expect(own == other || (isAlphanumeric(own) && isAlphanumeric(other)))
            }
            let beginning = try #require(
                ["sk-ant-api03-", "sk-proj-", "ghp_", "ghs_", "github_pat_", "glpat-", "xoxb-", "AKIA", "0", "eyJ"]
                    .filter {
                        secret.hasPrefix($0)
                    }.first
            )
            if beginning != "0" { #expect(placeholder.hasPrefix(beginning)) }
            // Where both are made into a pair, one takes as much room as the other.
            #expect(
                SecretPair(lease: "", placeholder: Array(placeholder.utf8), value: Array(secret.utf8)).hasSameShape
            )
        }
    }

    @Test func `of a token header and claims stay, and the signature does not`() throws {
        let token = try #require(Self.secrets.last)
        let placeholder = Placeholder.make(for: Array(token.utf8))
        let parts = token.split(separator: ".")
        #expect(placeholder.hasPrefix("\(parts[0]).\(parts[1])."))
        #expect(!placeholder.hasSuffix(String(parts[2])))
    }

    @Test func `hexadecimal stays hexadecimal`() {
        let placeholder = Placeholder.make(for: Array(Self.secrets[8].utf8))
        #expect(placeholder.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    }

    @Test(arguments: [
        "hunter2", "", "12345678901234567890", "sk-ant-api03-short", "pässword-with-umlauts-and-more-of-it",
        "a b c d e f g h i j k l m n o p q r s", "line\nline\nline\nline\nline\nline\nline",
    ])
    func `what leaves too little chance gets a longer one of its own shape`(secret: String) {
        let placeholder = Placeholder.make(for: Array(secret.utf8))
        #expect(placeholder.hasPrefix("remit_") && placeholder.utf8.count == 38)
        #expect(secret.isEmpty || !placeholder.contains(secret))
    }

    @Test func `a shape of the operator's is kept, and the secret's length where it has room`() {
        let secret = Array("internal-1234567890-abcdefghijklmnopqrstuvwxyz-eu".utf8)
        for (shape, count) in [
            ("int_*", secret.count), ("*.eu", secret.count), ("a-*-z", secret.count), ("*", secret.count),
        ] {
            let placeholder = Placeholder.make(for: secret, shape: shape)
            let parts = shape.split(separator: "*", omittingEmptySubsequences: false)
            #expect(placeholder.hasPrefix(parts[0]) && placeholder.hasSuffix(parts[1]), "\(placeholder)")
            #expect(placeholder.utf8.count == count, "\(placeholder)")
            let random = placeholder.dropFirst(parts[0].count).dropLast(parts[1].count)
            #expect(random.allSatisfy { $0.isLetter || $0.isNumber }, "\(placeholder)")
            #expect(placeholder != Placeholder.make(for: secret, shape: shape))
        }
        // A short secret gets one that is longer, rather than one that can be guessed.
        #expect(Placeholder.make(for: Array("hunter2".utf8), shape: "key-*").utf8.count == 24)
        #expect(Placeholder.make(for: Array(Self.secrets[0].utf8), shape: nil).hasPrefix("sk-ant-api03-"))
    }

    @Test(arguments: secrets)
    func `no two are alike`(secret: String) {
        let placeholders = Set((0..<1_000).map { _ in Placeholder.make(for: Array(secret.utf8)) })
        #expect(placeholders.count == 1_000)
    }
}
