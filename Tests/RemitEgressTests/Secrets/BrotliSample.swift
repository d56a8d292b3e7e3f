// SPDX-License-Identifier: Apache-2.0

@testable import RemitEgress

/// A stream by brotli's reference encoder at its highest quality, with references to its static dictionary.
enum BrotliSample {
    static let plain: [UInt8] = {
        let secret = String(decoding: SecretFixture.anthropic.value, as: UTF8.self)
        let start = String(repeating: "the quick brown fox jumps over the lazy dog; ", count: 6)
        let end = String(repeating: " and then, the time of the other people: ", count: 3)
        return Array((start + secret + end).utf8)
    }()

    static let coded =
        Base64.decode(
            """
            G7sBoGRhXakulJMrjDeccuBQW4B5mRyMDsQH9IPH8DpWkoNHn9sF5LCIsl6+YMEPEHg2x+H/g/mykYBdeRyQ4fxEhusOp5Dyxmdv\
            Kj+z4UjEJ8H/0faBM7ektjLyhEcDsiTdzoM/zjw/1dQGjOiYCBw=
            """.utf8
        ) ?? []
}
