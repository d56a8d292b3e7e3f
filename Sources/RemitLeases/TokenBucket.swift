// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// Limits how fast credentials are minted, so that no fault can make a storm of them.
package struct TokenBucket: Sendable {
    private let capacity: Int
    private let interval: Duration
    private var tokens: Int
    private var filled: BootInstant

    /// A full bucket that gets one token back every `interval`.
    package init(capacity: Int, interval: Duration, at now: BootInstant) {
        self.capacity = capacity
        self.interval = interval
        tokens = capacity
        filled = now
    }

    /// Takes a token, or says when there will be one.
    package mutating func take(at now: BootInstant) -> BootInstant? {
        while tokens < capacity, filled.advanced(by: interval) <= now {
            tokens += 1
            filled = filled.advanced(by: interval)
        }
        if tokens == capacity { filled = now }
        guard tokens > 0 else { return filled.advanced(by: interval) }
        tokens -= 1
        return nil
    }
}
