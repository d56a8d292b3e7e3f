// SPDX-License-Identifier: Apache-2.0
// Full jitter, as in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): quick while a blip is likely,
// patient when an outage is.

package import RemitKernel

/// When to try the next time.
package struct RetryPace: Sendable, Hashable {
    /// Two phases: quick for a minute, then slow.
    package struct Settings: Sendable, Hashable {
        package var quickBase: Duration = .milliseconds(250)
        package var quickCap: Duration = .seconds(15)
        package var quickPhase: Duration = .seconds(60)
        package var slowBase: Duration = .seconds(10)
        package var slowCap: Duration = .seconds(300)

        package init() {}
    }

    private let settings: Settings
    private let began: BootInstant
    private var quickTries = 0
    private var slowTries = 0

    package init(_ settings: Settings, began: BootInstant) {
        self.settings = settings
        self.began = began
    }

    /// The wait before the next attempt: random between nothing and a bound that doubles up to its cap.
    package mutating func next(at now: BootInstant, jitter: (Int) -> Int) -> Duration {
        let bound: Duration
        if began.duration(to: now) < settings.quickPhase {
            bound = Self.bound(settings.quickBase, settings.quickCap, quickTries)
            quickTries += 1
        } else {
            bound = Self.bound(settings.slowBase, settings.slowCap, slowTries)
            slowTries += 1
        }
        return min(bound, .milliseconds(max(0, jitter(bound.milliseconds))))
    }

    private static func bound(_ base: Duration, _ cap: Duration, _ tries: Int) -> Duration {
        min(cap, base * (1 << min(tries, 20)))
    }
}
