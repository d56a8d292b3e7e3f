// SPDX-License-Identifier: Apache-2.0
// Labels beyond ASCII. Where IDNA 2003, IDNA 2008 and UTS 46 disagree, or where a table we do not carry would be needed,
// a label is refused: whoever means it can write its A-label. See decision 0001.

enum IDNA {
    static let prefix = Array("xn--".utf8)

    /// The A-label of a label in UTF-8: lower-cased, in normalisation form C, no character that folds to another.
    static func aLabel(_ label: ArraySlice<UInt8>) throws(HostNameError) -> [UInt8] {
        guard let text = String(validating: label, as: UTF8.self) else { throw .encoding }
        var scalars: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars { scalars.append(try mapped(scalar)) }
        guard scalars.count <= 63 else { throw .tooLong }
        // `é` is also `e` and U+0301, which a program that does not normalise would look up as another name.
        if let mark = scalars.first, mark.properties.generalCategory.isMark { throw .unmapped(mark) }
        var last = Unicode.CanonicalCombiningClass.notReordered
        for scalar in scalars {
            let own = scalar.properties.canonicalCombiningClass
            if own != .notReordered, own < last { throw .unmapped(scalar) }
            last = own
        }
        // Two hyphens at the third place are the mark of an encoding.
        if scalars.count > 3, scalars[2] == "-", scalars[3] == "-" { throw .fakeALabel }
        guard let encoded = Punycode.encode(scalars) else { throw .tooLong }
        return prefix + encoded
    }

    /// Checks that a label that begins with `xn--` stands for a label that is not ASCII, and is the only form of it.
    static func checkALabel(_ label: [UInt8]) throws(HostNameError) {
        let encoded = label.dropFirst(prefix.count)
        guard let scalars = Punycode.decode(encoded), scalars.contains(where: { !$0.isASCII }),
            scalars.allSatisfy(isRegistrable), Punycode.encode(scalars).map({ $0.elementsEqual(encoded) }) == true
        else { throw .fakeALabel }
    }

    /// Whether some registry may have given the character away: more than can be mapped safely, for here nothing is mapped.
    private static func isRegistrable(_ scalar: Unicode.Scalar) -> Bool {
        // The characters that IDNA 2008 keeps and others fold, and the two joiners.
        if ["ß", "ς", "\u{200C}", "\u{200D}"].contains(scalar) { return true }
        let properties = scalar.properties
        guard !properties.changesWhenNFKCCaseFolded, !properties.isDefaultIgnorableCodePoint else { return false }
        switch properties.generalCategory {
        case .control, .format, .privateUse, .surrogate, .unassigned, .spaceSeparator, .lineSeparator,
            .paragraphSeparator, .uppercaseLetter, .titlecaseLetter:
            return false
        default: return true
        }
    }

    private static func mapped(_ scalar: Unicode.Scalar) throws(HostNameError) -> Unicode.Scalar {
        if scalar.isASCII {
            switch scalar {
            case "a"..."z", "0"..."9", "-", "_": return scalar
            case "A"..."Z": return Unicode.Scalar(UInt8(truncatingIfNeeded: scalar.value) | 0x20)
            default: throw .forbidden(UInt8(truncatingIfNeeded: scalar.value))
            }
        }
        let lower = scalar.properties.lowercaseMapping.unicodeScalars
        guard let small = lower.first, lower.count == 1, isStable(small) else { throw .unmapped(scalar) }
        return small
    }

    /// Whether every version of IDNA keeps the character as it is, wherever it stands.
    private static func isStable(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        // `ß` and `ς` fold to others in some versions, and so do compatibility forms such as `ﬁ` and full-width letters.
        guard !properties.changesWhenNFKCCaseFolded, !properties.isDefaultIgnorableCodePoint else { return false }
        switch properties.generalCategory {
        case .lowercaseLetter, .otherLetter, .modifierLetter, .decimalNumber: return !composesWithPrevious(scalar)
        case .nonspacingMark, .spacingMark: return !composesWithPrevious(scalar)
        default: return false
        }
    }

    /// Whether the character may merge with the one before it in normalisation form C: those of which UAX 15 says that a
    /// quick check cannot tell (`NFC_Quick_Check=Maybe`).
    private static func composesWithPrevious(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // The blocks of combining diacritics, whole.
        case 0x0300...0x036F, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x20D0...0x20FF: true
        case 0x0653...0x0655, 0x093C, 0x09BE, 0x09D7, 0x0B3E, 0x0B56, 0x0B57, 0x0BBE, 0x0BD7, 0x0C56, 0x0CC2: true
        case 0x0CD5, 0x0CD6, 0x0D3E, 0x0D57, 0x0DCA, 0x0DCF, 0x0DDF, 0x102E, 0x1B35, 0x3099, 0x309A: true
        // Vowels and final consonants of Hangul that are written one by one.
        case 0x1161...0x1175, 0x11A8...0x11C2: true
        // Beyond the basic plane every script that composes is refused with all of its marks.
        default: scalar.value > 0xFFFF && scalar.properties.generalCategory.isMark
        }
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isMark: Bool { self == .nonspacingMark || self == .spacingMark || self == .enclosingMark }
}
