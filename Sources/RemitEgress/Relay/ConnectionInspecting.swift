// SPDX-License-Identifier: Apache-2.0

package import RemitGate
package import RemitNetwork

/// Reads connections that have to be read, on threads of its own.
package protocol ConnectionInspecting: Sendable {
    /// The certificate of the session's authority, in PEM; nothing where nothing is terminated.
    var authority: String? { get }

    /// How many connections it has.
    var open: Int { get }

    /// Takes over a client's socket, of which nothing was read.
    func adopt(descriptor: CInt, connection: GateConnection)

    /// Swaps a secret from now on; where that is not possible the supervisor is told.
    func bind(_ grant: SecretGrant)

    /// Stops swapping a lease's secret and cuts the connections that used it; without a lease, cuts all.
    ///
    /// - Parameter completion: called once with how many were cut, on any thread.
    func fence(lease: String?, completion: @escaping @Sendable (Int) -> Void)

    /// Lets nothing leave to a host any more, for good, whatever its threads are at; called before a fence of all connections,
    /// which does the rest.
    ///
    /// - Parameter tell: called once, before this returns, with how many of the agent's there were.
    func sever(then tell: (Int) -> Void)

    /// Decides by this policy from now on.
    func update(policy: EgressPolicy)
}
