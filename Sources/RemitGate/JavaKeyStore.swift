// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// A key store in Java's own format, `JKS`, version 2, with trusted certificates only.
///
/// Java 9 and later write PKCS #12 by default and read this one as well, as earlier versions do
/// (`keystore.type.compat`), so one file serves all of them.
struct JavaKeyStore {
    /// A certificate that is trusted.
    struct Entry {
        /// Its name in the store: lower-case ASCII.
        let alias: String
        /// The certificate in DER.
        let certificate: [UInt8]
    }

    let entries: [Entry]

    /// The store, sealed with a password.
    ///
    /// - Parameter now: when the entries were made, in milliseconds since 1970.
    func bytes(password: String, now: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(0xFEED_FEED as UInt32)
        bytes.appendBigEndian(2 as UInt32)
        bytes.appendBigEndian(UInt32(entries.count))
        for entry in entries {
            bytes.appendBigEndian(2 as UInt32)
            bytes.appendJavaText(entry.alias)
            bytes.appendBigEndian(now)
            bytes.appendJavaText("X.509")
            bytes.appendBigEndian(UInt32(entry.certificate.count))
            bytes += entry.certificate
        }
        // The seal: a digest of the password in UTF-16, a phrase that is the same for everyone, and the store.
        var digest = Insecure.SHA1()
        digest.update(data: password.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] })
        digest.update(data: Array("Mighty Aphrodite".utf8))
        digest.update(data: bytes)
        return bytes + digest.finalize()
    }
}

extension [UInt8] {
    fileprivate mutating func appendBigEndian(_ integer: some FixedWidthInteger) {
        for shift in stride(from: integer.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }

    fileprivate mutating func appendJavaText(_ ascii: String) {
        appendBigEndian(UInt16(truncatingIfNeeded: ascii.utf8.count))
        append(contentsOf: ascii.utf8)
    }
}
