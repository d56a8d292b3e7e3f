// SPDX-License-Identifier: Apache-2.0

/// An automaton that finds every form of several values at once (Aho and Corasick, 1975), as a dense table.
///
/// It is built once for a set of values and shared by every stream that is searched for them. For secrets the table holds
/// them in effect, so it lives only in the gate, which is undumpable and ends with the session.
package struct PatternSet: Sendable {
    /// One form of one value.
    struct Pattern: Sendable {
        /// The index of the value.
        let value: Int
        let form: EncodedForm
        /// How many folded bytes it has.
        let length: Int
    }

    /// The longest value, in bytes: what a header field of a common server holds.
    package static let longestValue = 16_384
    /// The shortest value, in bytes: a shorter one would be found by accident.
    package static let shortestValue = 8
    /// How many values there may be.
    package static let mostValues = 64

    let patterns: [Pattern]
    /// Byte → column of the table. Columns from ``firstSpecial`` on ask for more than a step.
    let columns: [UInt8]
    /// The columns that count: other bytes have column 0, where no pattern goes on.
    let width: Int32
    /// State, times ``width``, plus column → state, times ``width``.
    let table: [Int32]
    /// States from here on, times ``width``, end a pattern.
    let firstFinal: Int32
    /// By state: how many bytes of a pattern were seen.
    let depths: [Int32]
    /// By state: the state of its longest proper suffix, times ``width``.
    let suffixes: [Int32]
    /// By state, from the first final one on: the longest pattern that ends there.
    let ends: [Int32]

    /// The column of filler bytes and of the introducers of escapes has this bit.
    static let special: UInt8 = 0x80

    /// Compiles the values, of which forms are looked for.
    ///
    /// - Throws: where a value is too short, too long, or has an empty line (which nothing but the end of an event in a
    ///   stream may have), or where there are too many.
    package init(_ values: [[UInt8]], forms: [EncodedForm] = EncodedForm.all) throws(PatternError) {
        guard values.count <= Self.mostValues else { throw .tooMany(values.count) }
        var patterns: [Pattern] = []
        var texts: [[UInt8]] = []
        for (index, value) in values.enumerated() {
            guard Fold.fold(value).count >= Self.shortestValue else { throw .tooShort(value.count) }
            guard value.count <= Self.longestValue else { throw .tooLong(value.count) }
            guard !Self.hasEmptyLine(value) else { throw .emptyLine }
            for form in forms {
                let text = Fold.fold(form.encode(value))
                guard !text.isEmpty else { continue }
                patterns.append(Pattern(value: index, form: form, length: text.count))
                texts.append(text)
            }
        }
        self.patterns = patterns

        var columns = [UInt8](repeating: 0, count: 256)
        var width = 1
        for byte in Set(texts.joined()).sorted() {
            columns[Int(byte)] = UInt8(width)
            width += 1
        }
        // At most 128 columns: what is folded from ASCII has fewer; foreign bytes share the last one.
        for byte in 0..<256 { columns[byte] = min(columns[Int(Fold.map[byte])], 0x7E) }
        width = min(width, 0x7F)
        for byte in 0..<256 where Fold.isFiller(UInt8(byte)) || EscapeReader(introducer: UInt8(byte)) != nil {
            columns[byte] |= Self.special
        }
        self.columns = columns
        self.width = Int32(width)

        var builder = PatternTrie(width: width)
        for (index, text) in texts.enumerated() {
            builder.insert(text.map { columns[Int($0)] & ~Self.special }, pattern: index)
        }
        let compiled = builder.compile()
        table = compiled.table
        firstFinal = compiled.firstFinal
        depths = compiled.depths
        suffixes = compiled.suffixes
        ends = compiled.ends
    }

    private static func hasEmptyLine(_ value: [UInt8]) -> Bool {
        let lines = value.split(separator: 0x0A, omittingEmptySubsequences: false)
        return value.contains(0) || lines.dropFirst().dropLast().contains { $0.isEmpty || $0.elementsEqual([0x0D]) }
    }

    func step(_ state: Int32, _ byte: UInt8) -> Int32 {
        table[Int(state &+ Int32(columns[Int(byte)] & ~Self.special))]
    }

    func depth(_ state: Int32) -> Int {
        Int(depths[Int(state / width)])
    }

    /// The longest pattern that ends in the state; nil where none does.
    func end(_ state: Int32) -> Int? {
        state >= firstFinal ? Int(ends[Int((state - firstFinal) / width)]) : nil
    }

    /// Whether whatever `other` may still find is found from `state` too: its bytes are a suffix.
    func covers(_ state: Int32, _ other: Int32) -> Bool {
        var state = state
        let depth = depths[Int(other / width)]
        while depths[Int(state / width)] > depth { state = suffixes[Int(state / width)] }
        return state == other
    }
}
