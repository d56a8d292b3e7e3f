// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A block of internet addresses in CIDR form.
package struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
    /// Where the block begins, in network order: 4 bytes (IPv4) or 16 (IPv6).
    package let bytes: [UInt8]
    /// How many leading bits all its addresses share.
    package let length: Int

    /// - Returns: `nil` unless there are 4 or 16 bytes, and `length` fits them.
    package init?(bytes: [UInt8], length: Int) {
        guard bytes.count == 4 || bytes.count == 16, (0...bytes.count * 8).contains(length) else { return nil }
        self.bytes = bytes.enumerated().map { index, byte in
            let kept = max(0, min(8, length - index * 8))
            return byte & ~UInt8(truncatingIfNeeded: 0xFF >> kept)
        }
        self.length = length
    }

    package var isIPv4: Bool { bytes.count == 4 }

    package func contains(_ address: InternetAddress) -> Bool {
        AddressBlock(bytes: address.bytes, length: min(length, address.bytes.count * 8)) == self
    }

    package var description: String { "\(InternetAddress(unchecked: bytes))/\(length)" }
}

/// An internet address, as the kernel takes and shows it.
package struct InternetAddress: Hashable, Sendable, CustomStringConvertible {
    /// In network order: 4 bytes (IPv4) or 16 (IPv6).
    package let bytes: [UInt8]

    /// - Returns: `nil` unless there are 4 or 16 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    package static func v4(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> InternetAddress {
        InternetAddress(unchecked: [a, b, c, d])
    }

    /// An IPv6 address by its first groups; the others are zero, but for the last.
    package static func v6(_ first: [UInt16], last: UInt16 = 0) -> InternetAddress {
        let groups = first.prefix(7) + [UInt16](repeating: 0, count: 7 - min(7, first.count)) + [last]
        return InternetAddress(unchecked: groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] })
    }

    package var isIPv4: Bool { bytes.count == 4 }

    /// As inet_ntop(3) writes it.
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = isIPv4 ? AF_INET : AF_INET6
        guard unsafe inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A `struct sockaddr_in` or `struct sockaddr_in6` with this port.
    func socketAddress(port: UInt16) -> [UInt8] {
        let family = isIPv4 ? AF_INET : AF_INET6
        let head = nativeBytes(UInt16(family)) + [UInt8(port >> 8), UInt8(port & 0xFF)]
        let nothing = nativeBytes(UInt32(0))
        return isIPv4 ? head + bytes + nothing + nothing : head + nothing + bytes + nothing
    }
}

/// An integer as this machine keeps it in memory.
func nativeBytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
}
