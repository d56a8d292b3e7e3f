// SPDX-License-Identifier: Apache-2.0
// The one place where the name of a host becomes a value: what is compared, resolved and recorded afterwards is this.

/// The name of a host in its canonical form: lower-case A-labels (RFC 5890), no dot at the end, at most 253 bytes.
package struct HostName: Hashable, Sendable {
    /// The canonical form: letters, digits, `-`, `_` and dots between labels.
    package let text: String

    /// Reads a name as it came from a peer or a file: any case, with or without the dot of the root, A-labels or UTF-8.
    ///
    /// - Throws: ``HostNameError`` for whatever two programs could read differently, see its cases.
    package init(_ untrusted: some Sequence<UInt8>) throws(HostNameError) {
        var bytes: [UInt8] = []
        for byte in untrusted {
            // Four bytes a character, and the root's dot: longer cannot become a name whatever it maps to.
            guard bytes.count < 1024 else { throw .tooLong }
            bytes.append(byte)
        }
        if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        if bytes.isEmpty { throw .empty }
        var canonical: [UInt8] = []
        canonical.reserveCapacity(bytes.count)
        for label in bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            if !canonical.isEmpty { canonical.append(UInt8(ascii: ".")) }
            canonical += try Self.label(label)
        }
        guard canonical.count <= 253 else { throw .tooLong }
        guard !Self.endsInNumber(canonical) else { throw .numeric }
        text = String(decoding: canonical, as: UTF8.self)
    }

    /// Reads a name as text.
    ///
    /// - Throws: ``HostNameError``
    package init(_ text: String) throws(HostNameError) { try self.init(text.utf8) }

    /// A part of a canonical name is canonical.
    private init(canonical: Substring) { text = String(canonical) }

    /// The name without its first label; nothing for a name of one label.
    package var parent: HostName? {
        text.firstIndex(of: ".").map { HostName(canonical: text[text.index(after: $0)...]) }
    }

    /// Whether the name is one label only, such as `localhost`.
    package var isSingleLabel: Bool { !text.utf8.contains(UInt8(ascii: ".")) }

    /// Whether this name lies below another: `a.example.com` below `example.com`, and no name below itself.
    package func isSubdomain(of other: HostName) -> Bool {
        text.utf8.count > other.text.utf8.count && text.hasSuffix(other.text)
            && text.utf8.dropLast(other.text.utf8.count).last == UInt8(ascii: ".")
    }

    private static func label(_ label: ArraySlice<UInt8>) throws(HostNameError) -> [UInt8] {
        if label.isEmpty { throw .emptyLabel }
        var mapped: [UInt8]
        if label.allSatisfy({ $0 < 0x80 }) {
            mapped = []
            mapped.reserveCapacity(label.count)
            for byte in label {
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): mapped.append(byte | 0x20)
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    mapped.append(byte)
                default: throw .forbidden(byte)
                }
            }
            if mapped.starts(with: IDNA.prefix) { try IDNA.checkALabel(mapped) }
        } else {
            mapped = try IDNA.aLabel(label)
        }
        guard mapped.count <= 63 else { throw .tooLong }
        if mapped.first == UInt8(ascii: "-") || mapped.last == UInt8(ascii: "-") { throw .hyphen }
        return mapped
    }

    /// What the URL Standard calls "ends in a number": `127.0.0.1`, `0x7f.1`, `017700000001`, `2130706433`.
    private static func endsInNumber(_ canonical: [UInt8]) -> Bool {
        let last = canonical.split(separator: UInt8(ascii: ".")).last ?? []
        if last.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) { return true }
        return last.starts(with: [UInt8(ascii: "0"), UInt8(ascii: "x")])
            && last.dropFirst(2).allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    }
}

extension HostName: CustomStringConvertible {
    /// The canonical form.
    package var description: String { text }
}
