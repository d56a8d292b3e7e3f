// SPDX-License-Identifier: Apache-2.0
// A lease is judged on two clocks: boottime, which nobody can set but which ends with the boot, and wall time,
// which outlives a boot and which the provider shares, but which anybody may set.

package import RemitKernel

/// One moment on both clocks, and the boot that its boottime belongs to.
package struct Stamp: Sendable, Hashable {
    package var wall: WallInstant
    package var boot: BootInstant
    package var bootIdentifier: String

    package init(wall: WallInstant, boot: BootInstant, bootIdentifier: String) {
        self.wall = wall
        self.boot = boot
        self.bootIdentifier = bootIdentifier
    }

    package static var now: Stamp {
        Stamp(wall: .now, boot: .now, bootIdentifier: BootInstant.bootIdentifier)
    }

    /// The moment `duration` later on both clocks.
    package func advanced(by duration: Duration) -> Stamp {
        Stamp(
            wall: wall.advanced(by: duration), boot: boot.advanced(by: duration), bootIdentifier: bootIdentifier
        )
    }

    /// The moment at which a wall-clock time will come, if nobody sets the clock.
    package func projected(to other: WallInstant) -> Stamp {
        advanced(by: wall.duration(to: other))
    }

    /// How long ago `earlier` was: by boottime within one boot, else by wall time, and never negative.
    package func elapsed(since earlier: Stamp) -> Duration {
        let elapsed =
            bootIdentifier == earlier.bootIdentifier
            ? earlier.boot.duration(to: boot) : earlier.wall.duration(to: wall)
        return max(elapsed, .zero)
    }

    /// Whether either clock says that `limit` has come: for ending the use of something.
    package func reached(_ limit: Stamp) -> Bool {
        if wall >= limit.wall { return true }
        return bootIdentifier == limit.bootIdentifier && boot >= limit.boot
    }

    /// Whether both clocks say that `limit` is past: for claiming that something has ended by itself.
    ///
    /// After a reboot there is only wall time, so its margin is wider.
    package func isSurelyPast(_ limit: Stamp, skew: Duration, rebootSkew: Duration) -> Bool {
        guard bootIdentifier == limit.bootIdentifier else { return wall >= limit.wall.advanced(by: rebootSkew) }
        return boot >= limit.boot.advanced(by: skew) && wall >= limit.wall.advanced(by: skew)
    }

    /// When isSurelyPast(_:skew:rebootSkew:) will hold, on this boot's clock.
    package func moment(surelyPast limit: Stamp, skew: Duration, rebootSkew: Duration) -> BootInstant {
        guard bootIdentifier == limit.bootIdentifier else {
            return boot.advanced(by: wall.duration(to: limit.wall.advanced(by: rebootSkew)))
        }
        let byWall = boot.advanced(by: wall.duration(to: limit.wall.advanced(by: skew)))
        return max(limit.boot.advanced(by: skew), byWall)
    }

    /// When reached(_:) will hold, on this boot's clock.
    package func moment(reaching limit: Stamp) -> BootInstant {
        let byWall = boot.advanced(by: wall.duration(to: limit.wall))
        return bootIdentifier == limit.bootIdentifier ? min(limit.boot, byWall) : byWall
    }

    /// The earlier of two limits, clock by clock.
    package func earlier(of other: Stamp) -> Stamp {
        guard bootIdentifier == other.bootIdentifier else { return wall <= other.wall ? self : other }
        return Stamp(wall: min(wall, other.wall), boot: min(boot, other.boot), bootIdentifier: bootIdentifier)
    }
}

extension WallInstant {
    /// The signed time from this instant to `other`, clamped to what fits.
    package func duration(to other: WallInstant) -> Duration {
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
        return .nanoseconds(overflow ? (other < self ? .min : .max) : difference)
    }
}
