// SPDX-License-Identifier: Apache-2.0

/// A function or method of the extension types.
public enum ExtensionFunction: String, Hashable, Sendable, CaseIterable {
    /// `decimal("1.23")`
    case decimal
    /// `ip("10.0.0.0/8")`
    case ip
    /// `datetime("2024-10-15T11:35:00Z")`
    case datetime
    /// `duration("1h30m")`
    case duration
    /// `decimal < decimal`, as a method
    case lessThan
    /// `decimal <= decimal`, as a method
    case lessThanOrEqual
    /// `decimal > decimal`, as a method
    case greaterThan
    /// `decimal >= decimal`, as a method
    case greaterThanOrEqual
    /// Whether an `ipaddr` is IPv4.
    case isIpv4
    /// Whether an `ipaddr` is IPv6.
    case isIpv6
    /// Whether an `ipaddr` is of the host itself.
    case isLoopback
    /// Whether an `ipaddr` is of multicast.
    case isMulticast
    /// Whether an `ipaddr` is within another.
    case isInRange
    /// A `datetime` shifted by a `duration`.
    case offset
    /// The `duration` from another `datetime` to this.
    case durationSince
    /// The midnight of a `datetime`'s day.
    case toDate
    /// The `duration` since a `datetime`'s midnight.
    case toTime
    /// The milliseconds of a `duration`.
    case toMilliseconds
    /// The whole seconds of a `duration`.
    case toSeconds
    /// The whole minutes of a `duration`.
    case toMinutes
    /// The whole hours of a `duration`.
    case toHours
    /// The whole days of a `duration`.
    case toDays

    /// Whether it is called as `f(x)`; the others as `x.f()`.
    public var isConstructor: Bool {
        switch self {
        case .decimal, .ip, .datetime, .duration: true
        default: false
        }
    }

    /// How many arguments it takes, the receiver of a method included.
    public var argumentCount: Int {
        switch self {
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual, .isInRange, .offset, .durationSince: 2
        default: 1
        }
    }
}
