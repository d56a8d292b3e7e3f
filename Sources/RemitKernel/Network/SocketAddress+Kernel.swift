// SPDX-License-Identifier: Apache-2.0

internal import CLinux

extension SocketAddress {
    /// 127.0.0.1; port 0 is any free one.
    package static func loopback(port: UInt16 = 0) -> SocketAddress { SocketAddress([127, 0, 0, 1], port: port) }

    /// IPv4 in the clothes of IPv6 (`::ffff:192.0.2.1`), as a socket of both versions shows it, is IPv4 here.
    init(_ raw: linux_address) {
        let bytes = unsafe withUnsafeBytes(of: raw.bytes) { unsafe Array($0) }
        self.init(raw.version == 4 ? Array(bytes[..<4]) : bytes, port: raw.port)
    }

    var raw: linux_address {
        var raw = linux_address()
        raw.version = address.count == 4 ? 4 : 6
        raw.port = port
        unsafe withUnsafeMutableBytes(of: &raw.bytes) { unsafe $0.copyBytes(from: address.prefix(16)) }
        return raw
    }
}
