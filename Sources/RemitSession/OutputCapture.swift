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
        replaceAll()
        // A secret may have begun in what is left: as many bytes as one lacks of being complete wait.
        let keep = min(held.count, longest - 1)
        let ready = Array(held.dropLast(keep))
        held = Array(held.suffix(keep))
        return ready
    }

    mutating func flush() -> [UInt8] {
        replaceAll()
        defer { held = [] }
        return held
    }

    private mutating func replaceAll() {
        for secret in secrets {
            secret.withBytes { needle in
                var start = held.startIndex
                while let match = Self.find(needle, in: held, from: start) {
                    held.replaceSubrange(match..<match + needle.count, with: Self.mark)
                    start = match + Self.mark.count
                }
            }
        }
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= needle.count else { return nil }
        var index = start
        while index <= bytes.count - needle.count {
            if bytes[index] == needle[0], bytes[index..<index + needle.count].elementsEqual(needle) { return index }
            index += 1
        }
        return nil
    }
}
