// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
package import RemitSandbox

/// What holds a session's network on this host.
package enum EgressSupport {
    /// Tries it, in a few milliseconds, since no setting tells.
    package static func probe() -> GateSupport {
        let program = Providers.shipped("remit-egress")
        guard FileSystem.exists(program) else { return .absent(program) }
        return (try? RedirectionProbe.isPossible()) == true ? .redirecting : .listening
    }
}
