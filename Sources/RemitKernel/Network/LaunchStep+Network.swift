// SPDX-License-Identifier: Apache-2.0
// Steps that prepare a network namespace of its own: where its addresses lead, and who listens.

internal import CLaunch
internal import CLinux
internal import Glibc

extension LaunchStep {
    /// Every address of the block is one of this namespace.
    ///
    /// - Parameters:
    ///   - block: its first address in network order, 4 bytes or 16.
    ///   - length: how many leading bits all its addresses share.
    ///   - optional: a host without the block's family does without.
    package static func localRoute(_ block: [UInt8], length: Int, optional: Bool = false) -> LaunchStep {
        LaunchStep(LAUNCH_NETLINK, "make `\(SocketAddress(block, port: 0).host)/\(length)` local").with {
            $0.a = NetlinkRequest.routeFamily
            $0.b = 1
            $0.data = NetlinkRequest.localRoute(block, length: length).bytes
            $0.flags = optional ? LAUNCH_OPTIONAL.rawValue : 0
        }
    }

    /// Sends every TCP connection to `port` of the loopback, except those to the loopback itself and to `spared`.
    ///
    /// - Parameter listeners: what waits there; they are closed where the kernel cannot redirect.
    package static func redirect(
        to port: UInt16, sparing spared: SocketAddress, listeners: (Slot, Slot)
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
        _ transport: Transport, on address: SocketAddress, into slot: Slot, unless other: Slot? = nil,
        optional: Bool = false
    ) -> LaunchStep {
        LaunchStep(LAUNCH_LISTEN, "listen on \(transport.rawValue) \(address)").with {
            $0.a = UInt64(transport == .stream ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue)
            $0.data = address.bytes
            $0.slot = slot
            $0.from = other
            $0.flags = optional ? LAUNCH_OPTIONAL.rawValue : 0
        }
    }
}

extension NetlinkRequest {
    /// `ip route add local BLOCK dev lo`, see rtnetlink(7).
    static func localRoute(_ block: [UInt8], length: Int) -> NetlinkRequest {
        let family = UInt8(block.count == 4 ? AF_INET : AF_INET6)
        // struct rtmsg: RT_TABLE_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL.
        let head: [UInt8] = [family, UInt8(length), 0, 0, 255, 3, 254, 2]
        var request = NetlinkRequest(
            type: newRoute, flags: Flag.acknowledge | Flag.createOnly, body: head + nativeBytes(UInt32(0))
        )
        // A destination of length 0 is said by leaving it out.
        if length > 0 { request.append(NetlinkAttribute(routeDestination, block)) }
        // `lo` is the first interface of every network namespace.
        request.append(NetlinkAttribute(routeInterface, nativeBytes(UInt32(1))))
        return request
    }

    /// RTM_NEWROUTE, RTA_DST and RTA_OIF.
    private static let newRoute: UInt16 = 24
    private static let routeDestination: UInt16 = 1
    private static let routeInterface: UInt16 = 4
}
