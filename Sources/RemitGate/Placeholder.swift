// SPDX-License-Identifier: Apache-2.0

/// Makes the inert strings that an agent holds instead of secrets.
///
/// A placeholder looks like its secret, so that programs that check what they are given take it: as long, with the same
/// public beginning, the same separators, and the same kind of character in every place. All else is random. Where that
/// leaves less than ``leastBits`` of chance, it would be guessed or met by accident, and the placeholder is a longer one
/// of a shape of its own: `remit_` and 32 letters and digits.
package enum Placeholder {
    /// How much chance there is in a placeholder at least, in bits.
    package static let leastBits = 80.0

    /// Beginnings that say what a secret is for, and nothing of its value.
    static let beginnings = [
        "sk-ant-api03-", "sk-ant-oat01-", "sk-ant-admin01-", "sk-ant-", "sk-proj-", "sk-svcacct-", "sk-or-v1-", "sk-",
        "github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "gldt-", "glcbt-", "xoxb-", "xoxp-", "xoxa-",
        "xapp-", "AKIA", "ASIA", "AIza", "ya29.", "hf_", "npm_", "pypi-", "dop_v1_", "hvs.", "hvb.", "s.", "rk_live_",
        "sk_live_", "sk_test_", "SG.", "gsk_", "xai-", "r8_", "pplx-", "lin_api_", "ntn_", "secret_", "sbp_", "tskey-",
    ]

    /// A placeholder for a secret.
    package static func make(for secret: [UInt8]) -> String {
        var generator = SystemRandomNumberGenerator()
        return make(for: secret, using: &generator)
    }

    static func make(for secret: [UInt8], using generator: inout some RandomNumberGenerator) -> String {
        let kept = publicCount(secret)
        let classes = CharacterClass.classes(of: secret[kept...])
        let bits = classes.reduce(0) { $0 + $1.bits }
        let isText = secret.allSatisfy { (0x21...0x7E).contains($0) }
        guard isText, bits >= leastBits else { return own(using: &generator) }
        while true {
            var bytes = Array(secret[..<kept])
            for (byte, kind) in zip(secret[kept...], classes) { bytes.append(kind.draw(using: &generator) ?? byte) }
            // One in 2^80: but a placeholder is never the secret.
            if bytes != secret { return String(decoding: bytes, as: UTF8.self) }
        }
    }

    /// Fewer random characters would be guessed or met by accident: 20 have some 119 bits.
    private static let leastRandom = 20

    /// A placeholder for a secret in a shape of the operator's: its `*` stands for as many random letters and digits as the
    /// secret is longer than the rest of the shape, so that both are of one length, but for ``leastRandom`` at least.
    ///
    /// - Parameter shape: with one `*`; without any the shape is taken from the secret.
    package static func make(for secret: [UInt8], shape: String?) -> String {
        var generator = SystemRandomNumberGenerator()
        guard let shape, let star = shape.firstIndex(of: "*") else { return make(for: secret, using: &generator) }
        let length = max(leastRandom, secret.count - (shape.utf8.count - 1))
        let random = (0..<length).compactMap { _ in CharacterClass.mixed.draw(using: &generator) }
        return shape[..<star] + String(decoding: random, as: UTF8.self) + shape[shape.index(after: star)...]
    }

    private static func own(using generator: inout some RandomNumberGenerator) -> String {
        let characters = (0..<32).compactMap { _ in CharacterClass.mixed.draw(using: &generator) }
        return "remit_" + String(decoding: characters, as: UTF8.self)
    }

    /// How many bytes at the beginning are no secret.
    private static func publicCount(_ secret: [UInt8]) -> Int {
        if let count = claimsCount(secret) { return count }
        let beginning = beginnings.filter { secret.starts(with: $0.utf8) }.max { $0.utf8.count < $1.utf8.count }
        return beginning?.utf8.count ?? 0
    }

    /// Of a JSON Web Token (RFC 7519) header and claims are kept, since programs read in them when it ends; without its
    /// signature it is worth nothing.
    private static func claimsCount(_ secret: [UInt8]) -> Int? {
        guard secret.starts(with: "eyJ".utf8) else { return nil }
        let dots = secret.indices.filter { secret[$0] == UInt8(ascii: ".") }
        return dots.count == 2 ? dots[1] + 1 : nil
    }
}

/// What kind of character stands in a place.
private enum CharacterClass {
    case digit
    case lower
    case upper
    case lowerHexadecimal
    case upperHexadecimal
    case mixed
    case kept

    /// Hexadecimal only where nothing but it occurs; a separator stays what it is.
    static func classes(of bytes: ArraySlice<UInt8>) -> [CharacterClass] {
        let characters = bytes.map(CharacterClass.init)
        let secret = zip(bytes, characters).filter { $0.1 != .kept }.map(\.0)
        let isHexadecimal = { (letters: ClosedRange<UInt8>) in
            secret.contains { letters.contains($0) }
                && secret.allSatisfy { letters.contains($0) || CharacterClass($0) == .digit }
        }
        if isHexadecimal(UInt8(ascii: "a")...UInt8(ascii: "f")) {
            return characters.map { $0 == .kept ? .kept : .lowerHexadecimal }
        }
        if isHexadecimal(UInt8(ascii: "A")...UInt8(ascii: "F")) {
            return characters.map { $0 == .kept ? .kept : .upperHexadecimal }
        }
        return characters
    }

    private init(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self = .digit
        case UInt8(ascii: "a")...UInt8(ascii: "z"): self = .lower
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): self = .upper
        default: self = .kept
        }
    }

    private var alphabet: [UInt8] {
        switch self {
        case .digit: Array("0123456789".utf8)
        case .lower: Array("abcdefghijklmnopqrstuvwxyz".utf8)
        case .upper: Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        case .lowerHexadecimal: Array("0123456789abcdef".utf8)
        case .upperHexadecimal: Array("0123456789ABCDEF".utf8)
        case .mixed: Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        case .kept: []
        }
    }

    /// The chance in one character, rounded down to tenths.
    var bits: Double {
        switch self {
        case .digit: 3.3
        case .lower, .upper: 4.7
        case .lowerHexadecimal, .upperHexadecimal: 4
        case .mixed: 5.9
        case .kept: 0
        }
    }

    func draw(using generator: inout some RandomNumberGenerator) -> UInt8? {
        alphabet.randomElement(using: &generator)
    }
}
