// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// How many times slower than usual this machine is, by REMIT_TEST_PATIENCE: 1 where nothing is said.
///
/// A guest under software emulation is 10 to 20 times slower. What is waited for may take that much longer there, and
/// time that a test gives an agent to get somewhere is that much more; what is promised as such stays what it is.
package let patience: Int = {
    let text = ProcessInfo.processInfo.environment["REMIT_TEST_PATIENCE"] ?? ""
    return max(1, Int(text) ?? 1)
}()

extension Duration {
    /// As long as this takes on a machine of the usual speed.
    package var patient: Duration { self * patience }
}

/// Whether the condition came true in time. Looks every few milliseconds: for what only /proc or a file can tell.
///
/// - Parameter limit: on a machine of the usual speed, see ``patience``.
package func eventually(within limit: Duration, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = ContinuousClock.now + limit.patient
    while true {
        if try condition() { return true }
        if ContinuousClock.now >= end { return false }
        pause(.milliseconds(5))
    }
}

/// Lets time pass, where the passing of time itself is what a test is about.
package func pause(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var rest = timespec()
    while unsafe nanosleep(&time, &rest) != 0, errno == EINTR { time = rest }
}
