// SPDX-License-Identifier: Apache-2.0
// Steps that prepare a network namespace of its own: where its addresses lead, and who listens.

internal import CLaunch
internal import CLinux
internal import Glibc

extension LaunchStep {
    /// Every address of the block is one of this namespace.
    ///
    /// - Parameter optional: a host without the block's family does without.
    package static func localRoute(_ block: AddressBlock, optional: Bool = false) -> LaunchStep {
        LaunchStep(LAUNCH_NETLINK, "make `\(block)` local").with {
            $0.a = NetlinkRequest.routeFamily
            $0.b = 1
            $0.data = NetlinkRequest.localRoute(block).bytes
            $0.flags = optional ? LAUNCH_OPTIONAL.rawValue : 0
        }
    }

    /// Sends every TCP connection to `port` of the loopback, except those to the loopback itself and to `spared`.
    ///
    /// - Parameter listeners: what waits there; they are closed where the kernel cannot redirect.
    package static func redirect(
        to port: UInt16, sparing spared: (address: InternetAddress, port: UInt16), listeners: (Slot, Slot)
    ) -> LaunchStep {
        LaunchStep(LAUNCH_NETLINK, "redirect connections to port \(port)").with {
            let rules = NetlinkRequest.redirection(to: port, sparing: spared)
            $0.a = NetlinkRequest.netfilterFamily
            // The two ends of the batch are not acknowledged.
            $0.b = UInt64(rules.count - 2)
            $0.data = rules.flatMap(\.bytes)
            $0.flags = LAUNCH_OPTIONAL.rawValue
            $0.slot = listeners.0
            $0.from = listeners.1
        }
    }

    package enum Transport: String, Hashable, Sendable {
        case stream = "TCP"
        case datagram = "UDP"
    }

    /// Opens a socket that waits at an address of the namespace.
    ///
    /// - Parameters:
    ///   - other: where that is open, this one is not needed.
    ///   - optional: a host without the address's family does without.
    package static func listen(
        _ transport: Transport, on address: InternetAddress, port: UInt16, into slot: Slot, unless other: Slot? = nil,
        optional: Bool = false
    ) -> LaunchStep {
        let place = address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        return LaunchStep(LAUNCH_LISTEN, "listen on \(transport.rawValue) \(place)").with {
            $0.a = UInt64(transport == .stream ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue)
            $0.data = address.socketAddress(port: port)
            $0.slot = slot
            $0.from = other
            $0.flags = optional ? LAUNCH_OPTIONAL.rawValue : 0
        }
    }
}

extension NetlinkRequest {
    /// `ip route add local BLOCK dev lo`, see rtnetlink(7).
    static func localRoute(_ block: AddressBlock) -> NetlinkRequest {
        // struct rtmsg: RT_TABLE_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL.
        let family = UInt8(block.isIPv4 ? AF_INET : AF_INET6)
        let head: [UInt8] = [family, UInt8(block.length), 0, 0, 255, 3, 254, 2]
        var request = NetlinkRequest(
            type: 24 /* RTM_NEWROUTE */, flags: Flag.acknowledge | Flag.createOnly, body: head + nativeBytes(UInt32(0))
        )
        // A destination of length 0 is said by leaving it out.
        if block.length > 0 { request.append(NetlinkAttribute(1 /* RTA_DST */, block.bytes)) }
        // `lo` is the first interface of every network namespace.
        request.append(NetlinkAttribute(4 /* RTA_OIF */, nativeBytes(UInt32(1))))
        return request
    }
}
