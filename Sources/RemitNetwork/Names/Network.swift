// SPDX-License-Identifier: Apache-2.0

/// A range of addresses in the notation of RFC 4632: an address and the number of bits that its members share.
package struct Network: Hashable, Sendable {
    /// The first address of the range.
    package let base: IPAddress
    /// How many leading bits the members share: at most 32 or 128.
    package let prefix: Int

    /// Makes the range that an address lies in; nothing for more bits than the address has.
    package init?(_ address: IPAddress, prefix: Int) {
        guard (0...address.width).contains(prefix) else { return nil }
        base = address.masked(to: prefix)
        self.prefix = prefix
    }

    /// The range that holds one address only.
    package init(_ address: IPAddress) {
        base = address
        prefix = address.width
    }

    /// Reads `10.0.0.0/8`, `2001:db8::/32` or one address; nothing when there are bits beyond the prefix.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(address)
            return
        }
        let digits = parts[1].utf8
        guard (1...3).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0"),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let prefix = Int(parts[1])
        else { return nil }
        self.init(address, prefix: prefix)
        // `10.0.0.1/8` may mean one address or sixteen million.
        guard base == address else { return nil }
    }

    /// Whether it holds one address only.
    package var isSingle: Bool { prefix == base.width }

    /// Whether an address of the same version lies in it; translated forms are different addresses.
    package func contains(_ address: IPAddress) -> Bool {
        address.width == base.width && address.masked(to: prefix) == base
    }

    /// Whether every address of another range lies in it.
    package func contains(_ other: Network) -> Bool {
        other.prefix >= prefix && contains(other.base)
    }
}

extension Network: CustomStringConvertible {
    /// `10.0.0.0/8`, and the address alone where it is one.
    package var description: String { isSingle ? "\(base)" : "\(base)/\(prefix)" }
}

extension IPAddress {
    /// The address with all bits beyond a prefix cleared; the prefix is at most the address's width.
    func masked(to prefix: Int) -> IPAddress {
        switch self {
        case .v4(let value): .v4(value & (prefix == 0 ? 0 : UInt32.max << (32 - UInt32(prefix))))
        case .v6(let high, let low):
            .v6(
                high: high & (prefix == 0 ? 0 : UInt64.max << UInt64(max(0, 64 - prefix))),
                low: low & (prefix <= 64 ? 0 : UInt64.max << UInt64(128 - prefix))
            )
        }
    }
}
