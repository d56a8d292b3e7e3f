// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// Where the times of records come from; tests give one that stands still.
package struct JournalClock {
    /// The time of day, for people.
    package var wall: () -> WallInstant
    /// The time since boot, which nobody can set.
    package var boot: () -> BootInstant

    /// A clock made of two functions.
    package init(wall: @escaping () -> WallInstant, boot: @escaping () -> BootInstant) {
        self.wall = wall
        self.boot = boot
    }

    /// The clocks of the system.
    package static var system: JournalClock { JournalClock(wall: { .now }, boot: { .now }) }
}
