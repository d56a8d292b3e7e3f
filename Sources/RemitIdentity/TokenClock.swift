// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// Where the times of tokens come from; tests give one that they move.
package struct TokenClock {
    /// The time of day, which verifiers go by.
    package var wall: () -> WallInstant
    /// The time since boot, which goes on in suspend and which nobody can set.
    package var boot: () -> BootInstant

    /// A clock made of two functions.
    package init(wall: @escaping () -> WallInstant, boot: @escaping () -> BootInstant) {
        self.wall = wall
        self.boot = boot
    }

    /// The clocks of the system.
    package static var system: TokenClock { TokenClock(wall: { .now }, boot: { .now }) }
}
