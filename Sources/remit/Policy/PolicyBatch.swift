// SPDX-License-Identifier: Apache-2.0

internal import Cedar
internal import RemitKernel

/// Answers questions, one JSON object a line of standard input, with one JSON object a line of standard output, in order.
///
/// A question that cannot be read is answered `{"error": …}`, and the next one is read.
struct PolicyBatch {
    /// The longest line that is read, in bytes; a longer one ends the batch, since where it ends is not known.
    static let lineLimit = PolicyMaterial.limit

    private var pending: [UInt8] = []
    private var number = 0
    private var overflowed = false

    /// Reads standard input to its end.
    ///
    /// - Throws: `Diagnostic` when it cannot be read, or a line is too long.
    static func run(_ answer: (PolicyQuestion) throws(Diagnostic) -> JSONValue) throws(Diagnostic) {
        var batch = PolicyBatch()
        do throws(SystemCallError) {
            try FileSystem.readPieces(0, name: "standard input") { batch.take($0, answer) }
        } catch {
            throw Diagnostic("cannot read standard input: \(error.errno)")
        }
        if batch.overflowed {
            throw Diagnostic("line \(batch.number + 1) is longer than \(lineLimit) bytes")
        }
        if !batch.pending.isEmpty { batch.reply(batch.pending, answer) }
    }

    private mutating func take(_ piece: [UInt8], _ answer: (PolicyQuestion) throws(Diagnostic) -> JSONValue) {
        guard !overflowed else { return }
        var rest = piece[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = pending + rest[..<end]
            pending.removeAll(keepingCapacity: true)
            rest = rest[(end + 1)...]
            reply(line, answer)
        }
        pending += rest
        overflowed = pending.count > Self.lineLimit
    }

    private mutating func reply(_ line: [UInt8], _ answer: (PolicyQuestion) throws(Diagnostic) -> JSONValue) {
        number += 1
        if line.allSatisfy({ " \t\r".utf8.contains($0) }) { return }
        var output: [UInt8]
        do throws(Diagnostic) {
            let document = try SourceText(utf8: line, name: "line \(number)")
            output = JSONWriter.write(try answer(try PolicyQuestion(document)))
        } catch {
            output = JSONWriter.write(PolicyAnswer.error(error))
        }
        output.append(UInt8(ascii: "\n"))
        Output.write(String(decoding: output, as: UTF8.self))
    }
}
