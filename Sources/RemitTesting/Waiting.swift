// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Whether the condition came true in time. Looks every few milliseconds: for what only /proc or a file can tell.
package func eventually(within limit: Duration, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = ContinuousClock.now + limit
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
