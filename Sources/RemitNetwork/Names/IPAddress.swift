// SPDX-License-Identifier: Apache-2.0

/// An address of the internet protocol, version 4 or 6, without a zone.
package enum IPAddress: Hashable, Sendable {
    /// Version 4, in host byte order.
    case v4(UInt32)
    /// Version 6, as two halves in host byte order.
    case v6(high: UInt64, low: UInt64)

    /// Reads an address: `192.0.2.1` with four decimal numbers without leading zeros, or RFC 4291 section 2.2.
    ///
    /// Octal, hexadecimal and short forms, zones, brackets and spaces are nothing.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 45 else { return nil }
        if bytes.contains(UInt8(ascii: ":")) {
            guard let address = Self.six(bytes[...]) else { return nil }
            self = address
        } else {
            guard let value = Self.four(bytes[...]) else { return nil }
            self = .v4(value)
        }
    }

    /// Reads an address in network byte order: 4 or 16 bytes, or nothing.
    package init?(networkBytes bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self = .v6(
                high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
            )
        default: return nil
        }
    }

    /// The address in network byte order: 4 or 16 bytes.
    package var networkBytes: [UInt8] {
        switch self {
        case .v4(let value): (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
        case .v6(let high, let low):
            [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * UInt64($0))) } }
        }
    }

    /// 32 or 128.
    package var width: Int { if case .v4 = self { 32 } else { 128 } }

    /// Whether it is of version 6.
    package var isVersion6: Bool { if case .v6 = self { true } else { false } }

    /// The address that a socket of version 4 would use for it: `::ffff:192.0.2.1` is `192.0.2.1`.
    package var unmapped: IPAddress {
        if case .v6(high: 0, let low) = self, low >> 32 == 0xFFFF { .v4(UInt32(truncatingIfNeeded: low)) } else { self }
    }

    private static func four(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var number: UInt32 = 0
            for byte in part {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                number = number * 10 + UInt32(byte - UInt8(ascii: "0"))
            }
            guard number <= 255 else { return nil }
            value = value << 8 | number
        }
        return value
    }

    private static func six(_ bytes: ArraySlice<UInt8>) -> IPAddress? {
        var pieces = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard (3...9).contains(pieces.count) else { return nil }
        // A gap shows as one empty piece, and as one more at each end of the text that it touches.
        if pieces[0].isEmpty {
            guard pieces[1].isEmpty else { return nil }
            pieces.removeFirst()
        }
        if let last = pieces.last, last.isEmpty {
            guard pieces.count >= 2, pieces[pieces.count - 2].isEmpty else { return nil }
            pieces.removeLast()
        }
        var groups: [UInt16] = []
        var gap: Int?
        for (index, piece) in pieces.enumerated() {
            if piece.isEmpty {
                guard gap == nil else { return nil }
                gap = groups.count
            } else if index == pieces.count - 1, piece.contains(UInt8(ascii: ".")) {
                guard let value = four(piece) else { return nil }
                groups += [UInt16(truncatingIfNeeded: value >> 16), UInt16(truncatingIfNeeded: value)]
            } else {
                guard let group = group(piece) else { return nil }
                groups.append(group)
            }
        }
        if let gap {
            guard groups.count <= 7 else { return nil }
            groups.insert(contentsOf: [UInt16](repeating: 0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        return .v6(
            high: groups[..<4].reduce(0) { $0 << 16 | UInt64($1) },
            low: groups[4...].reduce(0) { $0 << 16 | UInt64($1) }
        )
    }

    private static func group(_ piece: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(piece.count) else { return nil }
        var value: UInt16 = 0
        for byte in piece {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}

extension IPAddress: CustomStringConvertible {
    /// The one form of an address: RFC 5952 for version 6.
    package var description: String {
        guard case .v6(let high, let low) = self else {
            return networkBytes.map { "\($0)" }.joined(separator: ".")
        }
        let unmapped = self.unmapped
        if !unmapped.isVersion6 { return "::ffff:\(unmapped)" }
        let groups = [high, low].flatMap { half in
            (0..<4).map { UInt16(truncatingIfNeeded: half >> (48 - 16 * UInt64($0))) }
        }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = max(end, start + 1)
        }
        let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        return best.isEmpty
            ? text(groups[...]) : "\(text(groups[..<best.lowerBound]))::\(text(groups[best.upperBound...]))"
    }
}
