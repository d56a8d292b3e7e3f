// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// Connects to hosts: resolves a name, checks every address of it, and pins the one that answered first.
package protocol UpstreamConnecting: Sendable {
    /// Connects, and tells once, on any thread, how it went.
    func connect(
        to destination: Destination, port: UInt16, rule: EgressRule,
        completion: @escaping @Sendable (Result<UpstreamSocket, UpstreamError>) -> Void
    )
}

/// A connected socket; whoever gets it closes it.
package struct UpstreamSocket: Sendable {
    /// The stream socket, connected and not blocking.
    package let descriptor: CInt
    /// The address it is connected to.
    package let address: IPAddress

    package init(descriptor: CInt, address: IPAddress) {
        self.descriptor = descriptor
        self.address = address
    }
}

/// Why a host was not reached.
package struct UpstreamError: Error, Sendable, Hashable {
    /// One word for records and machine-readable answers: `unresolved`, `address`, `refused`, `timeout`, `certificate`.
    package let code: String
    /// One clause.
    package let reason: String
    /// Whether it was not allowed, rather than not possible.
    package let isDenial: Bool

    package init(_ code: String, _ reason: String, isDenial: Bool = false) {
        self.code = code
        self.reason = reason
        self.isDenial = isDenial
    }
}
