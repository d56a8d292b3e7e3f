// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import RemitKernel

/// Keeps what an agent wrote, up to a limit, with the session's secrets taken out.
package final class OutputCapture {
    /// The most that is kept of one stream.
    package static let limit = 16 << 20

    private let file: DescriptorBox
    private let name: String
    private var written = 0
    private var redactor = Redactor()

    /// - Throws: ``SystemCallError`` when the file exists or cannot be made.
    package init(_ path: String) throws(SystemCallError) {
        file = DescriptorBox(
            try FileSystem.open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, mode: 0o600)
        )
        name = path
    }

    /// Every later occurrence of these bytes is replaced.
    package func hide(_ secret: Secret) { redactor.hide(secret) }

    package func take(_ bytes: ArraySlice<UInt8>) { keep(redactor.pass(bytes)) }

    /// Writes what was held back to recognise a secret, and closes the file.
    package func finish() {
        keep(redactor.flush())
        file.close()
    }

    private func keep(_ bytes: [UInt8]) {
        guard file.isOpen, !bytes.isEmpty else { return }
        let room = Self.limit - written
        guard room > 0 else { return }
        var piece = Array(bytes.prefix(room))
        if bytes.count >= room { piece += Array("\n[remit: output beyond \(Self.limit) bytes is not kept]\n".utf8) }
        written += piece.count
        // A full disk must not stop the agent's output from being relayed; the copy ends here.
        if (try? FileSystem.writeAll(file.number, piece, name: name)) == nil { file.close() }
    }
}

/// Replaces secrets in a stream, also where one is split between pieces.
struct Redactor {
    private static let mark = Array("[redacted]".utf8)
    private var secrets: [Secret] = []
    private var longest = 0
    private var held: [UInt8] = []

    mutating func hide(_ secret: Secret) {
        // Shorter values would tear holes into ordinary text.
        guard secret.count >= 8 else { return }
        secrets.append(secret)
        // Longest first: one may be part of another.
        secrets.sort { $0.count > $1.count }
        longest = max(longest, secret.count)
    }

    mutating func pass(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard !secrets.isEmpty else { return Array(bytes) }
        held += bytes
        // A place is decided once the longest secret would fit there: the result does not depend on the pieces.
        return scan(leaving: longest - 1)
    }

    mutating func flush() -> [UInt8] { scan(leaving: 0) }

    private mutating func scan(leaving rest: Int) -> [UInt8] {
        var output: [UInt8] = []
        var index = 0
        while held.count - index > rest {
            if let length = secretLength(at: index) {
                output += Self.mark
                index += length
            } else {
                output.append(held[index])
                index += 1
            }
        }
        held.removeFirst(index)
        return output
    }

    /// The length of the longest secret that stands at `index`.
    private func secretLength(at index: Int) -> Int? {
        for secret in secrets where secret.count <= held.count - index && secret.isPrefix(of: held, at: index) {
            return secret.count
        }
        return nil
    }
}
