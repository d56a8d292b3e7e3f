// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// Why the host key cannot be used.
package enum HostKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemCallError)
    /// The file or its directory could be read or replaced by somebody else, or is no regular file.
    case unsafeFile(path: String, reason: String)
    /// The file holds no P-256 key in PEM form.
    case malformed(path: String)
    /// The public key beside the private one belongs to another.
    case mismatch(path: String)
    /// The cryptographic library refused to sign.
    case signing(String)

    package var description: String {
        switch self {
        case .system(let error): error.description
        case .unsafeFile(let path, let reason): "refusing key `\(path)`: \(reason)"
        case .malformed(let path): "`\(path)` holds no P-256 key in PEM form"
        case .mismatch(let path): "`\(path)` does not belong to the private key beside it"
        case .signing(let reason): "cannot sign: \(reason)"
        }
    }
}
