// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import RemitKernel

/// SHA-256 in hexadecimal.
enum Digest {
    static func of(_ bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    /// Of an open file, read from where it stands.
    static func of(file descriptor: CInt, name: String) throws(SystemCallError) -> String {
        var hasher = SHA256()
        try FileSystem.readPieces(descriptor, name: name) { hasher.update(data: $0) }
        return hexadecimal(hasher.finalize())
    }

    private static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
