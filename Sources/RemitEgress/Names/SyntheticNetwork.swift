// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// The addresses inside a session that stand for names: 198.18.0.0/15 (set aside by RFC 2544 for networks that lead
/// nowhere else) and fd00:7265:6d69::/48 (RFC 4193).
package enum SyntheticNetwork {
    private static let base: UInt32 = 0xC612_0000
    private static let baseV6: UInt64 = 0xFD00_7265_6D69_0000

    /// The first 256 are the gate's own.
    private static let first = 256
    private static let last = 0x1_FFFF

    /// 198.18.0.1: the explicit proxy, and ``name``.
    package static let gate = IPAddress.v4(base + 1)

    /// The name at which the agent reads about its session.
    package static let name = "remit.internal"

    /// How many names can have addresses.
    package static let capacity = last - first + 1

    /// The addresses of the name with this number, which counts from 0; `nil` beyond ``capacity``.
    static func addresses(of number: Int) -> (v4: IPAddress, v6: IPAddress)? {
        guard (0..<capacity).contains(number) else { return nil }
        let offset = UInt32(number + first)
        return (.v4(base + offset), .v6(high: baseV6, low: UInt64(offset)))
    }

    /// What an address is here.
    package enum Place: Hashable, Sendable {
        /// Not one of these networks.
        case outside
        /// That of the name with this number, whether or not there is one.
        case name(Int)
        /// One of the gate's own, or one that stands for nothing.
        case reserved
    }

    static func place(of address: IPAddress) -> Place {
        let offset: UInt64
        switch address {
        case .v4(let number):
            guard number >> 17 == base >> 17 else { return .outside }
            offset = UInt64(number - base)
        case .v6(let high, let low):
            guard high >> 16 == baseV6 >> 16 else { return .outside }
            guard high == baseV6 else { return .reserved }
            offset = low
        }
        guard let number = Int(exactly: offset), (first...last).contains(number) else { return .reserved }
        return .name(number - first)
    }
}
