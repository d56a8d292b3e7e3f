// SPDX-License-Identifier: Apache-2.0

/// Undoes the codings of a message, the last one applied first.
struct DecoderChain {
    private let codings: [ContentCoding]
    private let stages: [any ContentDecoder]

    /// - Parameter codings: in the order in which they were applied.
    init(_ codings: [ContentCoding]) {
        self.codings = codings.reversed()
        stages = self.codings.map(\.decoder)
    }

    func push(_ bytes: [UInt8]) {
        stages.first?.push(bytes)
    }

    /// The next decoded bytes; nil when more input is needed.
    func next() throws(ScrubError) -> [UInt8]? {
        guard !stages.isEmpty else { return nil }
        var stage = stages.count - 1
        while true {
            if let piece = try stages[stage].next() {
                if stage == stages.count - 1 { return piece }
                stage += 1
                stages[stage].push(piece)
            } else if stage == 0 {
                return nil
            } else {
                stage -= 1
            }
        }
    }

    /// - Throws: where a coding has not reached its end.
    func finish() throws(ScrubError) {
        for (stage, coding) in zip(stages, codings) where !stage.isComplete { throw .truncated(coding) }
    }
}
