// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import RemitJournal
internal import RemitKernel

/// SHA-256 in hexadecimal.
enum Digest {
    static func of(_ bytes: [UInt8]) -> String { Hex.encode(SHA256.hash(data: bytes)) }

    /// Of an open file, read from where it stands.
    static func of(file descriptor: CInt, name: String) throws(SystemCallError) -> String {
        var hasher = SHA256()
        try FileSystem.readPieces(descriptor, name: name) { hasher.update(data: $0) }
        return Hex.encode(hasher.finalize())
    }
}
