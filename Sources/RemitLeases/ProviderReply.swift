// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// What came of one call.
package enum ProviderReply: Sendable {
    case issued(IssuedCredential)
    case renewed(expires: WallInstant, content: Secret?)
    case acknowledged
    case probed(ProbeFinding)
    case listed(handles: [String])
    case failed(LeaseFailure)
    case timedOut
}
