// SPDX-License-Identifier: Apache-2.0

package import RemitGate
internal import RemitKernel
internal import RemitNetwork

/// The secrets of a session as requests and responses need them: compiled once for each change, shared by every connection.
package struct SecretTable: Sendable {
    /// One value, of the lease that it belongs to.
    struct Part: Sendable {
        let name: SecretPart.Name
        let pair: SecretPair
        /// Writes the value in the place of the placeholder.
        let value: Transcription
        /// Tells the placeholder itself from what only folds to it.
        let placeholder: Transcription
    }

    /// What responses are searched for.
    package let scrub: ScrubTable
    let parts: [Part]
    let bindings: [SecretBinding]
    /// The placeholders, by the index of their part.
    let placeholders: PatternSet
    let fenced: Set<String>

    /// Compiles what was granted.
    ///
    /// - Parameter fenced: leases whose placeholders have no effect any more.
    /// - Throws: where a value or a placeholder cannot be recognised in a stream: then nothing may be granted.
    package init(_ grants: [SecretGrant], fenced: Set<String> = []) throws(PatternError) {
        var parts: [Part] = []
        for grant in grants {
            for part in grant.parts {
                let pair = SecretPair(
                    lease: grant.lease, placeholder: Array(part.placeholder.utf8), value: part.value.withBytes { $0 }
                )
                parts.append(
                    Part(
                        name: part.name, pair: pair, value: Transcription(of: pair.placeholder, to: pair.value),
                        placeholder: Transcription(of: pair.placeholder, to: pair.placeholder)
                    )
                )
            }
        }
        self.parts = parts
        self.fenced = fenced
        bindings = grants.flatMap(\.bindings)
        scrub = try ScrubTable(parts.map(\.pair))
        placeholders = try PatternSet(parts.map(\.pair.placeholder))
    }

    /// Whether there are no secrets.
    package var isEmpty: Bool { parts.isEmpty }

    /// The lease of a placeholder in a host name that somebody asks for, also where dots divide it.
    package func lease(inName name: String) -> String? {
        let bytes = Array(name.utf8)
        return lease(in: bytes) ?? lease(in: bytes.filter { $0 != UInt8(ascii: ".") })
    }

    /// The lease of a placeholder somewhere in these bytes, in any spelling.
    func lease(in bytes: [UInt8]) -> String? {
        var lease: String?
        var stream = PatternStream(placeholders)
        let note: PatternStream.Decision = { match, _ in
            lease = lease ?? parts[match.value].pair.lease
            return nil
        }
        _ = stream.push(bytes, decide: note)
        _ = stream.finish(decide: note)
        return lease
    }

    /// The text without secrets and placeholders, for journals and logs: each is replaced by the name of its lease.
    package func redacted(_ text: String) -> String {
        let output = redact(redact(Array(text.utf8), scrub.patterns), placeholders)
        return String(decoding: output, as: UTF8.self)
    }

    private func redact(_ bytes: [UInt8], _ patterns: PatternSet) -> [UInt8] {
        var stream = PatternStream(patterns)
        let replace: PatternStream.Decision = { match, _ in
            match.isRemainder ? [] : Array("[secret of \(parts[match.value].pair.lease)]".utf8)
        }
        return stream.push(bytes, decide: replace) + stream.finish(decide: replace)
    }
}
