// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// A connection of the agent's that was allowed and is to be read.
package struct GateConnection: Sendable {
    /// How the agent said where it wants to.
    package enum Via: String, Sendable, Hashable {
        /// By connecting to the address that stands for a name, or to a literal one.
        case transparent
        /// By CONNECT.
        case connect
        /// By SOCKS 5.
        case socks
        /// By a request with an absolute target, in the clear.
        case absoluteForm = "absolute-form"
        /// It wants `remit.internal`.
        case service
    }

    /// A number of its own within the session.
    package let id: UInt64
    /// The host.
    package let destination: Destination
    /// The port.
    package let port: UInt16
    /// The rule that allowed it.
    package let rule: EgressRule
    /// Whether it begins with TLS.
    package let isTLS: Bool
    /// How the agent came.
    package let via: Via

    package init(
        id: UInt64, destination: Destination, port: UInt16, rule: EgressRule, isTLS: Bool, via: Via
    ) {
        self.id = id
        self.destination = destination
        self.port = port
        self.rule = rule
        self.isTLS = isTLS
        self.via = via
    }
}
