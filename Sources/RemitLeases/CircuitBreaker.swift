// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// Rests a provider that fails again and again, so that its calls do not take the turns of others.
package struct CircuitBreaker: Sendable {
    /// Consecutive failures before it opens.
    private let threshold: Int
    private let longestRest: Duration
    private var failures = 0
    private var rests = 0
    private var restsUntil: BootInstant?

    package init(threshold: Int = 3, longestRest: Duration = .seconds(30)) {
        self.threshold = threshold
        self.longestRest = longestRest
    }

    /// Until when nothing should be tried; nil when a call may begin.
    package func restsUntil(at now: BootInstant) -> BootInstant? {
        restsUntil.flatMap { $0 > now ? $0 : nil }
    }

    /// After a rest a single call is tried first.
    package var isOnTrial: Bool { restsUntil != nil }

    /// The provider answered, whatever it said.
    package mutating func succeeded() { (failures, rests, restsUntil) = (0, 0, nil) }

    /// The provider could not be reached, or did not answer in time.
    package mutating func failed(at now: BootInstant) {
        failures += 1
        guard failures >= threshold || isOnTrial else { return }
        restsUntil = now.advanced(by: min(longestRest, .seconds(1) * (1 << min(rests, 10))))
        rests += 1
    }
}
