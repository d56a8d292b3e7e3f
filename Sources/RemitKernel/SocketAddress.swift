// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// An internet address and a port. IPv4 in the clothes of IPv6 (`::ffff:192.0.2.1`), as a socket of both versions shows
/// it, is IPv4 here.
package struct SocketAddress: Hashable, Sendable {
    /// An address as numbers, most significant byte first on the wire.
    package enum Host: Hashable, Sendable {
        case v4(UInt32)
        case v6(high: UInt64, low: UInt64)
    }

    package var host: Host
    package var port: UInt16

    package init(_ host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// 127.0.0.1, port 0 for any free one.
    package static func loopback(port: UInt16 = 0) -> SocketAddress { SocketAddress(.v4(0x7F00_0001), port: port) }

    init(_ raw: linux_address) {
        let bytes = Self.bytes(raw)
        port = raw.port
        if raw.version == 4 {
            host = .v4(UInt32(truncatingIfNeeded: Self.number(bytes[..<4])))
        } else {
            host = .v6(high: Self.number(bytes[..<8]), low: Self.number(bytes[8...]))
        }
    }

    var raw: linux_address {
        var raw = linux_address()
        raw.port = port
        switch host {
        case .v4(let number):
            raw.version = 4
            Self.set(&raw, to: (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * UInt32($0))) })
        case .v6(let high, let low):
            raw.version = 6
            Self.set(
                &raw,
                to: [high, low].flatMap { half in
                    (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * UInt64($0))) }
                })
        }
        return raw
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    private static func bytes(_ raw: linux_address) -> [UInt8] {
        unsafe withUnsafeBytes(of: raw.bytes) { unsafe Array($0) }
    }

    private static func set(_ raw: inout linux_address, to bytes: [UInt8]) {
        unsafe withUnsafeMutableBytes(of: &raw.bytes) { unsafe $0.copyBytes(from: bytes) }
    }
}
