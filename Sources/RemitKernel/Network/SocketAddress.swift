// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// An internet address and a port, as the kernel takes them.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// In network order: 4 bytes (IPv4) or 16 (IPv6).
    package let address: [UInt8]
    package let port: UInt16

    package init(_ address: [UInt8], port: UInt16) {
        self.address = address
        self.port = port
    }

    private var isIPv4: Bool { address.count == 4 }

    /// The address alone, as inet_ntop(3) writes it.
    var host: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard address.count == 4 || address.count == 16,
            unsafe inet_ntop(isIPv4 ? AF_INET : AF_INET6, address, &text, socklen_t(text.count)) != nil
        else { return "no address" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package var description: String { isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)" }

    /// A `struct sockaddr_in` or `struct sockaddr_in6`.
    var bytes: [UInt8] {
        let head = nativeBytes(UInt16(isIPv4 ? AF_INET : AF_INET6)) + [UInt8(port >> 8), UInt8(port & 0xFF)]
        let nothing = nativeBytes(UInt32(0))
        return isIPv4 ? head + address + nothing + nothing : head + nothing + address + nothing
    }
}

/// An integer as this machine keeps it in memory.
func nativeBytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
}
