// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// What the supervisor tells its gate.
package enum GateCommand: Sendable {
    /// Comes first, and once.
    case configure(GateConfiguration)
    /// Sockets to serve, each with a descriptor in the same order.
    case listeners([GateListener])
    /// A secret to swap from now on, also in place of an earlier one of its lease.
    case bind(SecretGrant)
    /// Stop swapping a lease's secret and cut every connection that used it; without a lease, close everything.
    case fence(lease: String?)
    /// Allow what this policy allows, of what is allowed now.
    case narrow(EgressPolicy)
    /// Tell what has been used; answered by ``GateEvent/usage(_:)``.
    case usage
    /// Close everything, tell the rest of what happened, and exit.
    case stop
}
