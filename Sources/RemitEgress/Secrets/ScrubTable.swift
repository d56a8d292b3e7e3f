// SPDX-License-Identifier: Apache-2.0

/// What responses are searched for, and what is written instead: made once for a session's secrets, shared by every
/// response.
package struct ScrubTable: Sendable {
    let patterns: PatternSet
    private let transcriptions: [Transcription]

    /// - Throws: where a secret cannot be recognised.
    package init(_ secrets: [SecretPair]) throws(PatternError) {
        patterns = try PatternSet(secrets.map(\.value))
        transcriptions = secrets.map { Transcription(of: $0.value, to: $0.placeholder) }
    }

    /// Whether there is nothing to search for.
    package var isEmpty: Bool { patterns.patterns.isEmpty }

    func replacement(_ match: PatternMatch, _ source: ArraySlice<UInt8>) -> [UInt8]? {
        transcriptions[match.value].writeOrCover(match, over: source)
    }

    /// The text without secrets: what is written instead has as many bytes.
    package func scrubbed(_ bytes: [UInt8]) -> [UInt8] {
        var stream = PatternStream(patterns)
        return stream.push(bytes, decide: replacement) + stream.finish(decide: replacement)
    }

    /// The text without secrets; the text itself, where it has none.
    package func scrubbed(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let scrubbed = scrubbed(bytes)
        return scrubbed == bytes ? text : String(decoding: scrubbed, as: UTF8.self)
    }
}
