// SPDX-License-Identifier: Apache-2.0
// The special-purpose ranges of IANA's registries (RFC 6890 and its successors), and the addresses at which clouds hand
// out credentials. Only `.global` is reached without a rule that names it.

/// What an address is for.
package enum AddressScope: String, Hashable, Sendable, CaseIterable {
    /// A host on the internet.
    case global
    /// `0.0.0.0/8` and `::`: this host, in most systems.
    case unspecified
    /// `127.0.0.0/8` and `::1`.
    case loopback
    /// RFC 1918, and the unique local addresses of RFC 4193.
    case privateUse
    /// `169.254.0.0/16`, `fe80::/10`, and the former site-local `fec0::/10`.
    case linkLocal
    /// Where clouds hand out configuration and credentials to machines.
    case metadata
    /// `224.0.0.0/4` and `ff00::/8`.
    case multicast
    /// `255.255.255.255`.
    case broadcast
    /// `100.64.0.0/10`: between a carrier and its customers.
    case sharedCarrier
    /// RFC 5737, RFC 3849 and RFC 9637.
    case documentation
    /// `198.18.0.0/15`, which is also what sessions use inside, and `2001:2::/48`.
    case benchmarking
    /// A form that carries an address of version 4 over retired or local means: 6to4, Teredo, `64:ff9b:1::/48`.
    case transition
    /// Set aside for anything else.
    case reserved
}

extension IPAddress {
    /// The address of version 4 that this one stands for: mapped (`::ffff:0:0/96`), compatible (`::/96`), NAT64
    /// (`64:ff9b::/96` and, as RFC 6052 embeds it below a prefix of 48 bits, `64:ff9b:1::/48`), 6to4 (`2002::/16`) and
    /// Teredo (`2001::/32`); any other is itself.
    package var canonical: IPAddress {
        guard case .v6(let high, let low) = self else { return self }
        let last = UInt32(truncatingIfNeeded: low)
        if high == 0, low >> 32 == 0xFFFF || (low >> 32 == 0 && low > 1) { return .v4(last) }
        // RFC 2765 translated form, `::ffff:0:a.b.c.d`.
        if high == 0, low >> 32 == 0xFFFF_0000 { return .v4(last) }
        if high == 0x0064_FF9B_0000_0000, low >> 32 == 0 { return .v4(last) }
        if high >> 16 == 0x0064_FF9B_0001 {
            return .v4(UInt32(truncatingIfNeeded: high & 0xFFFF) << 16 | UInt32(truncatingIfNeeded: low >> 40 & 0xFFFF))
        }
        if high >> 48 == 0x2002 { return .v4(UInt32(truncatingIfNeeded: high >> 16)) }
        if high >> 32 == 0x2001_0000 { return .v4(~last) }
        return self
    }

    /// What the address is for; of one that carries another, whichever of both is special.
    package var scope: AddressScope {
        if Self.metadata.contains(self) { return .metadata }
        switch self {
        case .v4: return Self.scope(of: self, in: Self.special4)
        case .v6(let high, let low):
            let carried = canonical
            guard carried == self else {
                let inner = carried.scope
                if inner != .global { return inner }
                let isMapped = high == 0 && low >> 32 == 0xFFFF
                let isTranslated = high == 0x0064_FF9B_0000_0000
                return isMapped || isTranslated ? .global : .transition
            }
            // Only 2000::/3 is given out: whatever else has no entry is not an address of a host.
            let scope = Self.scope(of: self, in: Self.special6)
            return scope == .global && high >> 61 != 1 ? .reserved : scope
        }
    }

    private static func scope(of address: IPAddress, in table: [(Network, AddressScope)]) -> AddressScope {
        table.first { $0.0.contains(address) }?.1 ?? .global
    }

    private static func table(_ entries: [(String, AddressScope)]) -> [(Network, AddressScope)] {
        entries.compactMap { text, scope in Network(text).map { ($0, scope) } }
    }

    /// How many metadata addresses and ranges of both versions are known: for the test that none failed to parse.
    static var specialCounts: [Int] { [metadata.count, special4.count, special6.count] }

    private static let metadata: Set<IPAddress> = Set(
        [
            // Amazon, Google, Azure, Oracle, DigitalOcean, Hetzner and most others; Amazon's resolver and clock.
            "169.254.169.254", "169.254.169.253", "169.254.169.123", "169.254.169.249", "169.254.169.250",
            // Amazon's containers and pods.
            "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::123", "fd00:ec2::23",
            // Google, OpenStack, Oracle, Scaleway.
            "fd20:ce::254", "fe80::a9fe:a9fe", "192.0.0.192", "fd00:c1::a9fe:a9fe", "169.254.42.42", "fd00:42::42",
            // Alibaba, Tencent, Azure's host agent.
            "100.100.100.200", "169.254.0.23", "168.63.129.16",
        ].compactMap { IPAddress($0) }
    )

    private static let special4 = table([
        ("0.0.0.0/8", .unspecified), ("10.0.0.0/8", .privateUse), ("100.64.0.0/10", .sharedCarrier),
        ("127.0.0.0/8", .loopback), ("169.254.0.0/16", .linkLocal), ("172.16.0.0/12", .privateUse),
        // Global by the registry, though within 192.0.0.0/24: anycast of PCP and TURN, never an agent's business.
        ("192.0.0.0/24", .reserved), ("192.0.2.0/24", .documentation), ("192.88.99.0/24", .transition),
        ("192.168.0.0/16", .privateUse), ("198.18.0.0/15", .benchmarking), ("198.51.100.0/24", .documentation),
        ("203.0.113.0/24", .documentation), ("224.0.0.0/4", .multicast), ("255.255.255.255/32", .broadcast),
        ("240.0.0.0/4", .reserved),
    ])

    private static let special6 = table([
        ("::/128", .unspecified), ("::1/128", .loopback), ("100::/64", .reserved), ("100:0:0:1::/64", .reserved),
        ("2001:2::/48", .benchmarking), ("2001:db8::/32", .documentation), ("2001::/23", .reserved),
        ("3fff::/20", .documentation), ("5f00::/16", .reserved), ("fc00::/7", .privateUse),
        ("fe80::/10", .linkLocal), ("fec0::/10", .linkLocal), ("ff00::/8", .multicast),
    ])
}
