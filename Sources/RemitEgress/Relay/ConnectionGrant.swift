// SPDX-License-Identifier: Apache-2.0

package import RemitGate
package import RemitNetwork

/// What was decided about a connection that may be made.
package struct ConnectionGrant: Hashable, Sendable {
    package let destination: Destination
    package let port: UInt16
    /// What all layers of the policy leave together.
    package let rule: EgressRule
    /// What has to happen to its bytes.
    package let treatment: Treatment

    package enum Treatment: Hashable, Sendable {
        /// The gate's own service answers.
        case service
        /// Whatever is spoken passes through unread.
        case opaque
        /// Whatever is spoken passes through unread, unless it begins as TLS with another name, or none.
        case guarded
        /// TLS with the right name passes through unread; HTTP in the clear is read.
        case checked
        /// HTTP is read.
        case inspected
    }

    /// Decides on a destination by what is allowed now.
    ///
    /// - Throws: ``ConnectionRefusal``
    package init(
        to destination: Destination, port: UInt16, policy: EgressPolicy, configuration: GateConfiguration
    ) throws(ConnectionRefusal) {
        self.destination = destination
        self.port = port
        if case .name(let name) = destination, name.text == SyntheticNetwork.name {
            guard port == 80 else { throw ConnectionRefusal("port", "\(SyntheticNetwork.name) answers on port 80") }
            rule = Self.service(name)
            treatment = .service
            return
        }
        switch policy.connection(to: destination, port: port) {
        case .denied(let denial): throw ConnectionRefusal(denial)
        case .allowed(let rule, let inspect):
            self.rule = rule
            if inspect || configuration.needsInspection(of: destination, port: port) {
                treatment = .inspected
            } else {
                switch rule.opaque {
                case .never: treatment = .checked
                case .unlessTLS: treatment = .guarded
                case .always: treatment = .opaque
                }
            }
        }
    }

    private static func service(_ name: HostName) -> EgressRule {
        EgressRule(label: ConnectionRefusal.gate, host: .exact(name), ports: [80], allowsClearText: true)
    }
}
