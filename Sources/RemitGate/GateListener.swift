// SPDX-License-Identifier: Apache-2.0

/// What a socket within the agent's network is for; its descriptor is sent along with the command.
package enum GateListener: Hashable, Sendable {
    /// The name server's datagrams.
    case names
    /// The name server's connections.
    case nameConnections
    /// The explicit proxy: CONNECT, absolute-form HTTP and SOCKS5.
    case proxy
    /// Every connection that nftables redirected: its destination is told by `SO_ORIGINAL_DST`.
    case redirected
    /// Connections to one port of the synthetic ranges: their destination is told by `getsockname(2)`.
    case port(UInt16)
    /// The service that the agent reads about its session: `remit.internal`.
    case service
}
