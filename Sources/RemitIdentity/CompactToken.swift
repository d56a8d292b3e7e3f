// SPDX-License-Identifier: Apache-2.0
// What can be said about the bytes of a token before anybody looks it up.

/// The three parts of a JWT in compact form (RFC 7515 §3.1), each in the one form an encoder gives.
package struct CompactToken {
    /// The largest token that is looked at, in bytes.
    package static let sizeLimit = 8 << 10

    /// The first part as it stands, still encoded.
    let header: ArraySlice<UInt8>
    /// The first two parts and their dot: what is signed.
    let signed: ArraySlice<UInt8>
    /// The signature, 64 bytes.
    let signature: [UInt8]

    /// Takes a token apart.
    ///
    /// - Throws: why it is no token of a kind that we issue. Neither header nor claims are read.
    init(_ bytes: [UInt8]) throws(TokenRefusal) {
        guard bytes.count <= Self.sizeLimit else { throw .tooLarge }
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { throw .malformed }
        guard Base64URL.decode(parts[0]) != nil, Base64URL.decode(parts[1]) != nil,
            let signature = Base64URL.decode(parts[2])
        else { throw .malformed }
        guard signature.count == 64 else { throw .malformed }
        header = parts[0]
        signed = bytes[..<parts[1].endIndex]
        self.signature = signature
    }
}
