// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address, or a range of them, the extension type `ipaddr`.
///
/// A range keeps the address it was written with: `10.0.0.1/24` and `10.0.0.0/24` are different values that hold the
/// same addresses.
public struct CedarIPAddress: Hashable, Sendable {
    /// The address, in the low 32 bits for IPv4.
    public let address: UInt128
    /// How many leading bits are the same in the whole range: 0 to 32 or 0 to 128.
    public let prefix: UInt8
    /// Whether this is IPv6.
    public let isIPv6: Bool

    private init(address: UInt128, prefix: UInt8, isIPv6: Bool) {
        self.address = address
        self.prefix = prefix
        self.isIPv6 = isIPv6
    }

    /// Reads an address, with `/` and a prefix length for a range; nil for anything else.
    ///
    /// No leading zeros, no zones, no IPv4 inside of IPv6.
    public init?(_ text: CedarString) {
        // An address of IPv6 takes at most 39 bytes, the prefix at most 4.
        guard text.utf8.count <= 43 else { return nil }
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2 else { return nil }
        let isIPv6 = first.contains(UInt8(ascii: ":"))
        guard let address = isIPv6 ? CedarIPAddress.ipv6(first) : CedarIPAddress.ipv4(first) else { return nil }
        self.address = address
        self.isIPv6 = isIPv6
        let bits: UInt8 = isIPv6 ? 128 : 32
        if parts.count == 2 {
            guard let prefix = CedarIPAddress.decimal(parts[1], digits: isIPv6 ? 3 : 2), prefix <= bits else {
                return nil
            }
            self.prefix = UInt8(prefix)
        } else {
            prefix = bits
        }
    }

    private static func ipv4(_ bytes: ArraySlice<UInt8>) -> UInt128? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt128 = 0
        for part in parts {
            guard let octet = decimal(part, digits: 3), octet <= 255 else { return nil }
            address = address << 8 | UInt128(octet)
        }
        return address
    }

    private static func ipv6(_ bytes: ArraySlice<UInt8>) -> UInt128? {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt128] = []
        var gap: Int?
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                // `::` leaves one empty part between its neighbours, and one more at an end of the text.
                let isEdge = index == 0 || index == parts.count - 1
                if isEdge {
                    let inner = index == 0 ? 1 : parts.count - 2
                    guard parts.count > 2, parts[inner].isEmpty else { return nil }
                } else {
                    guard gap == nil else { return nil }
                    gap = groups.count
                }
            } else {
                guard let group = hexadecimal(part) else { return nil }
                groups.append(group)
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: Array(repeating: 0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        return groups.reduce(0) { $0 << 16 | $1 }
    }

    /// A decimal number without leading zeros.
    private static func decimal(_ bytes: ArraySlice<UInt8>, digits: Int) -> Int? {
        guard !bytes.isEmpty, bytes.count <= digits, bytes.count == 1 || bytes.first != UInt8(ascii: "0") else {
            return nil
        }
        var number = 0
        for byte in bytes {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> UInt128? {
        guard bytes.count <= 4 else { return nil }
        var number: UInt128 = 0
        for byte in bytes {
            guard let digit = HexDigit.value(of: byte) else { return nil }
            number = number << 4 | UInt128(digit)
        }
        return number
    }

    /// Whether this is IPv4.
    public var isIPv4: Bool { !isIPv6 }

    /// Whether all addresses are the host's own: within `127.0.0.0/8` or `::1`.
    public var isLoopback: Bool {
        isInRange(isIPv6 ? CedarIPAddress(address: 1, prefix: 128, isIPv6: true) : .loopback)
    }

    /// Whether all addresses are of multicast: within `224.0.0.0/4` or `ff00::/8`.
    public var isMulticast: Bool {
        isInRange(isIPv6 ? CedarIPAddress(address: 0xFF << 120, prefix: 8, isIPv6: true) : .multicast)
    }

    /// Whether every address of this is one of `range`; false between IPv4 and IPv6.
    public func isInRange(_ range: CedarIPAddress) -> Bool {
        guard isIPv6 == range.isIPv6, prefix >= range.prefix else { return false }
        let shift = (isIPv6 ? 128 : 32) - UInt128(range.prefix)
        return address >> shift == range.address >> shift
    }

    private static let loopback = CedarIPAddress(address: 0x7F00_0000, prefix: 8, isIPv6: false)
    private static let multicast = CedarIPAddress(address: 0xE000_0000, prefix: 4, isIPv6: false)
}

extension CedarIPAddress: Comparable, CustomStringConvertible {
    /// Whether `left` comes first: IPv4, then by address, then by prefix.
    public static func < (left: CedarIPAddress, right: CedarIPAddress) -> Bool {
        if left.isIPv6 != right.isIPv6 { return right.isIPv6 }
        return left.address == right.address ? left.prefix < right.prefix : left.address < right.address
    }

    /// The address, followed by `/` and the prefix length where it is a range.
    public var description: String {
        let bits: UInt8 = isIPv6 ? 128 : 32
        let suffix = prefix == bits ? "" : "/\(prefix)"
        if isIPv6 {
            let groups = (0..<8).map { UInt16(truncatingIfNeeded: address >> UInt128(112 - 16 * $0)) }
            return CedarIPAddress.compressed(groups) + suffix
        }
        let octets = (0..<4).map { String(UInt8(truncatingIfNeeded: address >> UInt128(24 - 8 * $0))) }
        return octets.joined(separator: ".") + suffix
    }

    /// The groups in hexadecimal, the first longest run of two or more zeros as `::` (RFC 5952).
    private static func compressed(_ groups: [UInt16]) -> String {
        var run = 0..<0
        var start = 0
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start > max(run.count, 1) { run = start..<index }
            start = index + 1
        }
        let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        if run.isEmpty { return text(groups[...]) }
        return text(groups[..<run.lowerBound]) + "::" + text(groups[run.upperBound...])
    }
}
