// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Randomness from the kernel, see getrandom(2).
package enum Random {
    package static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe getrandom(buffer.baseAddress.map { unsafe $0 + filled }, count - filled, 0)
            }
            if got > 0 {
                filled += got
            } else {
                precondition(Errno.last == .interrupted, "the kernel has no randomness")
            }
        }
        return bytes
    }

    /// A random name of `length` characters of Crockford's base 32 in lower case, 5 bits each.
    package static func identifier(_ length: Int) -> String {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        return String(decoding: bytes(length).map { alphabet[Int($0 & 31)] }, as: UTF8.self)
    }
}
