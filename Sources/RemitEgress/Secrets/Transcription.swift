// SPDX-License-Identifier: Apache-2.0

/// Writes one value in the place of another, in the spelling that the other stood there: the same escapes, alphabet and
/// case, and always as many bytes.
struct Transcription {
    /// What covers a place where nothing can be spelled.
    static let cover = UInt8(ascii: "*")

    /// By form, in the standard alphabet and lower-case digits: what stands there, and what is written.
    private let texts: [EncodedForm: (found: [UInt8], written: [UInt8])]

    init(of found: [UInt8], to written: [UInt8]) {
        texts = Dictionary(
            uniqueKeysWithValues: EncodedForm.all.map { ($0, ($0.encode(found), $0.encode(written))) }
        )
    }

    /// The replacement for `source`; nil where it cannot be spelled in its way.
    func write(_ form: EncodedForm, over source: ArraySlice<UInt8>) -> [UInt8]? {
        // A percent sign or backslash may be one of the value, or begin an escape.
        write(form, over: source, prefersEscapes: true) ?? write(form, over: source, prefersEscapes: false)
    }

    private func write(_ form: EncodedForm, over source: ArraySlice<UInt8>, prefersEscapes: Bool) -> [UInt8]? {
        guard let (found, written) = texts[form], found.count == written.count else { return nil }
        let spelling = Spelling(form, source)
        var output: [UInt8] = []
        output.reserveCapacity(source.count)
        var rest = source
        var index = 0
        while let byte = rest.first {
            let isLiteral = index < found.count && Fold.map[Int(byte)] == Fold.map[Int(found[index])]
            if Fold.isFiller(byte) {
                output.append(byte)
                rest.removeFirst()
            } else if let escape = Escape(rest), escape.isFiller {
                output += escape.bytes
                rest.removeFirst(escape.bytes.count)
            } else if prefersEscapes || !isLiteral, let escape = Escape(rest), index < found.count,
                escape.folded == Fold.map[Int(found[index])]
            {
                let character = spelling.spell(written[index])
                guard let bytes = escape.write(character, upperCase: spelling.hasUpperCaseEscapes) else { return nil }
                output += bytes
                index += 1
                rest.removeFirst(escape.bytes.count)
            } else {
                guard isLiteral else { return nil }
                output.append(spelling.spell(written[index]))
                index += 1
                rest.removeFirst()
            }
        }
        return index == found.count && output.count == source.count ? output : nil
    }

    /// The replacement, or as many cover characters as there are bytes.
    func writeOrCover(_ match: PatternMatch, over source: ArraySlice<UInt8>) -> [UInt8] {
        let written = match.isRemainder ? nil : write(match.form, over: source)
        return written ?? [UInt8](repeating: Self.cover, count: source.count)
    }

    private static func isUpperCaseDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
    }

    /// Which of the spellings that are folded together the source has.
    private struct Spelling {
        private let isUpperCase: Bool
        private let isURLSafe: Bool
        let hasUpperCaseEscapes: Bool

        init(_ form: EncodedForm, _ source: ArraySlice<UInt8>) {
            isUpperCase = form == .hexadecimal && source.contains(where: isUpperCaseDigit)
            hasUpperCaseEscapes = source.indices.contains { Escape(source[$0...])?.isUpperCase == true }
            if case .base64 = form {
                isURLSafe = source.contains(UInt8(ascii: "-")) || source.contains(UInt8(ascii: "_"))
            } else {
                isURLSafe = false
            }
        }

        func spell(_ byte: UInt8) -> UInt8 {
            if isUpperCase, byte >= UInt8(ascii: "a") { return byte & ~0x20 }
            if isURLSafe, byte == UInt8(ascii: "+") { return UInt8(ascii: "-") }
            if isURLSafe, byte == UInt8(ascii: "/") { return UInt8(ascii: "_") }
            return byte
        }
    }

    /// One escape in the source.
    private struct Escape {
        let bytes: [UInt8]
        private let scalar: UInt16

        var isFiller: Bool { scalar < 0x80 && Fold.isFiller(UInt8(scalar)) }
        /// The character as it is compared; nil where it is more than a byte.
        var folded: UInt8? { scalar < 0x100 ? Fold.map[Int(scalar)] : nil }
        var isUpperCase: Bool { bytes.count > 2 && bytes.suffix(2).contains(where: isUpperCaseDigit) }

        init?(_ source: ArraySlice<UInt8>) {
            guard let introducer = source.first, var reader = EscapeReader(introducer: introducer) else { return nil }
            var bytes = [introducer]
            for byte in source.dropFirst() {
                bytes.append(byte)
                switch reader.read(byte) {
                case .more: continue
                case .none: return nil
                case .complete(let scalar, _):
                    self.bytes = bytes
                    self.scalar = scalar
                    return
                }
            }
            return nil
        }

        /// The same kind of escape for another character.
        func write(_ byte: UInt8, upperCase: Bool) -> [UInt8]? {
            if scalar == UInt16(byte) { return bytes }
            // Two characters, the second of which is itself: most characters have no such escape.
            guard bytes.count > 2, byte < 0x80, scalar < 0x80 else { return nil }
            let digits = EncodedForm.hexadecimal.encode([byte]).map {
                upperCase && $0 >= UInt8(ascii: "a") ? $0 & ~0x20 : $0
            }
            return bytes.dropLast(2) + digits
        }
    }
}
