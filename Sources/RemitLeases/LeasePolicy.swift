// SPDX-License-Identifier: Apache-2.0

/// The numbers and the source of jitter that lease machines work with.
package struct LeasePolicy: Sendable {
    /// How far the provider's clock may differ from ours.
    package var skew: Duration = .seconds(5)
    /// The same after a reboot, when only wall time is left.
    package var rebootSkew: Duration = .seconds(60)
    /// How much later than asked an expiry may be, for providers that round up.
    package var expiryTolerance: Duration = .seconds(1)
    /// Less time than this before the deadline is not worth a credential.
    package var minimumLife: Duration = .seconds(1)
    /// The longest a recorded issue may wait before its call begins.
    package var issuePatience: Duration = .seconds(30)
    /// The longest an issue's call may take.
    package var issueTimeLimit: Duration = .seconds(10)
    package var pace = RetryPace.Settings()
    /// A dead letter takes this many failed attempts and ``deadLetterAge``.
    package var deadLetterAttempts = 10
    package var deadLetterAge: Duration = .seconds(15 * 60)
    package var deadLetterInterval: Duration = .seconds(3600)
    /// A random number of milliseconds from 0 to the argument.
    package var jitter: @Sendable (Int) -> Int = { Int.random(in: 0...max(0, $0)) }

    package init() {}
}
